"""Whether a confidence of 80 % is right 80 times in 100."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

BINS = 15


@dataclass(frozen=True)
class Reliability:
    """What a reliability diagram shows: 15 equal-width bins of confidence, the empty ones NaN.

    Attributes:
        edges: of the bins, `[bins + 1]`, from 0 to 1.
        clips: in each bin, `[bins]`.
        confidence: mean of each bin, `[bins]`.
        accuracy: of each bin, `[bins]`.
    """

    edges: NDArray[np.float64]
    clips: NDArray[np.int64]
    confidence: NDArray[np.float64]
    accuracy: NDArray[np.float64]

    @property
    def ece(self) -> float:
        """Expected calibration error: the mean gap of confidence and accuracy over clips (Guo et al. 2017, eq. 5)."""
        gaps = np.abs(self.confidence - self.accuracy)
        return float(np.nansum(gaps * self.clips) / self.clips.sum())


def reliability(confidence: NDArray[np.float64], right: NDArray[np.bool_]) -> Reliability:
    """Sort clips into bins by the confidence of their top emotion, each bin open below and closed above.

    Args:
        confidence: probability of the emotion that was named, `[clips]`.
        right: whether it was the actual one, `[clips]`.
    """
    edges = np.linspace(0.0, 1.0, BINS + 1)
    bins = np.clip(np.searchsorted(edges, confidence, side="left") - 1, 0, BINS - 1)
    clips = np.bincount(bins, minlength=BINS)
    with np.errstate(invalid="ignore"):
        return Reliability(
            edges=edges,
            clips=clips,
            confidence=np.bincount(bins, weights=confidence, minlength=BINS) / clips,
            accuracy=np.bincount(bins, weights=right, minlength=BINS) / clips,
        )
