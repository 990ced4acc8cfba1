"""File names to rows: the naming schemes of RAVDESS and TESS."""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from speech_emotion.core.errors import PipelineError


@dataclass(frozen=True)
class Clip:
    """What a published file name says; a field that a corpus does not have is empty."""

    clip: str  # unique id: corpus/stem as published
    corpus: str
    speaker: str  # ravdess/01 .. ravdess/24, tess/OAF, tess/YAF
    sex: str  # male or female
    source_emotion: str  # RAVDESS 01 .. 08, TESS angry .. sad
    intensity: str  # normal or strong; RAVDESS only
    text: str  # the sentence or the word
    repetition: str  # 01 or 02; RAVDESS only


RAVDESS_INTENSITIES = {"01": "normal", "02": "strong"}
RAVDESS_STATEMENTS = {"01": "Kids are talking by the door", "02": "Dogs are sitting by the door"}
# Fields of a name and their codes, in order. Livingstone & Russo 2018, doi:10.1371/journal.pone.0196391.
RAVDESS_CODES: Mapping[str, tuple[str, ...]] = {
    "modality": ("03",),
    "channel": ("01",),
    "emotion": tuple(f"{code:02d}" for code in range(1, 9)),
    "intensity": tuple(RAVDESS_INTENSITIES),
    "statement": tuple(RAVDESS_STATEMENTS),
    "repetition": ("01", "02"),
    "actor": tuple(f"{actor:02d}" for actor in range(1, 25)),
}
RAVDESS_SONG_CHANNEL = "02"

TESS_EMOTIONS = ("angry", "disgust", "fear", "happy", "neutral", "ps", "sad")
# OA_bite_neutral is published with this slip: it is OAF's only clip of that word and emotion.
TESS_SPEAKERS = {"OAF": "OAF", "YAF": "YAF", "OA": "OAF"}


def parse_clip(corpus: str, stem: str) -> Clip:
    """Return what the file name `stem` (no folder, no suffix) says in the naming scheme of `corpus`.

    Raises:
        PipelineError: `corpus` has no naming scheme, or `stem` does not follow it.
    """
    if corpus not in SCHEMES:
        raise PipelineError(f"corpus '{corpus}' has no naming scheme; name it one of {', '.join(SCHEMES)}")
    return SCHEMES[corpus](stem)


def _parse_ravdess(stem: str) -> Clip:
    if not re.fullmatch(r"[0-9]{2}(-[0-9]{2}){6}", stem):
        raise PipelineError(f"ravdess/{stem}: is no RAVDESS name such as 03-01-06-01-02-01-12; take this file out")
    codes = dict(zip(RAVDESS_CODES, stem.split("-"), strict=True))
    if codes["channel"] == RAVDESS_SONG_CHANNEL:
        raise PipelineError(f"ravdess/{stem}: is a song (channel 02); take RAVDESS's speech archive (channel 01)")
    for field, code in codes.items():
        _require_known(f"ravdess/{stem}", field, code, RAVDESS_CODES[field])
    return Clip(
        clip=f"ravdess/{stem}",
        corpus="ravdess",
        speaker=f"ravdess/{codes['actor']}",
        sex="male" if int(codes["actor"]) % 2 else "female",
        source_emotion=codes["emotion"],
        intensity=RAVDESS_INTENSITIES[codes["intensity"]],
        text=RAVDESS_STATEMENTS[codes["statement"]],
        repetition=codes["repetition"],
    )


def _parse_tess(stem: str) -> Clip:
    parts = stem.split("_")
    if len(parts) != 3 or not all(parts):
        raise PipelineError(f"tess/{stem}: is no TESS name such as OAF_back_angry; take this file out")
    # Spelling varies in case; the id keeps the file's own. The last word decides: folder names are unreliable.
    speaker, word, emotion = parts[0].upper(), parts[1].lower(), parts[2].lower()
    _require_known(f"tess/{stem}", "speaker", speaker, tuple(TESS_SPEAKERS))
    _require_known(f"tess/{stem}", "emotion", emotion, TESS_EMOTIONS)
    return Clip(
        clip=f"tess/{stem}",
        corpus="tess",
        speaker=f"tess/{TESS_SPEAKERS[speaker]}",
        sex="female",
        source_emotion=emotion,
        intensity="",
        text=word,
        repetition="",
    )


def _require_known(clip: str, field: str, code: str, known: Sequence[str]) -> None:
    if code not in known:
        raise PipelineError(f"{clip}: {field} {code} is unknown (known: {', '.join(known)}); take this file out")


SCHEMES: Mapping[str, Callable[[str], Clip]] = {"ravdess": _parse_ravdess, "tess": _parse_tess}


AUDIO_SUFFIXES = (".flac", ".wav")


def read_clips(corpus: str, folder: Path) -> dict[Path, Clip]:
    """Return the clips below `folder`, as `fetch` laid it out, by their file, sorted by path.

    Raises:
        PipelineError: there are none, one has a foreign name, or two are the same clip.
    """
    clips: dict[Path, Clip] = {}
    files: dict[str, Path] = {}
    for path in sorted(path for path in folder.rglob("*") if path.suffix in AUDIO_SUFFIXES):
        clip = parse_clip(corpus, path.stem)
        if files.setdefault(clip.clip, path) != path:
            raise PipelineError(f"{clip.clip}: is there twice, {files[clip.clip]} and {path}; take one out")
        clips[path] = clip
    if not clips:
        raise PipelineError(f"{folder}: holds no clips; run `dvc repro fetch@{corpus}`")
    return clips


@dataclass(frozen=True)
class Licence:
    """Whether what is derived from a corpus may be shared, and on which terms."""

    text: str
    shareable: bool


LICENCES = {
    "ravdess": Licence("RAVDESS: CC BY-NC-SA 4.0, Livingstone & Russo 2018, doi:10.1371/journal.pone.0196391", True),
    "tess": Licence(
        "TESS: CC BY-NC-ND 4.0, doi:10.5683/SP2/E8H2MF; do not share its pictures, they are derived from it", False
    ),
}


def licence(corpus: str) -> Licence:
    """Return the licence of `corpus`."""
    return LICENCES.get(corpus, Licence(f"{corpus}: see its own licence", True))
