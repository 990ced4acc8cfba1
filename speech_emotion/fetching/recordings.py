"""The clips in a folder of any shape, each of them once, under the names that they were published with."""

import filecmp
from collections.abc import Collection, Mapping
from dataclasses import replace
from pathlib import Path, PurePath, PurePosixPath
from typing import TypeVar

from speech_emotion.core.errors import PipelineError
from speech_emotion.core.progress import tell
from speech_emotion.corpora.catalogue import PUBLISHED
from speech_emotion.corpora.clip import Clip
from speech_emotion.corpora.clip_files import clip_name, corpus_files, is_audio

File = TypeVar("File")


def find_recordings(corpus: str, folder: Path, names: Collection[str]) -> dict[str, Path]:
    """Return the recordings of `corpus` below `folder` by their name in `names`, or else by their own.

    A published corpus's recording is known by its file's name, any other's also by the folders above it. Of identical
    copies, the first in sorted order.

    Raises:
        PipelineError: a recording is no clip of `corpus`, or two that differ are one clip.
    """
    files = corpus_files(folder)
    recordings = [path for path in files if is_audio(path)]
    found: dict[str, Path] = {}
    for path, name in names_of(corpus, {path: path.relative_to(folder) for path in recordings}, names).items():
        first = found.setdefault(name, path)
        if first != path and not filecmp.cmp(first, path, shallow=False):
            raise PipelineError(f"{first} and {path} are the same clip with other bytes; take one out")
    for count, ignored in (
        (len(recordings) - len(found), "identical copies of clips"),
        (len(files) - len(recordings), "files that are neither WAV nor FLAC"),
    ):
        if count:
            tell(f"{corpus}: ignored {count} {ignored}")
    return found


def names_of(corpus: str, files: Mapping[File, PurePath], names: Collection[str]) -> dict[File, str]:
    """Return the name that each recording, known by its relative path, has in `names`, or else its own.

    Raises:
        PipelineError: a recording is no clip of `corpus`.
    """
    known = {identity(corpus, name): name for name in names}
    own_names = {file: clip_name(path) for file, path in files.items()}
    return {
        file: next((known[key] for key in _identities(corpus, own_name) if key in known), own_name)
        for file, own_name in own_names.items()
    }


def identity(corpus: str, name: str) -> Clip | str:
    """Return what tells the recording `name`, a path without suffix, from others, however it is spelt.

    Raises:
        PipelineError: the name is none of the corpus's naming scheme.
    """
    if corpus not in PUBLISHED:
        return name
    return replace(PUBLISHED[corpus].parse(PurePosixPath(name).name), clip="")


def _identities(corpus: str, name: str) -> list[Clip | str]:
    if corpus in PUBLISHED:
        return [identity(corpus, name)]
    parts = name.split("/")  # an archive may hold everything in a folder of its own
    return ["/".join(parts[depth:]) for depth in range(len(parts))]
