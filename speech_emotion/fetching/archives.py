"""Zip archives from strangers: unpacked within bounds, or refused."""

import errno
import zipfile
import zlib
from pathlib import Path

from speech_emotion.core.errors import PipelineError

# RAVDESS: 1,440 files and 0.6 GB, 2.8 times the archive. The popular TESS archive: 5,600 files and 0.6 GB.
MAX_ENTRIES = 20_000
MAX_UNPACKED_BYTES = 4 << 30
MAX_RATIO = 100
# RuntimeError: encrypted, or compressed in a way that is not supported.
DAMAGE = (zipfile.BadZipFile, zlib.error, RuntimeError, EOFError, FileExistsError, NotADirectoryError)


def unpack(archive: Path, folder: Path) -> None:
    """Unpack the files of `archive` below the empty `folder`.

    `zipfile` keeps every entry inside the folder, makes no links, reads no more than an entry's announced size, and
    compares its checksum.

    Raises:
        PipelineError: the archive is damaged, encrypted or too big.
    """
    try:
        with zipfile.ZipFile(archive) as opened:
            _check_size(archive, opened.infolist())
            opened.extractall(folder)
    except DAMAGE as error:
        raise PipelineError(f"{archive}: cannot be unpacked ({error}); get it again") from error
    except OSError as error:
        if error.errno not in (errno.EINVAL, errno.EISDIR):  # those of an entry outside the file, or without a name
            raise
        raise PipelineError(f"{archive}: is damaged ({error}); get it again") from error


def _check_size(archive: Path, entries: list[zipfile.ZipInfo]) -> None:
    if len(entries) > MAX_ENTRIES:
        raise PipelineError(f"{archive}: has {len(entries)} entries, more than {MAX_ENTRIES}; get another archive")
    unpacked_bytes = sum(entry.file_size for entry in entries)
    most_bytes = min(MAX_UNPACKED_BYTES, MAX_RATIO * archive.stat().st_size)
    if unpacked_bytes > most_bytes:
        raise PipelineError(
            f"{archive}: would unpack to {unpacked_bytes} bytes, more than {most_bytes}; get another archive"
        )
