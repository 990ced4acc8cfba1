"""Zip archives from strangers: unpacked within bounds, or refused."""

import zipfile
from pathlib import Path

from speech_emotion.core.errors import PipelineError, one_line
from speech_emotion.core.files import writing

# RAVDESS: 1,440 files and 0.6 GB, 2.8 times the archive. The popular TESS archive: 5,600 files and 0.6 GB.
MAX_ENTRIES = 20_000
MAX_UNPACKED_BYTES = 4 << 30
MAX_RATIO = 100


def unpack(archive: Path, folder: Path) -> None:
    """Unpack the files of `archive` below the empty `folder`.

    `zipfile` keeps every entry inside the folder, makes no links, reads no more than an entry's announced size, and
    compares its checksum.

    Raises:
        PipelineError: the archive is damaged, encrypted, packed in a way that Python does not know, or too big; or
            `folder` cannot hold it.
    """
    try:
        with writing(folder), zipfile.ZipFile(archive) as opened:
            entries = opened.infolist()
            _check_size(archive, entries)
            for entry in entries:  # as some Windows tools write names; `zipfile` keeps what comes of it inside `folder`
                entry.filename = entry.filename.replace("\\", "/")
            opened.extractall(folder, entries)
    except PipelineError:
        raise
    except Exception as error:  # each compression has exceptions of its own for damage, and so have names
        problem = f"cannot be unpacked ({one_line(error)})"
        raise PipelineError(f"{archive}: {problem}; get it again, or unpack it into a folder") from error


def _check_size(archive: Path, entries: list[zipfile.ZipInfo]) -> None:
    if len(entries) > MAX_ENTRIES:
        raise PipelineError(f"{archive}: has {len(entries)} entries, more than {MAX_ENTRIES}; get another archive")
    unpacked_bytes = sum(entry.file_size for entry in entries)
    most_bytes = min(MAX_UNPACKED_BYTES, MAX_RATIO * archive.stat().st_size)
    if unpacked_bytes > most_bytes:
        raise PipelineError(
            f"{archive}: would unpack to {unpacked_bytes} bytes, more than {most_bytes}; get another archive"
        )
