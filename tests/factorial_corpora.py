"""Corpora in the published layout with every combination of their factors, of tones instead of speech."""

from collections.abc import Iterable, Sequence
from itertools import product
from pathlib import Path

import soundfile

from speech_emotion.corpora.catalogue import RAVDESS_CODES, TESS_EMOTIONS
from tests.small_corpora import Tone, tone, write_clip, write_rows

SAMPLE_RATE = 16000  # Hz
DURATION_S = 0.5


def ravdess_clips(actors: Sequence[str]) -> list[str]:
    """Return a clip an emotion of each of the `actors` such as `01`, as paths without suffix."""
    return [f"Actor_{actor}/03-01-{code}-01-01-01-{actor}" for actor, code in product(actors, RAVDESS_CODES["emotion"])]


def tess_clips(words: Sequence[str]) -> list[str]:
    """Return both voices' clips of `words` in every emotion, as paths without suffix."""
    return [
        f"{voice}_{emotion}/{voice}_{word}_{emotion}"
        for voice, emotion, word in product(("OAF", "YAF"), TESS_EMOTIONS, words)
    ]


def record(folder: Path, clips: Iterable[str], *, lowest_hz: float) -> None:
    """Write `clips` below `folder`, each 10 Hz above the one before: equal samples would be copies."""
    for place, clip in enumerate(clips):
        write_clip(folder / f"{clip}.wav", tone(lowest_hz + 10 * place, SAMPLE_RATE, duration_s=DURATION_S))


def describe(folder: Path, manifest: Path) -> None:
    """Write the manifest of the clips below `folder`."""
    rows = [_read(path).published(str(path.relative_to(folder).with_suffix(""))) for path in folder.rglob("*.wav")]
    write_rows(sorted(rows, key=lambda row: row.clip), manifest)


def _read(path: Path) -> Tone:
    samples, sample_rate = soundfile.read(path, dtype="int16", always_2d=True)
    return Tone(samples, sample_rate)
