"""Whisper's log-mel spectrogram, cut to the clip: float16, on mel bins from low to high.

Source: Radford et al. 2022, arXiv:2212.04356, and `log_mel_spectrogram` of openai/whisper. Unlike there, nothing is
padded to 30 s, and a quiet clip's floor lies as far below its maximum as a loud one's: a change of level adds a
constant to all of a log-mel.
"""

import numpy as np
from numpy.typing import NDArray

from speech_emotion import mel as mels
from speech_emotion.audio import Waveform, to_mono, trim_silence
from speech_emotion.encoders.speech.settings import FrontendSettings

LIBRARIES = ("librosa", "numpy", "scipy", "soundfile", "soxr")

Mel = NDArray[np.float16]


def log_mel(samples: NDArray[np.float32], sample_rate: int, settings: FrontendSettings) -> Mel:
    """Return the log-mel of decoded `samples` `[frames, channels]` at `sample_rate` Hz: `[n_mels, frames]`."""
    waveform = to_mono(samples, sample_rate, settings.sample_rate_hz)
    trimmed = trim_silence(waveform, settings.sample_rate_hz, trim_db=settings.trim_db)
    decades = np.log10(np.maximum(mel_power(trimmed, settings), settings.AMIN))
    floored = np.maximum(decades, decades.max() - settings.floor_decades)
    return np.asarray((floored + settings.OFFSET) / settings.DECADES, np.float16)


def mel_power(waveform: Waveform, settings: FrontendSettings) -> NDArray[np.float64]:
    """Return the mel power spectrogram `[n_mels, frames]`, one frame each `hop_samples`, centred.

    Before the clip lies its mirror image, behind it silence, as when Whisper hears it.
    """
    before = settings.n_fft // 2
    padded = np.pad(np.pad(waveform.astype(np.float64), (0, settings.n_fft)), (before, 0), mode="reflect")
    count = 1 + len(waveform) // settings.hop_samples
    power = mels.power_frames(padded, settings.n_fft, settings.hop_samples)[:count]
    filters = mels.filterbank(
        settings.sample_rate_hz, settings.n_fft, settings.n_mels, 0.0, settings.sample_rate_hz / 2
    )
    return np.asarray(filters @ power.T)


def decibels(mel: NDArray[np.number], settings: FrontendSettings) -> NDArray[np.float64]:
    """Return stored values, also means of them, as dB; 0 dB is a power of 1.0 in one mel bin."""
    return np.asarray(10 * (settings.DECADES * mel.astype(np.float64) - settings.OFFSET))


def centres_hz(settings: FrontendSettings) -> NDArray[np.float64]:
    """Return the frequency at the middle of each mel bin, `[n_mels]`."""
    return mels.centres_hz(settings.n_mels, 0.0, settings.sample_rate_hz / 2)
