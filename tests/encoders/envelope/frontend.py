"""Loudness envelope: one row, float32 dB."""

from typing import Any

import numpy as np
from numpy.typing import NDArray
from speech_emotion.encoders.envelope.settings import FrontendSettings

from speech_emotion.audio import to_mono

LIBRARIES = ("numpy", "soundfile", "soxr")


def log_mel(samples: NDArray[np.float32], sample_rate: int, settings: FrontendSettings) -> NDArray[np.float32]:
    """Return `[1, frames]`."""
    waveform = to_mono(samples, sample_rate, settings.sample_rate_hz)
    hop = settings.sample_rate_hz // settings.frames_per_s
    frames = waveform[: len(waveform) // hop * hop].reshape(-1, hop)
    power = np.square(frames, dtype=np.float64).mean(axis=1)
    return np.asarray(10 * np.log10(np.maximum(power, 1e-12)), np.float32)[None]


def decibels(mel: NDArray[Any], settings: FrontendSettings) -> NDArray[np.float64]:
    """Return it as it is."""
    return np.asarray(mel, np.float64)


def centres_hz(settings: FrontendSettings) -> NDArray[np.float64]:
    """Return the middle of all there is."""
    return np.array([settings.sample_rate_hz / 4])
