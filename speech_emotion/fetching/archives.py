"""Zip archives from strangers: unpacked inside one folder and within bounds, or refused."""

import errno
import shutil
import stat
import zipfile
import zlib
from pathlib import Path

from speech_emotion.core.errors import PipelineError
from speech_emotion.fetching.inside import path_inside

# RAVDESS: 1,440 files and 0.6 GB, 2.8 times the archive. The popular TESS archive: 5,600 files and 0.6 GB.
MAX_ENTRIES = 20_000
MAX_UNPACKED_BYTES = 4 << 30
MAX_RATIO = 100
ENCRYPTED = 0x1
DAMAGE = (zipfile.BadZipFile, zlib.error, NotImplementedError, EOFError, FileExistsError, NotADirectoryError)


def unpack(archive: Path, folder: Path) -> None:
    """Unpack the files of `archive` below the empty `folder`.

    Raises:
        PipelineError: the archive is damaged, encrypted or too big, or an entry is a link, has the name of another
            entry, or would land outside `folder`. All entries are looked at before the first is written.
    """
    try:
        with zipfile.ZipFile(archive) as opened:
            targets = _checked(archive, opened.infolist(), folder)
            for entry, target in targets.items():
                target.parent.mkdir(parents=True, exist_ok=True)
                # zipfile reads no more than the size that was checked, then compares the checksum.
                with opened.open(entry) as source, target.open("xb") as file:
                    shutil.copyfileobj(source, file)
    except DAMAGE as error:
        raise PipelineError(f"{archive}: is damaged or no zip archive ({error}); get it again") from error
    except OSError as error:
        if error.errno != errno.EINVAL:  # that of an entry before the file's beginning
            raise
        raise PipelineError(f"{archive}: is damaged, an entry lies outside of it; get it again") from error


def _checked(archive: Path, entries: list[zipfile.ZipInfo], folder: Path) -> dict[zipfile.ZipInfo, Path]:
    _check_size(archive, entries)
    for entry in entries:
        if stat.S_ISLNK(entry.external_attr >> 16):
            raise PipelineError(f"{archive}: entry {entry.filename!r} is a symbolic link; get another archive")
        if entry.flag_bits & ENCRYPTED:
            raise PipelineError(f"{archive}: entry {entry.filename!r} is encrypted; get another archive")
    paths = {entry: path_inside(folder, entry.filename, str(archive)) for entry in entries if not entry.is_dir()}
    if len(set(paths.values())) < len(paths):
        raise PipelineError(f"{archive}: two entries have one name; get another archive")
    return paths


def _check_size(archive: Path, entries: list[zipfile.ZipInfo]) -> None:
    if len(entries) > MAX_ENTRIES:
        raise PipelineError(f"{archive}: has {len(entries)} entries, more than {MAX_ENTRIES}; get another archive")
    unpacked_bytes = sum(entry.file_size for entry in entries)
    most_bytes = min(MAX_UNPACKED_BYTES, MAX_RATIO * archive.stat().st_size)
    if unpacked_bytes > most_bytes:
        raise PipelineError(
            f"{archive}: would unpack to {unpacked_bytes} bytes, more than {most_bytes}; get another archive"
        )
