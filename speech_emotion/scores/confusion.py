"""Confusion matrices, and the scores that follow from them alone.

A confusion matrix here is float64 `[..., emotions, emotions]`, row = actual, column = predicted, in the order of
`EMOTIONS`. Every score takes any leading axes, so that thousands of resamples cost one call. An emotion without an
actual clip (TESS has no calm) has no recall; means over emotions leave it out.
"""

import warnings

import numpy as np
from numpy.typing import NDArray

from speech_emotion.clips import EMOTIONS

Counts = NDArray[np.float64]
Scores = NDArray[np.float64]


def count(
    actual: NDArray[np.integer], predicted: NDArray[np.integer], units: NDArray[np.integer] | None = None
) -> Counts:
    """Count clips by actual and predicted emotion.

    Args:
        actual: index of each clip's emotion, `[clips]`.
        predicted: index of the emotion that the model named, `[clips]`.
        units: index of the unit (a speaker, a clip) that each clip belongs to, `[clips]`; each gets its own matrix.

    Returns:
        `[emotions, emotions]`, or `[units, emotions, emotions]`.
    """
    leading = () if units is None else (int(units.max()) + 1,)
    matrix = np.zeros((*leading, len(EMOTIONS), len(EMOTIONS)))
    np.add.at(matrix, (actual, predicted) if units is None else (units, actual, predicted), 1)
    return matrix


def by_clip(actual: NDArray[np.integer], predicted: NDArray[np.integer]) -> Counts:
    """Return each clip's own matrix, a single 1, `[clips, emotions, emotions]`."""
    return count(actual, predicted, np.arange(len(actual)))


def recall(matrix: Counts) -> Scores:
    """Return the part of each emotion's clips that was named right, `[..., emotions]`; NaN where it has no clip."""
    return _ratio(_hits(matrix), matrix.sum(axis=-1))


def accuracy(matrix: Counts) -> Scores:
    """Return the part of all clips that was named right, `[...]`."""
    return _ratio(_hits(matrix).sum(axis=-1), matrix.sum(axis=(-2, -1)))


def uar(matrix: Counts) -> Scores:
    """Return the unweighted average recall `[...]`: the mean recall of the emotions that have clips."""
    return _mean_over_emotions(recall(matrix))


def macro_f1(matrix: Counts) -> Scores:
    """Return the mean F1 `[...]` of the emotions that have clips."""
    actual = matrix.sum(axis=-1)
    f1 = _ratio(2 * _hits(matrix), actual + matrix.sum(axis=-2))
    return _mean_over_emotions(np.where(actual > 0, f1, np.nan))


def _hits(matrix: Counts) -> Counts:
    return np.diagonal(matrix, axis1=-2, axis2=-1)


def _ratio(part: Counts, whole: Counts) -> Scores:
    with np.errstate(invalid="ignore"):
        return np.asarray(part / whole)


def _mean_over_emotions(scores: Scores) -> Scores:
    with warnings.catch_warnings():
        # No clip of any emotion: the mean is NaN, which is the answer.
        warnings.filterwarnings("ignore", "Mean of empty slice", RuntimeWarning)
        return np.asarray(np.nanmean(scores, axis=-1))
