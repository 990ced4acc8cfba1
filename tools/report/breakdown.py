"""Test clips by what their names say, and how well each group of them was recognised."""

from typing import Any

import numpy as np
import pandas as pd

from speech_emotion.clips import EMOTIONS, indices
from speech_emotion.corpora.catalogue import parse_clip
from speech_emotion.scores import bootstrap, confusion


def described(predictions: pd.DataFrame) -> pd.DataFrame:
    """Return `predictions` with `corpus`, `speaker`, `sex` and `intensity` (empty where a corpus has none) added."""
    parsed = [parse_clip(*clip.split("/", 1)) for clip in predictions["clip"]]
    fields = ("corpus", "speaker", "sex", "intensity")
    return predictions.assign(**{field: [getattr(clip, field) for clip in parsed] for field in fields})


def rates(clips: pd.DataFrame) -> dict[str, Any]:
    """Return `accuracy`, `uar` and each emotion's `recall` of `described` clips, with 95 % bootstrap intervals.

    Beside each score stands `<score>_ci` with `low` and `high`; `over` says what was drawn of each corpus.
    """
    matrices = confusion.by_clip(indices(clips["actual"]), indices(clips["predicted"]))
    over, drawn = bootstrap.resampled_clips(matrices, clips["corpus"].tolist(), clips["speaker"].tolist())
    whole = matrices.sum(axis=0)
    scores: dict[str, Any] = {"clips": len(clips), "over": over}
    for name, score in {"accuracy": confusion.accuracy, "uar": confusion.uar}.items():
        scores |= _with_interval(name, float(score(whole)), score(drawn))
    recalls, drawn_recalls = confusion.recall(whole), confusion.recall(drawn)
    scores["recalls"] = {
        emotion: _with_interval("recall", float(recalls[place]), drawn_recalls[:, place])
        for place, emotion in enumerate(EMOTIONS)
        if whole[place].sum()
    }
    return scores


def mistakes(clips: pd.DataFrame) -> pd.DataFrame:
    """Return what was taken for what, the largest `share` of the actual emotion first, with the number of `clips`."""
    wrong = clips[clips["actual"] != clips["predicted"]]
    counts = wrong.groupby(["actual", "predicted"]).size().rename("clips").reset_index()
    counts["share"] = counts["clips"] / counts["actual"].map(clips["actual"].value_counts())
    return counts.sort_values(["share", "actual", "predicted"], ascending=[False, True, True], ignore_index=True)


def _with_interval(name: str, score: float, drawn: confusion.Scores) -> dict[str, Any]:
    low, high = bootstrap.interval(np.asarray(drawn))
    return {name: score, f"{name}_ci": {"low": low, "high": high}}
