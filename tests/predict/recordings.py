"""Recordings of every kind, made of a tone."""

from pathlib import Path
from typing import Any

import numpy as np
import soundfile
from numpy.typing import NDArray

from tests.sounds import sine

DURATION_S = 2.0
# Suffix, libsndfile's format and subtype, and what a coder may add to an amplitude.
FORMATS = [
    (".wav", "WAV", "PCM_16", 1e-4), (".wav", "WAV", "PCM_U8", 1e-2), (".wav", "WAV", "PCM_24", 1e-6),
    (".wav", "WAV", "PCM_32", 1e-6), (".wav", "WAV", "FLOAT", 1e-7), (".wav", "WAV", "DOUBLE", 1e-7),
    (".wav", "WAV", "ULAW", 0.03), (".wav", "WAV", "ALAW", 0.03), (".wav", "WAV", "MS_ADPCM", 0.05),
    (".wav", "WAVEX", "PCM_24", 1e-6), (".wav", "RF64", "PCM_16", 1e-4), (".w64", "W64", "PCM_16", 1e-4),
    (".flac", "FLAC", "PCM_16", 1e-4), (".flac", "FLAC", "PCM_24", 1e-6), (".aiff", "AIFF", "PCM_16", 1e-4),
    (".au", "AU", "PCM_16", 1e-4), (".caf", "CAF", "PCM_16", 1e-4), (".mp3", "MP3", "MPEG_LAYER_III", 0.1),
    (".ogg", "OGG", "VORBIS", 0.1), (".opus", "OGG", "OPUS", 0.1),
]  # fmt: skip


def tone(*, rate: int = 16_000, channels: int = 1, duration_s: float = DURATION_S) -> NDArray[np.float32]:
    """A tone `[frames, channels]`, twice as loud in each channel as in the next one."""
    waveform = sine(220, duration_s=duration_s, sample_rate=rate)
    return np.stack([waveform / 2**channel for channel in range(channels)], axis=1)


def write(path: Path, *, rate: int = 16_000, channels: int = 1, duration_s: float = DURATION_S, **form: Any) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    soundfile.write(path, tone(rate=rate, channels=channels, duration_s=duration_s), rate, **form)
    return path


def write_through_pyav(path: Path, codec: str, *, rate: int = 48_000) -> Path:
    """A tone in two channels, in the format that the name of `path` asks for."""
    import av

    with av.open(path, "w") as container:
        stream = container.add_stream(codec, rate=rate, layout="stereo")
        stream.bit_rate = 128_000
        frame = av.AudioFrame.from_ndarray(tone(rate=rate, channels=2).T.copy(), format="fltp", layout="stereo")
        frame.sample_rate, frame.pts = rate, 0
        for coded in av.AudioResampler(stream.format, "stereo", rate, stream.frame_size or 1024).resample(frame):
            container.mux(stream.encode(coded))
        container.mux(stream.encode(None))
    return path
