"""Whisper's log-mel spectrogram, cut to the clip: float16, on mel bins from low to high.

Source: Radford et al. 2022, arXiv:2212.04356, and `log_mel_spectrogram` of openai/whisper. Unlike there, nothing is
padded to 30 s, and a quiet clip's floor lies as far below its maximum as a loud one's: a change of level adds a
constant to all of a log-mel.
"""

from functools import lru_cache

import librosa
import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray
from scipy.sparse import csr_array

from speech_emotion.audio import Waveform, to_mono, trim_silence
from speech_emotion.core.errors import PipelineError
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

    Before the clip lies its mirror image, behind it silence, as when Whisper hears it. Float64 throughout and no BLAS,
    so that what is stored does not depend on the processor or on threads.
    """
    before = settings.n_fft // 2
    padded = np.pad(np.pad(waveform.astype(np.float64), (0, settings.n_fft)), (before, 0), mode="reflect")
    count = 1 + len(waveform) // settings.hop_samples
    frames = sliding_window_view(padded, settings.n_fft)[:: settings.hop_samples][:count]
    spectrum = np.fft.rfft(frames * hann_window(settings))
    power = spectrum.real**2 + spectrum.imag**2
    return np.asarray(filterbank(settings) @ power.T)


def decibels(mel: NDArray[np.number], settings: FrontendSettings) -> NDArray[np.float64]:
    """Return stored values, also means of them, as dB; 0 dB is a power of 1.0 in one mel bin."""
    return np.asarray(10 * (settings.DECADES * mel.astype(np.float64) - settings.OFFSET))


def centres_hz(settings: FrontendSettings) -> NDArray[np.float64]:
    """Return the frequency at the middle of each mel bin, `[n_mels]`."""
    return np.asarray(librosa.mel_frequencies(settings.n_mels + 2, fmax=settings.sample_rate_hz / 2)[1:-1])


@lru_cache(maxsize=4)
def filterbank(settings: FrontendSettings) -> csr_array:
    """Return librosa's Slaney mel filters, float64 `[n_mels, 1 + n_fft / 2]`; most of it is zero, hence sparse.

    Raises:
        PipelineError: a filter is narrower than the bins of the spectrum: its row would never say anything.
    """
    filters = librosa.filters.mel(
        sr=settings.sample_rate_hz, n_fft=settings.n_fft, n_mels=settings.n_mels, dtype=np.float64
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
