"""What a picture shows of a sound: its extent and its spectrum, taken while it is read."""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from speech_emotion.predict.reading import Recording, Samples

STRETCHES = 2000
FFT_S = 0.032
FINEST_S = 0.008
HIGHEST_HZ = 8000
RANGE_DB = 70


class Sketch:
    """Extent and spectrum of about `stretches` stretches of a recording; of a short one as many as have 8 ms each."""

    def __init__(self, recording: Recording, stretches: int = STRETCHES) -> None:
        self._fft = round(FFT_S * recording.sample_rate)
        stretch_s = recording.duration_s / stretches
        if stretch_s < FFT_S:  # spectra overlap, one a stretch
            self._samples = self._hop = max(1, round(max(stretch_s, FINEST_S) * recording.sample_rate))
        else:
            self._samples, self._hop = self._fft * round(stretch_s / FFT_S), self._fft
        self._overlap = self._fft - self._hop
        self._bins = min(self._fft // 2 + 1, 1 + round(HIGHEST_HZ * FFT_S))
        self._left = np.zeros(0, np.float32)
        self._extents: list[NDArray[np.float32]] = []  # [stretches, 2], least and greatest sample
        self._powers: list[NDArray[np.float32]] = []  # [stretches, bins]
        self.stretch_s = self._samples / recording.sample_rate
        self.highest_hz = (self._bins - 1) / FFT_S

    def watch(self, blocks: Iterator[Samples]) -> Iterator[Samples]:
        """Yield `blocks` and keep what the picture needs."""
        for block in blocks:
            self._add(np.concatenate([self._left, block.mean(axis=1)]))
            yield block
        if len(self._left):
            self._add(np.pad(self._left, (0, -len(self._left) % self._samples + self._overlap)))

    def extents(self) -> NDArray[np.float32]:
        """Return the least and the greatest sample of each stretch, `[2, stretches]`."""
        return np.concatenate(self._extents).T

    def decibels(self) -> NDArray[np.float32]:
        """Return the power spectrogram in dB below its maximum, `[bins, stretches]`, from 0 Hz to `highest_hz`."""
        power = np.concatenate(self._powers).T
        return np.asarray(10 * np.log10(np.maximum(power / max(power.max(), 1e-20), 10 ** (-RANGE_DB / 10))))

    def _add(self, waveform: NDArray[np.float32]) -> None:
        count = max(0, len(waveform) - self._overlap) // self._samples
        stretches = waveform[: count * self._samples].reshape(count, self._samples)
        self._left = waveform[count * self._samples :]
        if count:
            self._extents.append(np.stack([stretches.min(axis=1), stretches.max(axis=1)], axis=1))
            watched = waveform[: count * self._samples + self._overlap]
            frames = np.lib.stride_tricks.sliding_window_view(watched, self._fft)[:: self._hop]
            spectra = np.fft.rfft(frames * np.hanning(self._fft).astype(np.float32))[:, : self._bins]
            power = (np.abs(spectra) ** 2).reshape(count, -1, self._bins).mean(axis=1)
            self._powers.append(power.astype(np.float32))
