"""The files of a corpus: one walk over a folder of any shape."""

import os
from collections.abc import Iterator
from pathlib import Path, PurePath, PurePosixPath
from unicodedata import normalize

AUDIO_SUFFIXES = (".flac", ".wav")
JUNK = (".", "__MACOSX")  # hidden files, and what macOS adds to an archive


def corpus_files(folder: Path) -> list[Path]:
    """Return the files below `folder`, sorted; links are followed, hidden files and junk left out."""
    return sorted(_walk(folder, set()))


def is_audio(path: PurePath) -> bool:
    """Return whether the name of `path` ends like a recording's."""
    return path.suffix.lower() in AUDIO_SUFFIXES


def clip_name(path: PurePath) -> str:
    """Return a relative `path` with `/` and without an audio suffix, one spelling for each accented letter."""
    posix = PurePosixPath(*path.parts)
    return normalize("NFC", str(posix.with_suffix("") if is_audio(posix) else posix))


def _walk(folder: Path, seen: set[Path]) -> Iterator[Path]:
    for place, folders, files in os.walk(folder, followlinks=True):
        real = Path(place).resolve()
        if real in seen:  # a link back, or to what was there already
            folders.clear()
            continue
        seen.add(real)
        folders[:] = sorted(name for name in folders if not name.startswith(JUNK))
        yield from (Path(place, name) for name in files if not name.startswith(JUNK))
