"""Rates, ensembles, fusions and differences of answers whose scores are known."""

from collections.abc import Mapping

import numpy as np
import pandas as pd
import pytest

from benchmark.answers import LAST, answer_rows
from benchmark.scoring import NEVER, among_own, difference, ensemble, fused, scored, scores
from speech_emotion.clips import EMOTIONS
from speech_emotion.scores import confusion


def answered(clips: Mapping[tuple[str, str], str], *, strength: float = 4.0, part: str = "test") -> pd.DataFrame:
    """Answers that name `clips`' values, with a logit of `strength` against zeros; keys are speaker and emotion."""
    table = pd.DataFrame([(f"{who}-{emotion}", who, emotion) for who, emotion in clips], columns=["clip", *COLUMNS])
    logits = strength * np.eye(len(EMOTIONS))[[EMOTIONS.index(named) for named in clips.values()]]
    return answer_rows(table.assign(corpus=table["speaker"].str.split("/").str[0], part=part), LAST, logits)


COLUMNS = ["speaker", "emotion"]


def told(cell: str = "one", seed: int = 0, **clips: str) -> pd.DataFrame:
    """Scored clips of the actors 1, 2 ... : `sad_1="happy"`."""
    named = {(f"ravdess/{name[-1]}", name[:-2]): emotion for name, emotion in clips.items()}
    return scored(answered(named)).assign(cell=cell, seed=seed)


def test_scores_have_known_answers() -> None:
    first = told(sad_1="sad", happy_1="happy", sad_2="happy")
    second = told("two", sad_3="sad", angry_3="sad")
    found = scores(pd.concat([first, second]))
    assert (found["accuracy"], found["clips"]) == (0.6, 5)
    assert found["recall"] == pytest.approx({"happy": 1.0, "sad": 2 / 3, "angry": 0.0})
    assert found["uar"] == pytest.approx(5 / 9)
    # Cells: 2 of 3 and 1 of 2; their UAR (1 + 0.5) / 2 and (1 + 0) / 2.
    assert found["folds"]["accuracy"]["each"] == pytest.approx([2 / 3, 1 / 2])
    assert found["folds"]["uar"] == {"each": [0.75, 0.5], "mean": 0.625, "deviation": pytest.approx(0.17678, abs=1e-5)}
    assert found["seeds"]["uar"].keys() == {"each", "mean"}, "one seed has no deviation"


def test_seeds_are_means_over_the_same_clips_which_are_drawn_together() -> None:
    right, wrong = told(sad_1="sad", sad_2="sad"), told(seed=1, sad_1="sad", sad_2="calm")
    found = scores(pd.concat([right, wrong]))
    assert (found["accuracy"], found["clips"]) == (0.75, 2)
    assert found["seeds"]["accuracy"]["each"] == [1.0, 0.5]
    assert found["accuracy_ci"] == {"low": 0.5, "high": 1.0}


def test_the_valid_part_gives_the_temperature() -> None:
    test = answered({("ravdess/1", "sad"): "sad"})
    emotions = [("ravdess/2", emotion) for emotion in EMOTIONS]
    unsure = answered({one: one[1] if place < 4 else "calm" for place, one in enumerate(emotions)}, part="valid")
    clips = scored(pd.concat([test, unsure]))
    raw = np.exp(4.0) / (np.exp(4.0) + 7)
    assert clips["raw_confidence"].tolist() == pytest.approx([raw])
    assert clips["confidence"].tolist() == pytest.approx([0.5], abs=0.02), "half of the valid part was right"
    assert scored(test)["confidence"].tolist() == pytest.approx([raw]), "no valid part, no temperature"


def test_an_ensemble_averages_probabilities_and_not_the_scale_of_logits() -> None:
    sure, unsure = answered({("ravdess/1", "sad"): "sad"}, strength=30), answered({("ravdess/1", "sad"): "calm"})
    mean = ensemble([sure, unsure])
    assert scored(mean)["predicted"].tolist() == ["sad"]
    shifted = unsure.assign(**{emotion: unsure[emotion] + 7 for emotion in EMOTIONS})
    np.testing.assert_allclose(ensemble([sure, shifted])[list(EMOTIONS)], mean[list(EMOTIONS)], atol=1e-9)


@pytest.mark.parametrize("order", [1, -1])
def test_a_fusion_trusts_the_system_that_the_valid_part_trusts(order: int) -> None:
    emotions = [("ravdess/2", emotion) for emotion in EMOTIONS]
    test = [answered({("ravdess/1", "sad"): named}) for named in ("sad", "calm")]
    good = pd.concat([test[0], answered({one: one[1] for one in emotions}, part="valid")], ignore_index=True)
    bad = pd.concat([test[1], answered(dict.fromkeys(emotions, "calm"), part="valid")], ignore_index=True)
    pair = (good, bad)[::order]
    assert scored(fused(*pair))["predicted"].tolist() == ["sad"]


def test_a_corpus_is_asked_among_the_emotions_that_it_has() -> None:
    clips = {("nemo/EB0", "sad"): "calm", ("nemo/EB0", "happy"): "happy", ("ravdess/1", "calm"): "calm"}
    answers = answered(clips)
    answers.loc[0, "sad"] = 3.0
    assert scored(answers)["predicted"].tolist() == ["calm", "happy", "calm"]
    found = scored(among_own(answers))
    assert found["predicted"].tolist() == ["sad", "happy", "calm"]
    assert found["confidence"][2] == pytest.approx(1), "one emotion is all that this corpus has here"
    assert (answers["calm"] != NEVER).all(), "the answers stay as they were"


def test_a_difference_draws_speakers_and_pairs_them() -> None:
    before, after = told(sad_1="sad", sad_2="calm", sad_3="calm"), told(sad_1="sad", sad_2="sad", sad_3="sad")
    gap = difference(before, after, confusion.accuracy)
    assert (gap["before"], gap["after"], gap["gap"]) == pytest.approx((1 / 3, 1, 2 / 3))
    assert gap["gap_ci"]["low"] < gap["gap"] < gap["gap_ci"]["high"]
    assert difference(after, after, confusion.accuracy)["gap_ci"] == {"low": 0.0, "high": 0.0}
