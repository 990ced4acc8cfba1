"""`metrics/metrics.json`: how good the model is, as fractions of 1."""

import json
from typing import Any

import numpy as np
from numpy.typing import NDArray

from speech_emotion import bootstrap, confusion
from speech_emotion.emotions import EMOTIONS
from speech_emotion.evaluation import Evaluation
from speech_emotion.reliability import reliability

DECIMALS = 4


def metrics(evaluation: Evaluation) -> dict[str, Any]:
    """Return the scores of the high-resolution model, and the low-resolution model's on the same clips.

    `uar` and `macro_f1` are means over the emotions that have clips in the part of the test that they describe.
    `ece` is with the fitted temperature, `ece_raw` without. `accuracy_ci` is the 95 % bootstrap interval, in
    each corpus over speakers where there are 8 or more, else over clips, which takes speakers as given and is narrower.
    """
    matrix = confusion.count(evaluation.actual, evaluation.predicted)
    low_matrix = confusion.count(evaluation.actual, evaluation.low_logits.argmax(axis=1))
    right = evaluation.predicted == evaluation.actual
    return {
        "accuracy": _rounded(confusion.accuracy(matrix)),
        "uar": _rounded(confusion.uar(matrix)),
        "macro_f1": _rounded(confusion.macro_f1(matrix)),
        "ece": _rounded(reliability(evaluation.confidence(), right).ece),
        "ece_raw": _rounded(reliability(evaluation.confidence(temperature=1.0), right).ece),
        "low_resolution": _brief(low_matrix),
        **_by_corpus(evaluation),
        "recall": _by_emotion(matrix),
        "accuracy_ci": _accuracy_interval(evaluation),
        "clips": len(right),
    }


def to_json(scores: dict[str, Any]) -> str:
    """Return `scores` as JSON text, equal scores as equal bytes."""
    return json.dumps(scores, indent=2) + "\n"


def _by_corpus(evaluation: Evaluation) -> dict[str, Any]:
    corpora = evaluation.clips["corpus"].to_numpy()
    scores = {}
    for corpus in sorted(set(corpora)):
        here = corpora == corpus
        matrix = confusion.count(evaluation.actual[here], evaluation.predicted[here])
        scores[corpus] = {**_brief(matrix), "clips": int(here.sum())}
    return scores


def _brief(matrix: confusion.Counts) -> dict[str, float]:
    return {"accuracy": _rounded(confusion.accuracy(matrix)), "uar": _rounded(confusion.uar(matrix))}


def _by_emotion(matrix: confusion.Counts) -> dict[str, float]:
    recalls = zip(EMOTIONS, confusion.recall(matrix), strict=True)
    return {emotion: _rounded(recall) for emotion, recall in recalls if not np.isnan(recall)}


def _accuracy_interval(evaluation: Evaluation) -> dict[str, float]:
    matrices = confusion.by_clip(evaluation.actual, evaluation.predicted)
    _, drawn = bootstrap.resampled_clips(matrices, evaluation.clips["corpus"], evaluation.clips["speaker"])
    low, high = bootstrap.interval(confusion.accuracy(drawn))
    return {"low": _rounded(low), "high": _rounded(high)}


def _rounded(score: float | NDArray[np.float64]) -> float:
    return round(float(score), DECIMALS)
