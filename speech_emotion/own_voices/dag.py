"""The lines of `dvc.yaml` that name a corpus, as text: comments and form stay as they are.

Wherever the last corpus of the stage `fetch` is named, in a list, as a dependency or in a command, a new one comes
behind it. What was added can so be taken out byte for byte.
"""

import re
from typing import Any

import yaml

from speech_emotion.core.errors import PipelineError

WAY_OUT = "see docs/own_voices.md, and edit it by hand"


def corpora(dag: str) -> list[str]:
    """Return the corpora that the stage `fetch` of the text `dag` names.

    Raises:
        PipelineError: it has another form.
    """
    try:
        stages: Any = yaml.safe_load(dag)["stages"]
        return list(stages["fetch"]["foreach"])
    except (yaml.YAMLError, KeyError, TypeError) as error:
        raise PipelineError(f"dvc.yaml: has no stage `fetch` with a list of corpora; {WAY_OUT}") from error


def with_corpus(dag: str, corpus: str) -> str:
    """Return `dag` with `corpus` wherever the last corpus is named.

    Raises:
        PipelineError: `corpus` is there, or `dag` has a form that this does not know.
    """
    last = corpora(dag)[-1]
    if _mentions(dag, corpus):
        raise PipelineError(f"dvc.yaml: has {corpus} already; take another name, or remove that corpus first")
    name = re.escape(last)
    listed = re.sub(rf"(?<=[\[ ]){name}\]", f"{last}, {corpus}]", dag)
    depended = re.sub(rf"^( *- )(\S*/){name}$", rf"\g<0>\n\g<1>\g<2>{corpus}", listed, flags=re.MULTILINE)
    # A word of a command: not the one behind the dash of a dependency.
    added = re.sub(rf"(?<!- )(?<!\S)(\S+/){name}(?!\S)", rf"\g<0> \g<1>{corpus}", depended)
    if _mentions(added, corpus) != _mentions(dag, last) or without_corpus(added, corpus) != dag:
        raise PipelineError(f"dvc.yaml: names {last} in a form that {corpus} cannot be added to; {WAY_OUT}")
    return added


def without_corpus(dag: str, corpus: str) -> str:
    """Return `dag` without `corpus`, unchanged if it does not name it.

    Raises:
        PipelineError: it is the only corpus.
    """
    if corpora(dag) == [corpus]:
        raise PipelineError(f"dvc.yaml: {corpus} is its only corpus; add another one first")
    name = re.escape(corpus)
    listed = re.sub(rf"(?<=[\[ ]){name}, |, {name}(?=[\],])", "", dag)
    depended = re.sub(rf"^ *- \S*/{name}\n", "", listed, flags=re.MULTILINE)
    return re.sub(rf" (?<!- )\S+/{name}(?!\S)", "", depended)


def _mentions(dag: str, corpus: str) -> int:
    """Count the list items and the paths' ends that are `corpus`, also those in quotes, which nothing here adds to."""
    name = re.escape(corpus)
    return len(re.findall(rf"(?<=[\[ ]){name}(?=[\],])|(?<=/){name}(?![\w.-])", dag))
