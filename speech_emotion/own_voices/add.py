"""A corpus of one's own into the pipeline and out of it: its manifest, `params.yaml` and `dvc.yaml`, all or nothing."""

import re
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path

import pandas as pd

from speech_emotion.core.errors import PipelineError
from speech_emotion.core.files import replacing
from speech_emotion.corpora.catalogue import PUBLISHED
from speech_emotion.own_voices import dag, sections
from speech_emotion.own_voices.check import Checked
from speech_emotion.own_voices.parts import parts_of

DVC, PARAMS, MANIFESTS = Path("dvc.yaml"), Path("params.yaml"), Path("data/manifests")
NAME = re.compile(r"[a-z][a-z0-9_]*")
# A corpus has a key of its own in metrics.json and a column in the tables of counts.
TAKEN = ("accuracy", "accuracy_ci", "all", "clips", "ece", "ece_raw", "first", "macro_f1", "recall", "uar", "unknown")


def add_corpus(corpus: str, checked: Checked, labels: Mapping[str, str]) -> dict[str, list[str]]:
    """Write the manifest of the checked table, the corpus's sections and its lines; return the speakers of each part.

    Args:
        corpus: its name.
        checked: its table.
        labels: the table's own words -> one of the eight emotions, where they are others.

    Raises:
        PipelineError: the table has problems, the name cannot be taken, or a file has a form that cannot be added to.
            Nothing is written.
    """
    _refuse_name(corpus)
    if checked.fails:
        first = next(problem for problem in checked.problems if problem.fails)
        raise PipelineError(
            f"{checked.table.path}: {first.what} ({first.names[0]}); `speech-emotion check-corpus` lists all problems"
        )
    words = {word: labels.get(word, word) for word in sorted({row.emotion for row in checked.table.rows})}
    source = {"kind": "folder", "path": checked.table.folder.as_posix()}
    parts = parts_of(checked.table.rows)
    files = {
        MANIFESTS / f"{corpus}.csv": _manifest(checked),
        PARAMS: sections.with_sections(_read(PARAMS), corpus, source, words, parts),
        DVC: dag.with_corpus(_read(DVC), corpus),
    }
    if (MANIFESTS / f"{corpus}.csv").exists():
        raise PipelineError(
            f"{MANIFESTS / corpus}.csv: is there already; take another name, or remove that corpus first"
        )
    write_together(files)
    return parts


def remove_corpus(corpus: str) -> None:
    """Take out what `add_corpus` wrote; what the stages made of it stays.

    Raises:
        PipelineError: nothing is known of `corpus`, or it is one that was published. Nothing is changed.
    """
    if corpus in PUBLISHED:
        raise PipelineError(f"{corpus}: comes with the project; edit params.yaml and dvc.yaml to leave it out")
    manifest = MANIFESTS / f"{corpus}.csv"
    before = {PARAMS: _read(PARAMS), DVC: _read(DVC)}
    after = {
        PARAMS: sections.without_sections(before[PARAMS], corpus),
        DVC: dag.without_corpus(before[DVC], corpus),
    }
    if after == before and not manifest.exists():
        known = [name for name in dag.corpora(before[DVC]) if name not in PUBLISHED]
        raise PipelineError(f"{corpus}: is no corpus of this project (added ones: {', '.join(known) or 'none'})")
    write_together({manifest: None, **{path: text for path, text in after.items() if text != before[path]}})


def write_together(files: Mapping[Path, str | None]) -> None:
    """Write every text, delete a file that is None; on any error, or Ctrl-C, all files are as before."""
    before = {path: path.read_bytes() if path.exists() else None for path in files}
    try:
        for path, text in files.items():
            if text is None:
                path.unlink(missing_ok=True)
                continue
            with replacing(path) as temporary, temporary.open("w", encoding="utf-8", newline="") as file:
                file.write(text)
    except BaseException:
        for path, content in before.items():
            _restore(path, content)
        raise


def _restore(path: Path, content: bytes | None) -> None:
    if content is None:
        path.unlink(missing_ok=True)
    elif not path.exists() or path.read_bytes() != content:
        path.write_bytes(content)


def _refuse_name(corpus: str) -> None:
    if corpus in PUBLISHED or corpus in TAKEN or not NAME.fullmatch(corpus):
        why = "is the project's own" if corpus in PUBLISHED or corpus in TAKEN else "is no name"
        raise PipelineError(f"{corpus!r} {why}; take small letters, digits and _, such as my_voices")


def _manifest(checked: Checked) -> str:
    """Return the manifest as CSV: as `fetching.manifest.describe` writes it of a folder with a table."""
    rows = []
    for row, name in zip(checked.table.rows, checked.table.names(), strict=True):
        said = {key: getattr(row, key) for key in ("emotion", "speaker", "sex", "intensity", "text")}
        rows.append({**asdict(checked.recordings[row].described), "clip": name, **said})
    return str(pd.DataFrame(rows).sort_values("clip").to_csv(index=False, lineterminator="\n"))


def _read(path: Path) -> str:
    try:
        with path.open(encoding="utf-8", newline="") as file:
            return file.read()
    except (OSError, UnicodeDecodeError) as error:
        raise PipelineError(f"{path}: cannot be read ({error}); run in the project's root") from error
