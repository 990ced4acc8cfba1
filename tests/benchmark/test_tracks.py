"""Scores that use more than one clip or network: what is shifted by how much, what is averaged."""

import numpy as np
import pytest

from benchmark.tracks import adapted, averaged


def clip(corpus: str, speaker: str, word: str) -> str:
    return f"{corpus}/{speaker}_{word}_sad" if corpus == "tess" else f"{corpus}/03-01-04-01-01-{word}-{speaker}"


MELS = {
    clip("ravdess", "01", "01"): np.array([[100, 120], [40, 60]], np.uint8),  # mean 110, 50
    clip("ravdess", "02", "01"): np.array([[130, 130], [90, 90]], np.uint8),  # mean 130, 90
    clip("tess", "OAF", "back"): np.array([[200], [200]], np.uint8),
    clip("ravdess", "03", "01"): np.array([[60, 0], [10, 10]], np.uint8),  # mean over both clips: 40, 20
    clip("ravdess", "03", "02"): np.array([[50, 50], [30, 30]], np.uint8),
}
KNOWN, ASKED = list(MELS)[:3], list(MELS)[3:]


def test_a_speaker_comes_to_the_mean_level_of_the_known_speakers_of_the_corpus() -> None:
    shifted = adapted(ASKED, MELS, KNOWN, by_mel=False)
    # Known speakers of ravdess: 120 and 70; this one 40 and 20: 80 and 50 too low, 65 on the average.
    np.testing.assert_array_equal(shifted[ASKED[0]], [[125, 0], [75, 75]])
    np.testing.assert_array_equal(shifted[ASKED[1]], [[115, 115], [95, 95]])
    assert {mel.dtype for mel in shifted.values()} == {np.dtype(np.uint8)}


def test_each_mel_bin_comes_to_its_own_mean() -> None:
    shifted = adapted(ASKED, MELS, KNOWN, by_mel=True)
    np.testing.assert_array_equal(shifted[ASKED[1]], [[130, 130], [80, 80]])


def test_levels_stay_in_their_range_and_the_floor_stays_the_floor() -> None:
    loud = MELS | {clip("ravdess", "01", "01"): np.full((2, 2), 255, np.uint8)}
    shifted = adapted(ASKED, loud, KNOWN[:1], by_mel=False)
    np.testing.assert_array_equal(shifted[ASKED[0]], [[255, 0], [235, 235]])


def test_probabilities_are_averaged_not_the_scale_of_logits() -> None:
    sure, unsure = np.array([[0.0, 0.0, 30.0]]), np.array([[101.0, 100.0, 100.0]])
    mean = averaged(sure, unsure)
    assert mean.argmax() == 2
    assert averaged(sure, unsure + 7) == pytest.approx(mean, abs=1e-5)
    assert mean.dtype == np.float32
