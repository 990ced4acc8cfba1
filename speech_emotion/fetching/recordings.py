"""The clips in a folder of any shape, each of them once, under the names that they were published with."""

import filecmp
from dataclasses import replace
from pathlib import Path

from speech_emotion.core.errors import PipelineError, itemised
from speech_emotion.core.progress import tell
from speech_emotion.corpora.catalogue import Clip, parse_clip

SUFFIXES = (".wav", ".flac")
OTHER_MEDIA = (".aac", ".aif", ".aiff", ".avi", ".m4a", ".mov", ".mp3", ".mp4", ".ogg", ".opus")


def find_recordings(corpus: str, folder: Path) -> dict[Clip, Path]:
    """Return the clips of `corpus` below `folder`; of identical copies the first in sorted order.

    The key has no clip id, because copies of one recording may be spelt differently.

    Raises:
        PipelineError: a recording is no clip of `corpus` or neither WAV nor FLAC, or two that differ are one clip.
    """
    files = [path for path in sorted(folder.rglob("*")) if path.is_file()]
    media = [path for path in files if _is_media(path)]
    found: dict[Clip, Path] = {}
    problems = []
    for path in media:
        try:
            first = found.setdefault(_recording(corpus, path), path)
            if first != path and not filecmp.cmp(first, path, shallow=False):
                raise PipelineError(f"{first} and {path} are the same clip with other bytes; take one out")
        except PipelineError as error:
            problems.append(str(error))
    if problems:
        raise PipelineError(itemised(f"{corpus}: {len(problems)} of {len(media)} recordings do not belong:", problems))
    _report(corpus, len(media) - len(found), len(files) - len(media))
    return found


def identity(corpus: str, stem: str) -> Clip:
    """Return what the file name `stem` says, without the name itself.

    Raises:
        PipelineError: as `corpora.parse_clip`.
    """
    return replace(parse_clip(corpus, stem), clip="")


def _recording(corpus: str, path: Path) -> Clip:
    if path.suffix.lower() not in SUFFIXES:
        raise PipelineError(f"{path}: is neither WAV nor FLAC; take it out or convert it without loss")
    return identity(corpus, path.stem)


def _is_media(path: Path) -> bool:
    # macOS leaves ._name.wav beside name.wav, in a folder of its own in archives.
    return path.suffix.lower() in SUFFIXES + OTHER_MEDIA and not path.name.startswith(".")


def _report(corpus: str, copies: int, others: int) -> None:
    for count, what in ((copies, "identical copies of clips"), (others, "files that are no recordings")):
        if count:
            tell(f"{corpus}: ignored {count} {what}")
