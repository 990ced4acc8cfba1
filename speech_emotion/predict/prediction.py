"""Answers: about a clip, and about a moment of a recording."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Prediction:
    """The emotion in a voice, or why none is named."""

    emotion: str | None  # None: `uncertain`, or nobody speaks
    confidence: float  # probability of the likeliest emotion; 0.0 where nobody speaks
    probabilities: Mapping[str, float]  # by emotion, calibrated; all 0.0 where nobody speaks
    reason: str | None  # why there is no answer at all: `silence`, `no speech`, `too short`
    duration_s: float  # of what was asked about, as it came
    embedding: NDArray[np.float32] | None = field(default=None, compare=False, repr=False)  # [D]; None without speech

    @property
    def speech(self) -> bool:
        """Whether somebody speaks long enough for an answer."""
        return self.reason is None

    @property
    def uncertain(self) -> bool:
        """Whether somebody speaks, and no emotion is likely enough to be named."""
        return self.reason is None and self.emotion is None


@dataclass(frozen=True)
class Moment:
    """A stretch of a recording, and the answer about the window around it."""

    start_s: float
    end_s: float
    prediction: Prediction
