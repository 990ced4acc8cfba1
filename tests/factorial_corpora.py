"""Corpora in the published layout with every combination of their factors, of tones instead of speech."""

from collections.abc import Iterable, Sequence
from itertools import product
from pathlib import Path

from speech_emotion.corpora.ravdess import CODES
from speech_emotion.corpora.tess import EMOTIONS, VOICES
from speech_emotion.fetching.manifest import describe as describe_clips
from speech_emotion.fetching.manifest import write_manifest
from tests.small_corpora import tone, write_clip

SAMPLE_RATE = 16000  # Hz
DURATION_S = 0.5


def ravdess_clips(actors: Sequence[str]) -> list[str]:
    """Return a clip an emotion of each of the `actors` such as `01`, as paths without suffix."""
    return [f"Actor_{actor}/03-01-{code}-01-01-01-{actor}" for actor, code in product(actors, CODES["emotion"])]


def tess_clips(words: Sequence[str]) -> list[str]:
    """Return both voices' clips of `words` in every emotion, as paths without suffix."""
    return [f"{voice}_{emotion}/{voice}_{word}_{emotion}" for voice, emotion, word in product(VOICES, EMOTIONS, words)]


def record(folder: Path, clips: Iterable[str], *, lowest_hz: float) -> None:
    """Write `clips` below `folder`, each 10 Hz above the one before: equal samples would be copies."""
    for place, clip in enumerate(clips):
        write_clip(folder / f"{clip}.wav", tone(lowest_hz + 10 * place, SAMPLE_RATE, duration_s=DURATION_S))


def describe(folder: Path, manifest: Path) -> None:
    """Write the manifest of the corpus at `folder`, which has its name."""
    write_manifest(manifest, describe_clips(folder.name, folder))
