"""Accuracy, unweighted average recall and recalls of a table of answers, each with its 95 % interval."""

from typing import Any

import numpy as np
import pandas as pd

from speech_emotion.clips import EMOTIONS, indices
from speech_emotion.scores import bootstrap, confusion


def matrices_by_clip(answers: pd.DataFrame) -> confusion.Counts:
    """Return each clip's own confusion matrix, `[clips, emotions, emotions]`, of `actual` and `predicted` names.

    A clip that several models answered has a row for each, and one matrix.
    """
    clips, _ = pd.factorize(answers["clip"])
    return confusion.count(indices(answers["actual"]), indices(answers["predicted"]), clips)


def rates(answers: pd.DataFrame) -> dict[str, Any]:
    """Return `accuracy`, `uar` and each emotion's `recall`, as fractions of 1.

    Beside each score stands `<score>_ci` with `low` and `high`; `over` says what the bootstrap drew of each corpus,
    `speakers` where there are 8 or more, else `clips`, which takes speakers as given and is narrower.

    Args:
        answers: columns `clip`, `actual`, `predicted`, `corpus`, `speaker`; one row a clip and model.
    """
    matrices, clips = matrices_by_clip(answers), answers.drop_duplicates("clip")
    over, drawn = bootstrap.resampled_clips(matrices, clips["corpus"].tolist(), clips["speaker"].tolist())
    whole = matrices.sum(axis=0)
    scores: dict[str, Any] = {"clips": len(clips), "over": over}
    for name, score in {"accuracy": confusion.accuracy, "uar": confusion.uar}.items():
        scores |= with_interval(name, float(score(whole)), score(drawn))
    recalls, drawn_recalls = confusion.recall(whole), confusion.recall(drawn)
    scores["recalls"] = {
        emotion: with_interval("recall", float(recalls[place]), drawn_recalls[:, place])
        for place, emotion in enumerate(EMOTIONS)
        if whole[place].sum()
    }
    return scores


def with_interval(name: str, score: float, drawn: confusion.Scores) -> dict[str, Any]:
    """Return a score, and the interval of its `drawn` resamples, by their names."""
    low, high = bootstrap.interval(np.asarray(drawn))
    return {name: score, f"{name}_ci": {"low": low, "high": high}}
