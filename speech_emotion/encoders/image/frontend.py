"""Log-mel spectrogram as a picture: uint8 over a fixed range of dB, on mel bins from low to high."""

import numpy as np
from numpy.typing import NDArray

from speech_emotion import mel as mels
from speech_emotion.audio import to_mono, trim_silence
from speech_emotion.encoders.image.settings import FrontendSettings

AMIN = 1e-12  # power below which a bin counts as silent: -120 dB
LIBRARIES = ("librosa", "numpy", "scipy", "soundfile", "soxr")

Mel = NDArray[np.uint8]


def log_mel(samples: NDArray[np.float32], sample_rate: int, settings: FrontendSettings) -> Mel:
    """Return what the cache keeps of decoded `samples` `[frames, channels]` at `sample_rate` Hz: `[n_mels, frames]`."""
    waveform = to_mono(samples, sample_rate, settings.sample_rate_hz)
    trimmed = trim_silence(waveform, settings.sample_rate_hz, trim_db=settings.trim_db)
    return quantise(mel_db(trimmed, settings), settings)


def mel_db(waveform: NDArray[np.float32], settings: FrontendSettings) -> NDArray[np.float64]:
    """Return the log-mel spectrogram in dB, `[n_mels, frames]`, one frame each `hop_samples`, centred.

    Equals `librosa.power_to_db(librosa.feature.melspectrogram(...), ref=1.0, top_db=None)`, as one real FFT over all
    frames.
    """
    padded = np.pad(waveform.astype(np.float64), settings.n_fft // 2)
    power = mels.power_frames(padded, settings.n_fft, settings.hop_samples)
    filters = mels.filterbank(
        settings.sample_rate_hz, settings.n_fft, settings.n_mels, settings.fmin_hz, settings.fmax_hz
    )
    mel_power = filters @ power.T
    decibels: NDArray[np.float64] = 10 * np.log10(np.maximum(mel_power, AMIN))
    return decibels


def quantise(decibels: NDArray[np.float64], settings: FrontendSettings) -> Mel:
    """Map dB to uint8 levels, `floor_db` to 0 and `ceiling_db` to 255; what lies outside is clipped."""
    levels = np.rint((decibels - settings.floor_db) / settings.step_db)
    return np.clip(levels, 0, settings.LEVELS).astype(np.uint8)


def decibels(mel: NDArray[np.number], settings: FrontendSettings) -> NDArray[np.float64]:
    """Return levels, also means of levels, as dB, within `step_db / 2` of what was quantised."""
    return np.asarray(settings.floor_db + mel * settings.step_db, np.float64)


def centres_hz(settings: FrontendSettings) -> NDArray[np.float64]:
    """Return the frequency at the middle of each mel bin, `[n_mels]`."""
    return mels.centres_hz(settings.n_mels, settings.fmin_hz, settings.fmax_hz)
