"""A table of clips as people have it, `path, emotion[, speaker, sex, intensity, text, part]`, read as rows and files.

Commas, semicolons or tabs separate the columns; absolute and Windows paths and tables of audformat
(https://audeering.github.io/audformat/data-tables.html: `file`, `start`, `end`) are read, too.
"""

import csv
import os
from collections.abc import Sequence
from dataclasses import dataclass
from io import StringIO
from pathlib import Path, PurePath, PurePosixPath, PureWindowsPath

from speech_emotion.core.errors import PipelineError
from speech_emotion.corpora.clip_files import clip_name

SEPARATORS = ",;\t"
COLUMNS = ("path", "emotion", "speaker", "sex", "intensity", "text", "part")
# What other tables call them.
ALIASES = {
    "file": "path",
    "filename": "path",
    "file_id": "path",
    "clip": "path",
    "gender": "sex",
    "speaker_id": "speaker",
    "raw_text": "text",
    "transcription": "text",
    "split": "part",
}
VALUES = {
    "sex": {"f": "female", "m": "male"},
    "part": {"dev": "valid", "validation": "valid", "development": "valid"},
}
SEGMENT = ("start", "end")  # of audformat, empty where a row is about the whole file


@dataclass(frozen=True)
class Row:
    """One row; a field that the table does not have is empty."""

    line: int  # in the table, from 1
    path: str  # as written there
    file: Path  # on this machine; it may be missing
    emotion: str
    speaker: str
    sex: str
    intensity: str
    text: str
    part: str
    start: str
    end: str


@dataclass(frozen=True)
class OwnTable:
    """A table: where it is, its rows, and the columns that nothing reads."""

    path: Path
    rows: tuple[Row, ...]
    ignored: tuple[str, ...]

    @property
    def folder(self) -> Path:
        """The folder that holds all clips: the table's, or another one if no path leads below that."""
        files = [row.file for row in self.rows]
        own = self.path.parent
        if all(file.is_relative_to(own) for file in files):
            return own
        return Path(os.path.commonpath([file.absolute().parent for file in files]))

    def names(self) -> list[str]:
        """Return the name of each row's clip: its path below `folder` without suffix."""
        folder = self.folder
        base = folder if folder == self.path.parent else folder.absolute()
        return [clip_name((row.file if base == folder else row.file.absolute()).relative_to(base)) for row in self.rows]


def read_table(path: Path) -> OwnTable:
    """Return the rows of the table at `path`.

    Raises:
        PipelineError: it cannot be read, is no UTF-8, or has no path or no emotion column, or no rows.
    """
    lines = csv.reader(StringIO(_text(path), newline=""), delimiter=_separator(_text(path)), strict=True)
    try:
        header, *body = [(lines.line_num, line) for line in lines if any(map(str.strip, line))] or [(1, [])]
    except csv.Error as error:
        raise PipelineError(f"{path}: line {lines.line_num} cannot be read ({error}); correct it") from error
    columns = [_column(name, header[1]) for name in header[1]]
    if missing := [name for name in ("path", "emotion") if name not in columns]:
        found = ", ".join(header[1]) or "no rows"
        raise PipelineError(
            f"{path}: needs the columns path and emotion, lacks {' and '.join(missing)}; it has {found}"
        )
    if not body:
        raise PipelineError(f"{path}: has no rows; add one a clip")
    for number, line in body:
        if len(line) > len(columns):
            raise PipelineError(
                f"{path}: line {number} has {len(line)} fields, more than the header's {len(columns)}; put a text that"
                " holds the separator in quotes"
            )
    rows = tuple(_row(path.parent, number, dict(zip(columns, line, strict=False))) for number, line in body)
    known = {*COLUMNS, *SEGMENT}
    return OwnTable(path, rows, tuple(name for name in columns if name not in known))


def _text(path: Path) -> str:
    try:
        return path.read_bytes().decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise PipelineError(
            f"{path}: is not UTF-8 (byte {error.object[error.start]:#x} at {error.start}); save it as CSV in UTF-8"
        ) from error
    except OSError as error:
        raise PipelineError(f"{path}: cannot be read ({error.strerror}); check the path") from error


def _separator(text: str) -> str:
    header = next(iter(text.splitlines()), "")
    return max(SEPARATORS, key=header.count)


def _column(name: str, header: Sequence[str]) -> str:
    plain = name.strip().lower()
    meant = ALIASES.get(plain, plain)
    return plain if meant in {other.strip().lower() for other in header} else meant


def _row(folder: Path, line: int, fields: dict[str, str]) -> Row:
    said = {name: (fields.get(name) or "").strip() for name in (*COLUMNS, *SEGMENT)}
    for name, values in VALUES.items():
        said[name] = values.get(said[name].lower(), said[name])
    return Row(line=line, file=_file(folder, said["path"]), **said)


def _file(folder: Path, written: str) -> Path:
    """Return the file that a row means, wherever the table was written: the longest end of its path that is there."""
    path: PurePath = PurePosixPath(written)
    if "\\" in written or PureWindowsPath(written).drive:
        path = PureWindowsPath(written)
    parts = [part for part in path.parts if part not in (path.anchor, ".")]
    if path.is_absolute() and isinstance(path, PurePosixPath) and os.path.exists(path):  # noqa: PTH110
        absolute, base = Path(path), folder.absolute()
        return folder / absolute.relative_to(base) if absolute.is_relative_to(base) else absolute
    ends = (folder.joinpath(*parts[depth:]) for depth in range(len(parts) if path.is_absolute() else 1))
    # Unlike pathlib's, this says no to a name that is too long for the disk.
    return next(filter(os.path.exists, ends), folder.joinpath(*parts))
