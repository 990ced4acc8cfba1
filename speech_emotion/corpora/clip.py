"""A clip as its corpus describes it, and the terms on which a corpus may be passed on."""

from collections.abc import Collection
from dataclasses import dataclass

from speech_emotion.core.errors import PipelineError


@dataclass(frozen=True)
class Clip:
    """A field that a corpus does not have is empty."""

    clip: str  # unique id: corpus/name as published
    corpus: str
    speaker: str  # corpus/name, such as ravdess/07, tess/OAF
    sex: str  # male or female
    source_emotion: str  # the corpus's own word or code
    intensity: str  # normal or strong
    text: str  # the sentence or the word
    repetition: str = ""  # RAVDESS's 01 or 02


@dataclass(frozen=True)
class Licence:
    """`shareable`: whether what is derived from the corpus may be passed on, on the terms that `text` names."""

    text: str
    shareable: bool


def require_known(clip: str, field: str, code: str, known: Collection[str]) -> None:
    """Raise a PipelineError unless `code` is among the `known` ones of a `field` of a file name."""
    if code not in known:
        raise PipelineError(f"{clip}: {field} {code} is unknown (known: {', '.join(known)}); take this file out")
