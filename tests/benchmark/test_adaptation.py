"""Speaker adaptation: whose clips move an embedding, how far, and that it helps where voices differ."""

from itertools import combinations

import numpy as np
import pytest
from numpy.typing import NDArray

from benchmark.adaptation import PRIOR_CLIPS, adapted, enrolled, reference

Array = NDArray[np.float64]
KNOWN = reference(np.array([[0.0, 1.0], [2.0, 1.0], [4.0, 5.0], [6.0, 9.0]]), ["a", "a", "b", "b"])


def test_reference_is_the_mean_over_speakers_of_what_is_within_each() -> None:
    assert KNOWN.mean.tolist() == [3.0, 4.0]
    assert KNOWN.variance.tolist() == [1.0, 2.0]


def by_hand(embedding: Array, others: Array) -> Array:
    weight = len(others) / (len(others) + PRIOR_CLIPS)
    mean = weight * others.mean(axis=0) + (1 - weight) * KNOWN.mean
    variance = weight * others.var(axis=0) + (1 - weight) * KNOWN.variance
    return (embedding - mean) / np.sqrt(variance) * np.sqrt(KNOWN.variance) + KNOWN.mean


def test_a_clip_moves_by_all_others_of_its_voice_and_not_by_itself() -> None:
    rng = np.random.default_rng(0)
    embeddings, speakers = rng.normal(size=(6, 2)), ["x", "y", "x", "x", "y", "x"]
    moved = adapted(embeddings, speakers, KNOWN)
    np.testing.assert_allclose(moved[0], by_hand(embeddings[0], embeddings[[2, 3, 5]]))


@pytest.mark.parametrize("clips", [1, 2, 4])
def test_enrolment_takes_so_many_others_drawn_anew_each_time_and_the_same_in_every_run(clips: int) -> None:
    embeddings, speakers = np.random.default_rng(0).normal(size=(5, 2)), ["x"] * 5
    draws = list(enrolled(embeddings, speakers, KNOWN, clips=clips, draws=3))
    for moved in draws:
        for row in range(5):
            others = [embeddings[list(some)] for some in combinations([one for one in range(5) if one != row], clips)]
            assert any(np.allclose(moved[row], by_hand(embeddings[row], some)) for some in others)
    assert np.array_equal(draws[1], list(enrolled(embeddings, speakers, KNOWN, clips=clips, draws=3))[1])
    assert np.allclose(draws[0], draws[1]) == (clips == 4)


def test_a_voice_with_one_clip_stays_as_it_is() -> None:
    embeddings = np.array([[5.0, -3.0]])
    np.testing.assert_allclose(adapted(embeddings, ["x"], KNOWN), embeddings, rtol=1e-9)


def test_voices_that_are_shifted_and_scaled_come_back_the_better_the_more_clips_there_are() -> None:
    rng = np.random.default_rng(0)
    plain = rng.normal(size=(200, 4))
    speakers = np.repeat(["x", "y"], 100).tolist()
    voices = np.where(np.arange(200)[:, None] < 100, 3 + 2 * plain, -1 + 0.5 * plain)
    known = reference(plain, ["a"] * 200)
    errors = [
        np.mean([np.abs(moved - plain).mean() for moved in enrolled(voices, speakers, known, clips=clips)])
        for clips in (1, 5, 20, 99)
    ]
    assert errors == sorted(errors, reverse=True)
    assert errors[-1] < 0.2 < errors[0]
