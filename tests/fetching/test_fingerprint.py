"""Fingerprints: a copy keeps its clip's, and no clip of the real corpora has another's."""

import numpy as np
import pytest

from speech_emotion.fetching.fingerprint import TOLERANCE_DB, apart_db, delayed_powers, fingerprint
from tests.fingerprints import Samples, as_mp3, changed, copies_apart, others_apart, real_clips

RATE = 48000
# The clips of which an encoder leaves out most: they are the softest of all.
SOFT = ("Actor_09/03-01-04-01-02-02-09", "Actor_20/03-01-02-02-01-02-20", "Actor_20/03-01-02-02-02-02-20")


def babble(seed: int, *, duration_s: float = 1.5, channels: int = 1) -> Samples:
    """Return noise that swells and fades as syllables do, another one for every `seed`."""
    rng = np.random.default_rng(seed)
    times = np.linspace(0, 1, round(duration_s * RATE))
    syllables = round(10 * duration_s)
    swell = 10 ** np.interp(times, np.linspace(0, 1, syllables), rng.uniform(-2, -0.5, syllables))
    waveform = (swell * rng.normal(0, 0.3, len(times))).astype(np.float32)
    return np.repeat(waveform[:, None], channels, axis=1)


@pytest.mark.parametrize("channels", [1, 2])
def test_copies_keep_the_fingerprint_and_others_have_another(channels: int) -> None:
    clip, other = babble(0, channels=channels), fingerprint(babble(1, channels=channels), RATE)
    for _, copy, rate in changed(clip, RATE):
        powers = delayed_powers(copy, rate)
        assert apart_db(fingerprint(clip, RATE), powers) < 0.7 * TOLERANCE_DB
        assert apart_db(other, powers) > 2 * TOLERANCE_DB


@pytest.mark.parametrize("frames", [1, 100, 2000])
def test_a_short_clip_has_one_too(frames: int) -> None:
    clip = babble(0)[:frames]
    assert apart_db(fingerprint(clip, RATE), delayed_powers(clip, RATE)) < TOLERANCE_DB


def test_a_copy_keeps_it_without_the_bands_that_an_encoder_leaves_out() -> None:
    clip = babble(0) * np.float32(0.05)
    copy, rate = as_mp3(clip, RATE, 16000, "VARIABLE", 0.99)
    expected, found = fingerprint(clip, RATE), fingerprint(copy, rate)
    assert sum(digit == "0" < before for before, digit in zip(expected, found, strict=True)) > 20
    assert apart_db(expected, delayed_powers(copy, rate)) < 0.9 * TOLERANCE_DB


# `python -m tests.fingerprints` looks at all clips, and at all pairs that a duration allows.
@pytest.mark.parametrize(("corpus", "every"), [("ravdess", 360), ("tess", 560)])
def test_copies_of_real_clips_pass(corpus: str, every: int) -> None:
    soft = [(row, path) for row, path in real_clips(corpus, 1) if row.clip in SOFT]
    for clip in [*real_clips(corpus, every), *soft]:
        apart = copies_apart(clip)
        assert max(apart.values()) < 0.9 * TOLERANCE_DB, (clip, apart)


@pytest.mark.parametrize(("corpus", "every"), [("ravdess", 144), ("tess", 350)])
def test_no_real_clip_passes_for_another(corpus: str, every: int) -> None:
    rows = [row for row, _ in real_clips(corpus, 1)]
    for clip in real_clips(corpus, every):
        apart = others_apart(clip, rows)
        assert min(apart.values(), default=np.inf) > 1.1 * TOLERANCE_DB, (clip, apart)
