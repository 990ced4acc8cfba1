"""Corpora by name: those that have a naming scheme, and all others as somebody's own."""

from collections.abc import Mapping
from pathlib import Path
from typing import Protocol

from speech_emotion.core.errors import PipelineError
from speech_emotion.corpora import nemo, own, ravdess, tess
from speech_emotion.corpora.clip import Clip, Licence
from speech_emotion.corpora.clip_files import corpus_files, is_audio


class Corpus(Protocol):
    """A module of a published corpus."""

    LICENCE: Licence

    def parse(self, stem: str) -> Clip:
        """Return what a file name without folder and suffix says."""


PUBLISHED: Mapping[str, Corpus] = {"ravdess": ravdess, "tess": tess, "nemo": nemo}


def read_clips(corpus: str, folder: Path) -> dict[Path, Clip]:
    """Return the clips below `folder`, as `fetch` laid it out, by their file, sorted by path.

    Raises:
        PipelineError: there are none, one has a foreign name or one that is no UTF-8, or two are the same clip.
    """
    recordings = [path for path in corpus_files(folder) if is_audio(path)]
    if not recordings:
        raise PipelineError(f"{folder}: holds no clips; run `dvc repro fetch@{corpus}`")
    if corpus in PUBLISHED:
        clips = {path: PUBLISHED[corpus].parse(path.stem) for path in recordings}
    else:
        clips = own.read_clips(corpus, folder)
    first: dict[str, Path] = {}
    for path, clip in clips.items():
        if clip.clip.encode("utf-8", "ignore").decode() != clip.clip:
            raise PipelineError(f"{path}: has a name in another encoding than UTF-8; rename it")
        if first.setdefault(clip.clip, path) != path:
            raise PipelineError(f"{clip.clip}: is there twice, {first[clip.clip]} and {path}; take one out")
    return clips


def licence(corpus: str) -> Licence:
    """Return the licence of `corpus`."""
    return PUBLISHED[corpus].LICENCE if corpus in PUBLISHED else own.licence(corpus)
