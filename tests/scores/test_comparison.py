"""Comparisons: whose clips, against which labels, and intervals of paired differences with known answers."""

import numpy as np
import pytest

from speech_emotion.core.errors import PipelineError
from speech_emotion.scores.compare import compare
from speech_emotion.scores.metrics import metrics
from speech_emotion.scores.revisions import Results
from tests.evaluations import make_clips, make_evaluation


def results(name, clips, *, seed=0, skill=2.0):
    evaluation = make_evaluation(clips, seed=seed, skill=skill)
    return Results(name, "image", metrics(evaluation), evaluation.predictions())


def test_corpora_are_compared_apart_where_there_are_several():
    clips = make_clips(actors=8, tess_words=10)
    found = compare(results("main", clips, skill=1.0), results("now", clips, skill=3.0))
    assert [(group.name, group.clips, group.over) for group in found.groups] == [
        ("all", 550, {"ravdess": "8 speakers", "tess": "clips"}),
        ("ravdess", 480, {"ravdess": "8 speakers"}),
        ("tess", 70, {"tess": "clips"}),
    ]
    assert found.uar.verdict == "better"
    assert len(found.groups[0].differences) == 3 + 8
    assert len(found.groups[2].differences) == 3


def test_only_common_clips_are_compared_and_it_says_so():
    everything, half = make_clips(actors=4), make_clips(actors=2)
    found = compare(results("main", everything), results("now", half))
    assert (found.groups[0].clips, found.groups[0].over) == (120, {"ravdess": "clips"})
    assert found.notes == ("the test parts differ: 240 clips in main, 120 in now; compared on the 120 common ones",)


def test_no_common_clip_is_an_error():
    actors = make_clips(actors=4)
    first, second = (actors[actors["speaker"] == f"ravdess/{actor}"].reset_index(drop=True) for actor in (23, 24))
    with pytest.raises(PipelineError, match="tested no clip in common"):
        compare(results("main", first), results("now", second))


def test_both_models_are_scored_against_the_corrected_labels():
    clips = make_clips(actors=4)
    before, after = results("main", clips), results("now", clips)
    sad = before.predictions["actual"] == "sad"
    before.predictions.loc[sad, "actual"] = "calm"
    found = compare(before, after)
    assert found.uar.points == 0
    assert "32 clips have another actual emotion now; both models are scored against the new one" in found.notes


def flip(predictions, count):
    """Make `count` right answers wrong."""
    changed = predictions.copy()
    right = changed.index[changed["actual"] == changed["predicted"]][:count]
    changed.loc[right, "predicted"] = np.where(changed.loc[right, "actual"] == "sad", "calm", "sad")
    return changed


def test_pairing_shows_a_small_steady_difference_that_two_intervals_would_hide():
    clips = make_clips(actors=7)
    before = results("main", clips)
    after = Results("now", "image", {}, flip(before.predictions, 12))
    accuracy = compare(before, after).groups[0].differences[1]
    assert accuracy.points == pytest.approx(-100 * 12 / 420)
    assert accuracy.verdict == "worse"
    # Twelve flips in one direction of 420: the paired binomial interval, narrower than that of either accuracy.
    half = 196 * np.sqrt(12 / 420 * (1 - 12 / 420) / 420)
    assert (accuracy.low, accuracy.high) == pytest.approx((accuracy.points - half, accuracy.points + half), abs=0.3)
    interval = before.metrics["accuracy_ci"]
    assert accuracy.high - accuracy.low < 100 * (interval["high"] - interval["low"]) / 2


def test_intervals_hold_the_truth_as_often_as_they_say():
    """Two equally good models differ beyond the interval in about 1 comparison of 20."""
    clips = make_clips(actors=2)
    answers = [Results("", "image", {}, make_evaluation(clips, seed=seed).predictions()) for seed in range(80)]
    verdicts = [compare(*pair).uar.verdict for pair in zip(answers[::2], answers[1::2], strict=True)]
    assert verdicts.count("no difference shown") >= 34


def test_comparisons_repeat_themselves():
    clips = make_clips(actors=8)
    first, second = (compare(results("main", clips), results("now", clips, skill=2.2)) for _ in range(2))
    assert first == second
