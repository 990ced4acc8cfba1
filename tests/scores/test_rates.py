"""Rates of a table of answers, with known answers."""

import pandas as pd

from speech_emotion.scores.rates import rates


def test_rates_of_a_few_clips_are_those_of_pen_and_paper() -> None:
    answers = pd.DataFrame({"actual": ["neutral", "sad", "sad"], "predicted": ["neutral", "calm", "sad"]})
    found = rates(
        answers.assign(clip=["a", "b", "c"], corpus="ravdess", speaker=["ravdess/07", "ravdess/07", "ravdess/08"])
    )
    assert (found["accuracy"], found["uar"], found["clips"], found["over"]) == (2 / 3, 0.75, 3, {"ravdess": "clips"})
    assert {name: one["recall"] for name, one in found["recalls"].items()} == {"neutral": 1.0, "sad": 0.5}
    assert found["uar_ci"]["low"] <= 0.75 <= found["uar_ci"]["high"]
