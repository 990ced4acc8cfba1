"""Waveforms with known answers, and the project's own settings."""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from speech_emotion.core.params import read_settings
from speech_emotion.encoders.image.settings import FrontendSettings

ROOT = Path(__file__).parent.parent
SETTINGS = read_settings(ROOT / "params.yaml", "image.spectrograms", FrontendSettings)
RATE = SETTINGS.sample_rate_hz


def sine(
    pitch_hz: float, *, duration_s: float = 1.0, sample_rate: int = RATE, peak: float = 0.5
) -> NDArray[np.float32]:
    times_s = np.arange(round(duration_s * sample_rate)) / sample_rate
    return (peak * np.sin(2 * np.pi * pitch_hz * times_s)).astype(np.float32)


def noise(*, duration_s: float = 1.0, deviation: float = 0.1) -> NDArray[np.float32]:
    return np.random.default_rng(0).normal(0, deviation, round(duration_s * RATE)).astype(np.float32)
