"""The mixture of two systems' answers."""

import numpy as np
import pandas as pd
import pytest

from speech_emotion.clips import EMOTIONS
from speech_emotion.scores.fusion import fit_weight, log_probabilities, mixed, who_is_right
from tests.evaluations import make_clips, make_evaluation


@pytest.fixture
def answers() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Of a better and a worse system about 240 clips, and what is right."""
    clips = make_clips()
    better, worse = make_evaluation(clips, seed=1, skill=3.0), make_evaluation(clips, seed=2, skill=0.5)
    return log_probabilities(better.last_logits), log_probabilities(worse.last_logits), better.actual


def accuracy(logits: np.ndarray, actual: np.ndarray) -> float:
    return float((logits.argmax(axis=1) == actual).mean())


def test_log_probabilities_are_of_one_and_flatter_with_temperature() -> None:
    logits = np.array([[2.0, 0, 0, 0, 0, 0, 0, 0]], np.float32)
    sharp, flat = np.exp(log_probabilities(logits)), np.exp(log_probabilities(logits, 2.0))
    assert sharp.sum() == pytest.approx(1) == flat.sum()
    assert sharp[0, 0] == pytest.approx(np.exp(2) / (np.exp(2) + 7))
    assert flat[0, 0] == pytest.approx(np.exp(1) / (np.exp(1) + 7))


def test_the_better_system_weighs_more_and_two_know_more_than_one(answers: tuple[np.ndarray, ...]) -> None:
    better, worse, actual = answers
    weight = fit_weight(better, worse, actual)
    assert 0.5 < weight <= 1
    assert fit_weight(worse, better, actual) == pytest.approx(1 - weight)
    alone = max(accuracy(better, actual), accuracy(worse, actual))
    assert accuracy(mixed(better, worse, weight), actual) >= alone


def test_a_system_that_knows_nothing_weighs_nothing(answers: tuple[np.ndarray, ...]) -> None:
    better, _, actual = answers
    wrong = log_probabilities(5 * np.eye(len(EMOTIONS))[(actual + 1) % len(EMOTIONS)])
    assert fit_weight(better, wrong, actual) == 1.0
    np.testing.assert_array_equal(mixed(better, wrong, 1.0), better)


def test_who_is_right_counts_each_clip_once() -> None:
    clips = make_clips(actors=1)
    first, second = (make_evaluation(clips, seed=seed).predictions() for seed in (1, 2))
    found = who_is_right(first, second, ("image", "speech"))
    assert found["clips"].sum() == len(clips)
    right = found.groupby("right")["clips"].sum()
    assert right["both"] + right["image alone"] == (first["actual"] == first["predicted"]).sum()
    assert right["both"] + right["speech alone"] == (second["actual"] == second["predicted"]).sum()
    assert set(found["intensity"]) == {"normal", "strong"}


def test_answers_about_other_clips_are_refused() -> None:
    answers = make_evaluation(make_clips(actors=1)).predictions()
    with pytest.raises(pd.errors.MergeError):
        who_is_right(pd.concat([answers, answers]), answers, ("image", "speech"))
