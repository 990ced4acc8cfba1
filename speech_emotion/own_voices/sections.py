"""The lines of `params.yaml` that are about a corpus, as text: comments and form stay as they are."""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import yaml
from yaml import MappingNode, Node, SequenceNode

from speech_emotion.core.errors import PipelineError

SPEAKERS = ("split", "speakers")
WAY_OUT = "see docs/own_voices.md, and edit it by hand"


def with_sections(
    params: str, corpus: str, source: Mapping[str, str], labels: Mapping[str, str], parts: Mapping[str, Sequence[str]]
) -> str:
    """Return the text `params` with the source and the labels of `corpus`, and its speakers in the lists of `parts`.

    Raises:
        PipelineError: `corpus` is there, or `params` has a form that this does not know.
    """
    added = params
    for section, values in (("corpora", {"source": dict(source)}), ("labels", dict(labels))):
        mapping = _node(added, section)
        if not isinstance(mapping, MappingNode) or mapping.flow_style or not mapping.value:
            raise PipelineError(f"params.yaml: section '{section}' is no block of corpora; {WAY_OUT}")
        if corpus in [key.value for key, _ in mapping.value]:
            raise PipelineError(f"params.yaml: section '{section}' has {corpus} already; take another name")
        indent = " " * mapping.value[0][0].start_mark.column
        end = _line_end(added, _end(mapping))
        added = f"{added[:end]}\n{indent}{corpus}: {_flow(values)}{added[end:]}"
    for part, speakers in parts.items():
        added = _with_speakers(added, part, [f"{corpus}/{speaker}" for speaker in speakers])
    if without_sections(added, corpus) != params:
        raise PipelineError(f"params.yaml: has a form that {corpus} cannot be added to; {WAY_OUT}")
    return added


def without_sections(params: str, corpus: str) -> str:
    """Return `params` without what is about `corpus`, unchanged if there is nothing."""
    for section in ("corpora", "labels"):
        for key, value in _node(params, section).value:
            if key.value == corpus:
                start = params.rfind("\n", 0, key.start_mark.index)
                params = params[:start] + params[_line_end(params, _end(value)) :]
                break
    for part in [key.value for key, _ in _node(params, *SPEAKERS).value]:
        params = _without_speakers(params, part, f"{corpus}/")
    return params


def _with_speakers(params: str, part: str, speakers: Sequence[str]) -> str:
    listed = _node(params, *SPEAKERS, part)
    if not isinstance(listed, SequenceNode):
        raise PipelineError(f"params.yaml: split.speakers.{part} is no list; {WAY_OUT}")
    items = [_flow(speaker) for speaker in speakers]
    if not items:
        return params
    if not listed.value:
        place = listed.start_mark.index + 1
        return f"{params[:place]}{', '.join(items)}{params[place:]}"
    place, first = _end(listed.value[-1]), listed.value[0].start_mark
    if listed.flow_style:
        return f"{params[:place]},\n{' ' * first.column}{', '.join(items)}{params[place:]}"
    before = "\n" + params[first.index - first.column : first.index]  # a line's indent and dash
    place = _line_end(params, place)
    return params[:place] + "".join(before + item for item in items) + params[place:]


def _without_speakers(params: str, part: str, prefix: str) -> str:
    listed = _node(params, *SPEAKERS, part)
    items = listed.value if isinstance(listed, SequenceNode) else []
    spans = _spans(items, prefix) if listed.flow_style else _lines(params, items, prefix)
    for start, end in reversed(list(spans)):
        params = params[:start] + params[end:]
    return params


def _lines(params: str, items: Sequence[Node], prefix: str) -> Iterator[tuple[int, int]]:
    for item in items:
        if item.value.startswith(prefix):
            yield params.rfind("\n", 0, item.start_mark.index), _line_end(params, _end(item))


def _spans(items: Sequence[Node], prefix: str) -> Iterator[tuple[int, int]]:
    """Yield where the items that begin with `prefix` lie, with the comma before them, or behind where none is left."""
    kept = False
    for place, item in enumerate(items):
        if not item.value.startswith(prefix):
            kept = True
        elif kept:
            yield _end(items[place - 1]), _end(item)
        else:
            yield item.start_mark.index, items[place + 1].start_mark.index if items[place + 1 :] else _end(item)


def _node(params: str, *keys: str) -> Node:
    node: Any = yaml.compose(params)
    for key in keys:
        values = _pairs(node)
        if key not in values:
            raise PipelineError(f"params.yaml: has no section '{'.'.join(keys)}'; {WAY_OUT}")
        node = values[key]
    found: Node = node
    return found


def _pairs(node: Node) -> dict[str, Node]:
    return {key.value: value for key, value in node.value} if isinstance(node, MappingNode) else {}


def _end(node: Node) -> int:
    """Return where `node` ends: PyYAML's own mark of a block lies behind the comments that follow it."""
    *_, last = _leaves(node)
    end: int = last.end_mark.index
    return end


def _leaves(node: Node) -> Iterator[Node]:
    if isinstance(node, MappingNode) and not node.flow_style and node.value:
        yield from _leaves(node.value[-1][1])
    elif isinstance(node, SequenceNode) and not node.flow_style and node.value:
        yield from _leaves(node.value[-1])
    else:
        yield node


def _line_end(text: str, place: int) -> int:
    end = text.find("\n", place)
    return len(text) if end < 0 else end


def _flow(value: Any) -> str:
    """Return `value` as YAML on one line."""
    text = yaml.safe_dump(value, default_flow_style=True, allow_unicode=True, width=10**6, sort_keys=False)
    return re.sub(r"\n(\.\.\.\n)?$", "", text)
