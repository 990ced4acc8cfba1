"""Fingerprints: a copy keeps its clip's, and no clip of the real corpora has another's."""

import io
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import soundfile
import soxr
from numpy.typing import NDArray

from speech_emotion.fetching.fingerprint import LONGER_S, TOLERANCE_DB, apart_db, delayed_powers, fingerprint
from speech_emotion.fetching.manifest import Published, read_manifest
from speech_emotion.fetching.verify import SHORTER_S
from tests.published import ROOT, real_corpora

Samples = NDArray[np.float32]
RATE = 48000
COPIES = {"Actor_07/03-01-03-01-02-01-07", "Actor_07/03-01-03-01-02-02-07"}  # published twice


def babble(seed: int, *, duration_s: float = 1.5, channels: int = 1) -> Samples:
    """Return noise that swells and fades as syllables do, another one for every `seed`."""
    rng = np.random.default_rng(seed)
    times = np.linspace(0, 1, round(duration_s * RATE))
    syllables = round(10 * duration_s)
    swell = 10 ** np.interp(times, np.linspace(0, 1, syllables), rng.uniform(-2, -0.5, syllables))
    waveform = (swell * rng.normal(0, 0.3, len(times))).astype(np.float32)
    return np.repeat(waveform[:, None], channels, axis=1)


def changed(samples: Samples, rate: int) -> Iterator[tuple[str, Samples, int]]:
    """Yield copies as people have them."""
    for other in (8000, 16000, 44100):
        yield f"{other} Hz", soxr.resample(samples, rate, other), other
    yield "12 dB softer, 16 bits", (np.round(samples / 4 * 2**15) / 2**15).astype(np.float32), rate
    yield "50 ms late", np.pad(samples, ((rate // 20, 0), (0, 0))), rate
    for other in (16000, 44100):
        encoded = io.BytesIO()
        soundfile.write(encoded, soxr.resample(samples, rate, other), other, format="MP3", compression_level=0.8)
        encoded.seek(0)
        yield f"MP3 at {other} Hz", *soundfile.read(encoded, dtype="float32", always_2d=True)


def real_clips(corpus: str, every: int) -> list[tuple[Published, Path]]:
    rows = read_manifest(ROOT / "data" / "manifests" / f"{corpus}.csv")[::every]
    return [(row, real_corpora() / corpus / f"{row.clip}.flac") for row in rows]


def closest_other(corpus: str, every: int) -> float:
    """Return the least distance of a clip, one in `every`, to the fingerprint of another that its duration allows."""
    rows = read_manifest(ROOT / "data" / "manifests" / f"{corpus}.csv")
    closest = []
    for clip, path in real_clips(corpus, every):
        samples, rate = soundfile.read(path, dtype="float32", always_2d=True)
        powers = delayed_powers(samples, rate)
        for other in rows:
            longer_s = len(samples) / rate - other.frames / other.sample_rate
            fits = -SHORTER_S <= longer_s <= LONGER_S
            if fits and other != clip and {clip.clip, other.clip} != COPIES:
                closest.append(apart_db(other.fingerprint, powers))
    return min(closest)


@pytest.mark.parametrize("channels", [1, 2])
def test_copies_keep_the_fingerprint_and_others_have_another(channels: int) -> None:
    clip, other = babble(0, channels=channels), fingerprint(babble(1, channels=channels), RATE)
    for _, copy, rate in changed(clip, RATE):
        powers = delayed_powers(copy, rate)
        assert apart_db(fingerprint(clip, RATE), powers) < 0.7 * TOLERANCE_DB
        assert apart_db(other, powers) > 1.5 * TOLERANCE_DB


@pytest.mark.parametrize("frames", [1, 100, 2000])
def test_a_short_clip_has_one_too(frames: int) -> None:
    clip = babble(0)[:frames]
    assert apart_db(fingerprint(clip, RATE), delayed_powers(clip, RATE)) < TOLERANCE_DB


# With 1 for `every`, these two tests look at all clips and all pairs that a duration allows.
@pytest.mark.parametrize(("corpus", "every"), [("ravdess", 48), ("tess", 140)])
def test_copies_of_real_clips_pass(corpus: str, every: int) -> None:
    for row, path in real_clips(corpus, every):
        for _, copy, rate in changed(*soundfile.read(path, dtype="float32", always_2d=True)):
            assert apart_db(row.fingerprint, delayed_powers(copy, rate)) < TOLERANCE_DB, row.clip


@pytest.mark.parametrize(("corpus", "every"), [("ravdess", 48), ("tess", 140)])
def test_no_real_clip_passes_for_another(corpus: str, every: int) -> None:
    assert closest_other(corpus, every) > 1.15 * TOLERANCE_DB
