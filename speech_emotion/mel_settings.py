"""What a cached log-mel is, for those who make it and those who read it."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

LEVELS = 255

Mel = NDArray[np.uint8]


@dataclass(frozen=True)
class MelSettings:
    """Section `spectrograms` of params.yaml; 0 dB is a power of 1.0 in one mel bin."""

    sample_rate_hz: int
    trim_db: float
    n_fft: int
    hop_samples: int
    n_mels: int
    fmin_hz: float
    fmax_hz: float
    floor_db: float
    ceiling_db: float

    @property
    def step_db(self) -> float:
        """Width of one uint8 level; the quantisation error is at most half of it."""
        return (self.ceiling_db - self.floor_db) / LEVELS

    @property
    def frames_per_s(self) -> float:
        """Frames in one second of audio."""
        return self.sample_rate_hz / self.hop_samples
