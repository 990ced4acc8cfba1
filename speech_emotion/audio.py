"""Audio file to mono waveform: decode, mix down, resample, trim."""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from speech_emotion.core.errors import PipelineError

TRIM_FRAME_S = 0.064
TRIM_HOP_S = 0.016
# What a header announces is allocated. A clip is seconds; MOST is half a gigabyte, ten minutes of stereo at 96 kHz.
RATES_HZ, LONGEST_S, MOST = (1_000, 768_000), 600, 1 << 27
WAY_OUT = "take an intact copy of it, as WAV or FLAC; if it is a corpus's, fetch that again"

Waveform = NDArray[np.float32]


def decode(path: Path) -> tuple[NDArray[np.float32], int]:
    """Return the samples of `path` as float32 `[frames, channels]` in [-1, 1], and the sample rate in Hz.

    Raises:
        PipelineError: libsndfile cannot decode the file, or its header announces what no clip has,
            or it holds no samples, or NaN, or infinity.
    """
    import soundfile  # here, because training imports this module and reads no audio

    try:
        with soundfile.SoundFile(path) as file:
            rate, shape = file.samplerate, (file.frames, file.channels)
            if not (RATES_HZ[0] <= rate <= RATES_HZ[1] and file.frames <= LONGEST_S * rate and np.prod(shape) <= MOST):
                raise PipelineError(f"{path}: announces {shape[0]} x {shape[1]} samples at {rate} Hz; {WAY_OUT}")
            samples = file.read(dtype="float32", always_2d=True)
    except (OSError, soundfile.LibsndfileError) as error:
        raise PipelineError(f"{path}: cannot be decoded ({error}); {WAY_OUT}") from error
    if not len(samples):
        raise PipelineError(f"{path}: holds no samples; {WAY_OUT}")
    if not np.isfinite(samples).all():
        raise PipelineError(f"{path}: holds samples that are not finite; {WAY_OUT}")
    return samples, rate


def to_mono(samples: NDArray[np.float32], sample_rate: int, target_rate: int) -> Waveform:
    """Mix `[frames, channels]` down to `[samples]` and resample it to `target_rate` Hz (soxr, high quality)."""
    import soxr

    waveform: Waveform = soxr.resample(samples.mean(axis=1), sample_rate, target_rate)
    return waveform


def trim_silence(waveform: Waveform, sample_rate: int, *, trim_db: float) -> Waveform:
    """Cut both ends where the frame's RMS is more than `trim_db` dB below the loudest frame's; silence stays whole.

    Equals `librosa.effects.trim`, without the seconds that each process needs to import it.
    """
    frame, hop = round(TRIM_FRAME_S * sample_rate), round(TRIM_HOP_S * sample_rate)
    energy = np.cumsum(np.pad(np.square(waveform, dtype=np.float64), (frame // 2 + 1, frame // 2)))
    frame_energy = energy[frame::hop] - energy[:-frame:hop]
    (loud,) = np.nonzero(frame_energy >= frame_energy.max() * 10 ** (-trim_db / 10))
    return waveform[loud[0] * hop : (loud[-1] + 1) * hop]
