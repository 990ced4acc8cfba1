"""Answers of cells to scores: calibration, ensembles, fusion, rates with intervals, as fractions of 1."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from speech_emotion.clips import EMOTIONS, indices
from speech_emotion.model.calibration import calibrated, fit_temperature
from speech_emotion.scores import bootstrap, confusion, fusion
from speech_emotion.scores.rates import rates, with_interval
from speech_emotion.scores.reliability import Reliability, reliability

LOGITS = list(EMOTIONS)  # columns
NEVER = -1e4  # logit of an emotion that is not asked about


def scored(answers: pd.DataFrame) -> pd.DataFrame:
    """Return the test clips with `actual`, `predicted`, `confidence` and, before calibration, `raw_confidence`.

    Args:
        answers: one row a clip of the parts test and valid; the latter give the temperature.
    """
    test, temperature = answers[answers["part"] == "test"], _temperature(answers)
    logits = test[LOGITS].to_numpy()
    return test[["clip", "corpus", "speaker"]].assign(
        actual=test["emotion"],
        predicted=np.asarray(EMOTIONS)[logits.argmax(axis=1)],
        confidence=calibrated(logits, temperature).max(axis=1),
        raw_confidence=calibrated(logits, 1.0).max(axis=1),
    )


def ensemble(members: Sequence[pd.DataFrame]) -> pd.DataFrame:
    """Return answers whose logits are the mean log probabilities of `members`, which have the same clips."""
    each = [fusion.log_probabilities(one[LOGITS].to_numpy()) for one in members]
    return _with_logits(members[0], np.mean(each, axis=0))


def fused(first: pd.DataFrame, second: pd.DataFrame) -> pd.DataFrame:
    """Return answers whose logits are a weighted mean of both systems' calibrated log probabilities.

    The weight is the one under which the part valid is most likely.
    """
    one, other = (
        fusion.log_probabilities(answers[LOGITS].to_numpy(), _temperature(answers)) for answers in (first, second)
    )
    valid = np.flatnonzero(first["part"] == "valid")
    weight = fusion.fit_weight(one[valid], other[valid], indices(first["emotion"].iloc[valid]))
    return _with_logits(first, fusion.mixed(one, other, weight))


def among_own(answers: pd.DataFrame) -> pd.DataFrame:
    """Return answers among the emotions that the clips of their corpus have: one without calm is not asked about it."""
    logits = answers[LOGITS].to_numpy(copy=True)
    for rows in answers.groupby("corpus").indices.values():
        there = set(answers["emotion"].iloc[rows])
        logits[np.ix_(rows, [place for place, emotion in enumerate(EMOTIONS) if emotion not in there])] = NEVER
    return _with_logits(answers, logits)


def scores(clips: pd.DataFrame) -> dict[str, Any]:
    """Return rates with intervals, calibration errors, and the spread over folds and over seeds.

    Args:
        clips: as `scored`, with the `cell` and the `seed` of the model that answered. With several seeds each rate
            is their mean.
    """
    found = rates(clips)
    recalls = found.pop("recalls")
    return {
        **found,
        "recall": {emotion: recall["recall"] for emotion, recall in recalls.items()},
        "ece": bins(clips, "confidence").ece,
        "ece_raw": bins(clips, "raw_confidence").ece,
        "folds": spread(clips, "cell"),
        "seeds": spread(clips, "seed"),
        "corpora": {name: brief(rows) for name, rows in clips.groupby("corpus") if len(rows) < len(clips)},
    }


def brief(clips: pd.DataFrame) -> dict[str, Any]:
    """Return accuracy and UAR with their intervals."""
    return {name: value for name, value in rates(clips).items() if name != "recalls"}


def bins(clips: pd.DataFrame, confidence: str) -> Reliability:
    """Return how often each confidence, in the column of this name, is right."""
    return reliability(clips[confidence].to_numpy(), (clips["predicted"] == clips["actual"]).to_numpy())


def spread(clips: pd.DataFrame, column: str) -> dict[str, Any]:
    """Return mean and sample deviation of accuracy and UAR over the groups of `column`, and the score of each."""
    groups = [_count(rows) for _, rows in clips.groupby(column)]
    found = {}
    for name, score in (("accuracy", confusion.accuracy), ("uar", confusion.uar)):
        each = score(np.array(groups))
        found[name] = {"each": each.tolist(), "mean": float(each.mean())}
        found[name] |= {"deviation": float(each.std(ddof=1))} if len(each) > 1 else {}
    return found


def difference(
    before: pd.DataFrame, after: pd.DataFrame, score: Callable[[confusion.Counts], confusion.Scores]
) -> dict[str, Any]:
    """Return `score` of both (`before`, `after`) and the `gap` from one to the other; its interval draws speakers."""
    speakers = sorted({*before["speaker"], *after["speaker"]})
    counts = [[_count(clips[clips["speaker"] == one]) for clips in (before, after)] for one in speakers]
    matrices = np.array(counts)  # [speakers, 2, emotions, emotions]
    first, last = score(matrices.sum(axis=0)).tolist()
    drawn = score(bootstrap.resampled(matrices))
    return {"before": first, "after": last} | with_interval("gap", last - first, drawn[:, 1] - drawn[:, 0])


def _count(clips: pd.DataFrame) -> confusion.Counts:
    return confusion.count(indices(clips["actual"]), indices(clips["predicted"]))


def _temperature(answers: pd.DataFrame) -> float:
    valid = answers[answers["part"] == "valid"]
    return fit_temperature(valid[LOGITS].to_numpy(), indices(valid["emotion"])) if len(valid) else 1.0


def _with_logits(answers: pd.DataFrame, logits: NDArray[np.float64]) -> pd.DataFrame:
    return answers.assign(**dict(zip(LOGITS, logits.T, strict=True)))
