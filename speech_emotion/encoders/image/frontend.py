"""Log-mel spectrogram as a picture: uint8 over a fixed range of dB, on mel bins from low to high."""

from functools import lru_cache

import librosa
import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray
from scipy.sparse import csr_array

from speech_emotion.audio import to_mono, trim_silence
from speech_emotion.core.errors import PipelineError
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
    frames. Float64 throughout and no BLAS, so that the uint8 levels do not depend on the processor or on threads.
    """
    padded = np.pad(waveform.astype(np.float64), settings.n_fft // 2)
    frames = sliding_window_view(padded, settings.n_fft)[:: settings.hop_samples]
    spectrum = np.fft.rfft(frames * hann_window(settings))
    power = spectrum.real**2 + spectrum.imag**2
    mel_power = filterbank(settings) @ power.T
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
    return np.asarray(librosa.mel_frequencies(settings.n_mels + 2, fmin=settings.fmin_hz, fmax=settings.fmax_hz)[1:-1])


@lru_cache(maxsize=4)
def filterbank(settings: FrontendSettings) -> csr_array:
    """Return librosa's Slaney mel filters, float64 `[n_mels, 1 + n_fft / 2]`; 98 % of it is zero, hence sparse.

    Raises:
        PipelineError: a filter is narrower than the bins of the spectrum: its row would never say anything.
    """
    filters = librosa.filters.mel(
        sr=settings.sample_rate_hz,
        n_fft=settings.n_fft,
        n_mels=settings.n_mels,
        fmin=settings.fmin_hz,
        fmax=settings.fmax_hz,
        dtype=np.float64,
    )
    if empty := int((~filters.any(axis=1)).sum()):
        raise PipelineError(
            f"{empty} of n_mels filters hold no bin of the spectrum: {settings}; raise n_fft or lower n_mels"
        )
    return csr_array(filters)


@lru_cache(maxsize=4)
def hann_window(settings: FrontendSettings) -> NDArray[np.float64]:
    """Return the periodic Hann window `[n_fft]`."""
    return np.asarray(librosa.filters.get_window("hann", settings.n_fft, fftbins=True))
