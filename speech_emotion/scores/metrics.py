"""`metrics.json`: how good the model is, as fractions of 1."""

import json
import re
from collections.abc import Mapping
from typing import Any

import pandas as pd

from speech_emotion.core.errors import PipelineError, listed
from speech_emotion.scores import confusion
from speech_emotion.scores.evaluation import Evaluation
from speech_emotion.scores.rates import matrices_by_clip, rates
from speech_emotion.scores.reliability import reliability

DECIMALS = 4


def metrics(evaluation: Evaluation) -> dict[str, Any]:
    """Return the scores of the last model, and those of the first, if any (`first`), on the same clips.

    `uar` and `macro_f1` are means over the emotions that have clips in the part of the test that they describe.
    `ece` is with the fitted temperature, `ece_raw` without. `accuracy_ci` is the interval of `rates`.
    """
    answers = evaluation.predictions()
    scores, matrix = rates(answers), matrices_by_clip(answers).sum(axis=0)
    first = {}
    if evaluation.first_logits is not None:
        first = {"first": _brief(confusion.count(evaluation.actual, evaluation.first_logits.argmax(axis=1)))}
    right = evaluation.predicted == evaluation.actual
    values = {
        **_brief(matrix),
        "macro_f1": confusion.macro_f1(matrix),
        "ece": reliability(evaluation.confidence(), right).ece,
        "ece_raw": reliability(evaluation.confidence(temperature=1.0), right).ece,
        **first,
        **{corpus: _of_corpus(clips) for corpus, clips in answers.groupby("corpus")},
        "recall": {emotion: recall["recall"] for emotion, recall in scores["recalls"].items()},
        "accuracy_ci": scores["accuracy_ci"],
        "clips": scores["clips"],
    }
    return rounded(values)


def rounded(scores: Mapping[str, Any]) -> dict[str, Any]:
    """Return nested `scores` with four decimals; whole numbers and texts stay as they are."""
    return {
        name: rounded(score)
        if isinstance(score, Mapping)
        else score
        if isinstance(score, (int, str))
        else _round(score)
        for name, score in scores.items()
    }


def to_json(scores: Mapping[str, Any]) -> str:
    """Return `scores` as JSON text, equal scores as equal bytes.

    Raises:
        PipelineError: one is not finite.
    """
    try:
        return json.dumps(scores, indent=2, allow_nan=False) + "\n"
    except ValueError as error:
        wrong = re.findall(r'"(\w+)": \[?[^]"{]*(?:NaN|Infinity)', json.dumps(scores))
        raise PipelineError(f"scores: {listed(wrong)} not finite, nothing was written; train again") from error


def _of_corpus(answers: pd.DataFrame) -> dict[str, Any]:
    return {**_brief(matrices_by_clip(answers).sum(axis=0)), "clips": len(answers)}


def _brief(matrix: confusion.Counts) -> dict[str, confusion.Scores]:
    return {"accuracy": confusion.accuracy(matrix), "uar": confusion.uar(matrix)}


def _round(score: Any) -> Any:
    return [_round(one) for one in score] if isinstance(score, list) else round(float(score), DECIMALS)
