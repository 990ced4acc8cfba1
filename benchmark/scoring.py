"""Scores of one protocol in one view, its cells pooled, as fractions of 1."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmark.answers import Answers
from speech_emotion.clips import EMOTIONS, indices
from speech_emotion.corpora.catalogue import parse_clip
from speech_emotion.model.calibration import calibrated
from speech_emotion.scores import bootstrap, confusion
from speech_emotion.scores.reliability import Reliability, reliability

DECIMALS = 4


@dataclass(frozen=True)
class Pooled:
    """The test clips of all cells of a protocol, each answered by the model that had not seen it; arrays `[clips]`.

    Attributes:
        actual: index of the emotion.
        predicted: index of the emotion that was named.
        confidence: in the emotion that was named, with the temperature of the clip's cell.
        raw_confidence: the same without.
        corpus: of each clip.
        speaker: of each clip.
        cell: index of the cell that tested it.
    """

    actual: NDArray[np.integer]
    predicted: NDArray[np.integer]
    confidence: NDArray[np.float64]
    raw_confidence: NDArray[np.float64]
    corpus: NDArray[np.str_]
    speaker: NDArray[np.str_]
    cell: NDArray[np.integer]

    def __getitem__(self, chosen: NDArray[np.bool_]) -> "Pooled":
        return Pooled(*(column[chosen] for column in vars(self).values()))

    def __len__(self) -> int:
        return len(self.actual)


def pool(cells: Sequence[Answers], view: str) -> Pooled:
    """Put the answers of a protocol's cells together."""
    clips = [clip for cell in cells for clip in cell.clips["clip"]]
    named = [parse_clip(*clip.split("/")) for clip in clips]
    logits = [cell.logits[view] for cell in cells]
    warm = [calibrated(one, cell.temperatures[view]).max(axis=1) for one, cell in zip(logits, cells, strict=True)]
    return Pooled(
        actual=np.concatenate([indices(cell.clips["emotion"]) for cell in cells]),
        predicted=np.concatenate([one.argmax(axis=1) for one in logits]),
        confidence=np.concatenate(warm),
        raw_confidence=np.concatenate([calibrated(one, 1.0).max(axis=1) for one in logits]),
        corpus=np.array([clip.corpus for clip in named]),
        speaker=np.array([clip.speaker for clip in named]),
        cell=np.repeat(np.arange(len(cells)), [len(cell.clips) for cell in cells]),
    )


def scores(pooled: Pooled) -> dict[str, Any]:
    """Return accuracy and unweighted average recall with their 95 % intervals, by cell and (of several) corpus.

    `ece` is with the cells' temperatures, `folds` has mean and sample deviation over cells. The intervals come from a
    bootstrap within each corpus, over its speakers, or its clips where fewer than 8 speak (`interval_over`).
    """
    matrix, corpora = confusion.count(pooled.actual, pooled.predicted), sorted(set(pooled.corpus))
    recalls = zip(EMOTIONS, confusion.recall(matrix), strict=True)
    return {
        **_rates(pooled),
        "folds": _folds(pooled),
        "ece": rounded(bins(pooled, calibrated=True).ece),
        "ece_raw": rounded(bins(pooled, calibrated=False).ece),
        "recall": {emotion: rounded(recall) for emotion, recall in recalls if not np.isnan(recall)},
        "corpora": {corpus: _rates(pooled[pooled.corpus == corpus]) for corpus in corpora if len(corpora) > 1},
    }


def unseen(pooled: Pooled, voices: Sequence[str]) -> dict[str, Any]:
    """Return the rates of `voices` and of all others."""
    chosen = np.isin(pooled.speaker, voices)
    return {"unseen": _rates(pooled[chosen]), "others": _rates(pooled[~chosen])}


def bins(pooled: Pooled, *, calibrated: bool) -> Reliability:
    """Return how often each confidence is right."""
    confidence = pooled.confidence if calibrated else pooled.raw_confidence
    return reliability(confidence, pooled.predicted == pooled.actual)


def leak_gap(known_voices: Pooled, new_voices: Pooled) -> dict[str, Any]:
    """Return how much more accurate RAVDESS looks where each actor is in training too (a random split).

    The interval draws actors, each with his clips of both protocols.
    """
    both = [pooled[pooled.corpus == "ravdess"] for pooled in (known_voices, new_voices)]
    actors = sorted(set(both[1].speaker))
    counted = [
        [confusion.count(one.actual[here], one.predicted[here]) for one in both for here in [one.speaker == actor]]
        for actor in actors
    ]
    matrices = np.array(counted)  # [actors, 2, emotions, emotions]
    known, new = confusion.accuracy(matrices.sum(axis=0))
    drawn = confusion.accuracy(bootstrap.resampled(matrices))
    low, high = bootstrap.interval(drawn[:, 0] - drawn[:, 1])
    gap = {"known_voices": rounded(known), "new_voices": rounded(new), "gap": rounded(known - new)}
    return gap | {"gap_ci": {"low": rounded(low), "high": rounded(high)}, "actors": len(actors)}


def rounded(score: float | NDArray[np.float64]) -> float:
    """Return a score with as many decimals as the files have."""
    return round(float(score), DECIMALS)


def _rates(pooled: Pooled) -> dict[str, Any]:
    matrices = confusion.by_clip(pooled.actual, pooled.predicted)
    over, drawn = bootstrap.resampled_clips(matrices, pooled.corpus.tolist(), pooled.speaker.tolist())
    matrix = confusion.count(pooled.actual, pooled.predicted)
    rates: dict[str, Any] = {}
    for name, score in {"accuracy": confusion.accuracy, "uar": confusion.uar}.items():
        low, high = bootstrap.interval(score(drawn))
        rates[name] = rounded(score(matrix))
        rates[f"{name}_ci"] = {"low": rounded(low), "high": rounded(high)}
    return rates | {"clips": len(pooled), "interval_over": over}


def _folds(pooled: Pooled) -> dict[str, Any]:
    matrices = confusion.count(pooled.actual, pooled.predicted, pooled.cell)
    folds: Mapping[str, Any] = {"accuracy": confusion.accuracy(matrices), "uar": confusion.uar(matrices)}
    return {
        name: {
            "each": [rounded(score) for score in values],
            "mean": rounded(values.mean()),
            **({"deviation": rounded(values.std(ddof=1))} if len(values) > 1 else {}),
        }
        for name, values in folds.items()
    }
