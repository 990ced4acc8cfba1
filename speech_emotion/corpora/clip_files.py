"""The files of a corpus: one walk over a folder of any shape."""

import os
from collections.abc import Iterator
from pathlib import Path, PurePath, PurePosixPath
from unicodedata import normalize

from speech_emotion.core.errors import PipelineError

AUDIO_SUFFIXES = (".flac", ".wav")
# What Windows, macOS and network disks add to folders and archives, in lower case.
JUNK = ("thumbs.db", "ehthumbs.db", "desktop.ini", "__macosx", "@eadir", "$recycle.bin", "lost+found", "icon\r")
WAY_OUT = "give yourself the right to read it, restore it, or take it out"


def corpus_files(folder: Path) -> list[Path]:
    """Return the files below `folder`, sorted; hidden ones and junk left out, links followed, each folder once.

    A folder that a link leads to goes by its own path where that is below `folder`, too. Without a folder there are
    no files.

    Raises:
        PipelineError: a file or a folder cannot be read, or a link leads nowhere.
    """
    above = Path(os.path.realpath(folder)).parents  # a link to one of them would be a loop
    return sorted(_walk(folder, set(map(str, above))))


def is_audio(path: PurePath) -> bool:
    """Return whether the name of `path` ends like a recording's."""
    return path.suffix.lower() in AUDIO_SUFFIXES


def clip_name(path: PurePath) -> str:
    """Return a relative `path` with `/` and without an audio suffix, one spelling for each accented letter."""
    posix = PurePosixPath(*path.parts)
    return normalize("NFC", str(posix.with_suffix("") if is_audio(posix) else posix))


def _walk(folder: Path, seen: set[str]) -> Iterator[Path]:
    linked = []
    for place, folders, files in os.walk(folder, onerror=_refuse):
        if os.path.realpath(place) in seen:
            folders.clear()
            continue
        seen.add(os.path.realpath(place))
        folders[:] = [name for name in folders if not _is_junk(name)]
        linked += [Path(place, name) for name in folders if Path(place, name).is_symlink()]
        yield from (_readable(Path(place, name)) for name in files if not _is_junk(name))
    for link in sorted(linked):
        yield from _walk(link, seen)


def _is_junk(name: str) -> bool:
    return name.startswith(".") or name.lower() in JUNK


def _refuse(error: OSError) -> None:
    if isinstance(error, FileNotFoundError):
        return
    raise PipelineError(f"{error.filename}: cannot be read ({error.strerror}); {WAY_OUT}") from error


def _readable(path: Path) -> Path:
    # No pipe either: opening it would wait for ever.
    if not os.access(path, os.R_OK, effective_ids=True) or not path.is_file():
        raise PipelineError(f"{path}: is no file that can be read; {WAY_OUT}")
    return path
