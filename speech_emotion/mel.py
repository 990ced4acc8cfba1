"""Short-time Fourier transform and mel filters: what the front ends share.

Float64 throughout and no BLAS, so that what is stored does not depend on the processor or on threads.
"""

from functools import lru_cache

import librosa
import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray
from scipy.sparse import csr_array

from speech_emotion.core.errors import PipelineError


def power_frames(padded: NDArray[np.float64], n_fft: int, hop_samples: int) -> NDArray[np.float64]:
    """Return the power spectra `[frames, 1 + n_fft / 2]` of all whole Hann windows in `padded` `[samples]`."""
    frames = sliding_window_view(padded, n_fft)[::hop_samples]
    spectrum = np.fft.rfft(frames * _hann_window(n_fft))
    return np.asarray(spectrum.real**2 + spectrum.imag**2)


@lru_cache(maxsize=4)
def filterbank(sample_rate_hz: int, n_fft: int, n_mels: int, fmin_hz: float, fmax_hz: float) -> csr_array:
    """Return librosa's Slaney mel filters, float64 `[n_mels, 1 + n_fft / 2]`; 98 % of it is zero, hence sparse.

    Raises:
        PipelineError: a filter is narrower than the bins of the spectrum: its row would never say anything.
    """
    filters = librosa.filters.mel(
        sr=sample_rate_hz, n_fft=n_fft, n_mels=n_mels, fmin=fmin_hz, fmax=fmax_hz, dtype=np.float64
    )
    if empty := int((~filters.any(axis=1)).sum()):
        raise PipelineError(
            f"{empty} of n_mels filters hold no bin of the spectrum: n_mels {n_mels}, n_fft {n_fft}, "
            f"{fmin_hz:g} to {fmax_hz:g} Hz at {sample_rate_hz} Hz; raise n_fft or lower n_mels"
        )
    return csr_array(filters)


def centres_hz(n_mels: int, fmin_hz: float, fmax_hz: float) -> NDArray[np.float64]:
    """Return the frequency at the middle of each mel bin, `[n_mels]`."""
    return np.asarray(librosa.mel_frequencies(n_mels + 2, fmin=fmin_hz, fmax=fmax_hz)[1:-1])


@lru_cache(maxsize=4)
def _hann_window(n_fft: int) -> NDArray[np.float64]:
    return np.asarray(librosa.filters.get_window("hann", n_fft, fftbins=True))
