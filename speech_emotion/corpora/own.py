"""Anybody's own corpus: WAV or FLAC files and a table `path, emotion[, speaker, sex, intensity, text]` beside them."""

import csv
import re
from pathlib import Path, PureWindowsPath

from speech_emotion.core.errors import PipelineError, listed
from speech_emotion.corpora.clip import Clip, Licence
from speech_emotion.corpora.clip_files import clip_name, corpus_files, is_audio

TABLE = "clips.csv"  # or the corpus's name; the one that `fetch` lays out is the manifest, with `clip` for `path`
LABELS = ("emotion", "speaker", "sex", "intensity", "text")
FOREIGN = re.compile(r"[/\\:]|^\.")  # in a speaker, who becomes a file's name
NOBODY = "unknown"  # all clips without a speaker are one, so that no split can part them

Row = dict[str, str]


def licence(corpus: str) -> Licence:
    """Return terms that are safe where nobody has stated any."""
    return Licence(f"{corpus}: see its own licence before you share what is derived from it", False)


def read_clips(corpus: str, folder: Path) -> dict[Path, Clip]:
    """Return the recordings below `folder` with what the table there says of them, sorted by path.

    Raises:
        PipelineError: as `read_rows`, or a recording has no row, or a row no recording.
    """
    table = next((path for path in (folder / TABLE, folder / f"{corpus}.csv") if path.is_file()), folder / TABLE)
    rows = read_rows(table)
    names = {path: clip_name(path.relative_to(folder)) for path in corpus_files(folder) if is_audio(path)}
    for rest, problem in (
        (set(names.values()) - rows.keys(), "has no row for"),
        (rows.keys() - set(names.values()), "has rows without a WAV or FLAC file:"),
    ):
        if rest:
            raise PipelineError(f"{table}: {problem} {listed(sorted(rest))}; correct the table or the folder")
    return {path: _clip(corpus, name, rows[name]) for path, name in names.items()}


def read_rows(table: Path) -> dict[str, Row]:
    """Return the rows of a table by the names of their clips: paths without suffix.

    Raises:
        PipelineError: the table cannot be read, lacks a column, names a clip twice or has one without an emotion.
    """
    try:
        with table.open(encoding="utf-8-sig", newline="") as lines:
            rows = list(csv.DictReader(lines))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise PipelineError(
            f"{table}: cannot be read ({error}); a corpus of one's own has there a table in UTF-8 with the columns"
            f" path, {', '.join(LABELS)} (path and emotion are enough)"
        ) from error
    columns = set(rows[0]) if rows else set()
    if "emotion" not in columns or not columns & {"path", "clip"}:
        found = ", ".join(sorted(map(str, columns))) or "no rows"
        raise PipelineError(f"{table}: needs the columns path and emotion, separated by commas; it has {found}")
    named = {_name(row): row for row in rows}
    if len(named) < len(rows):
        raise PipelineError(f"{table}: {len(rows) - len(named)} of {len(rows)} rows repeat a path; keep one row a clip")
    if without := sorted(name for name, row in named.items() if not _said(row, "emotion")):
        raise PipelineError(f"{table}: {listed(without)} has no emotion; add it or take the clip out")
    return named


def labels(clip: Clip) -> dict[str, str]:
    """Return what a table says of `clip`."""
    said = (clip.source_emotion, clip.speaker.partition("/")[2], clip.sex, clip.intensity, clip.text)
    return dict(zip(LABELS, said, strict=True))


def _clip(corpus: str, name: str, row: Row) -> Clip:
    speaker = _said(row, "speaker") or NOBODY
    if FOREIGN.search(speaker):
        raise PipelineError(
            f"{corpus}/{name}: speaker {speaker!r} becomes a file's name; leave out / \\ : and a first ."
        )
    return Clip(
        clip=f"{corpus}/{name}",
        corpus=corpus,
        speaker=f"{corpus}/{speaker}",
        sex=_said(row, "sex"),
        source_emotion=_said(row, "emotion"),
        intensity=_said(row, "intensity"),
        text=_said(row, "text"),
    )


def _name(row: Row) -> str:
    return clip_name(PureWindowsPath(row.get("path") or row.get("clip") or ""))


def _said(row: Row, column: str) -> str:
    return (row.get(column) or "").strip()
