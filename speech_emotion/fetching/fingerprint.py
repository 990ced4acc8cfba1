"""Fingerprints of sound: how loud four bands are, every 40 ms, against the clip's loudest.

A copy at another sample rate or level, from MP3 or with a delay, keeps it; another clip has another one:
`python -m tests.fingerprints` measures both on all clips of the real corpora.
"""

import numpy as np
import soxr
from numpy.typing import NDArray

RATE_HZ = 8000
EDGES_HZ = (60, 500, 1000, 2000, 4000)
STEP = RATE_HZ // 25  # samples from one row of levels to the next, and in the window of each
LEVEL_DB = 2.5
LOWEST = 15  # levels below the loudest: one hexadecimal digit
QUIET = 6  # levels up to it an encoder leaves out where nobody would hear them: in soft clips, at low bit rates
# What a copy may have more of: an MP3 encoder's delay and last frame.
LONGER_S = 0.15
OFFSET = RATE_HZ // 200  # samples between the delays that are tried
EARLIER = 2  # of them before the clip's own beginning
TOLERANCE_DB = 1.6  # of all clips, copies are at most 1.4 dB away, others at least 1.8
FORM = f"([0-9a-f]{{{len(EDGES_HZ) - 1}}})+"

Levels = NDArray[np.float32]


def fingerprint(samples: NDArray[np.float32], sample_rate: int) -> str:
    """Return the levels of `samples` `[frames, channels]`, rounded, as a hexadecimal digit each."""
    levels = _levels(_powers(_narrow(samples, sample_rate), STEP))
    return "".join(f"{round(level):x}" for level in levels.ravel())


def delayed_powers(samples: NDArray[np.float32], sample_rate: int) -> Levels:
    """Return the powers `[windows, bands]` of `samples` `[frames, channels]` at every delay, for `apart_db`."""
    waveform = _narrow(samples, sample_rate)
    return _powers(np.pad(waveform, (EARLIER * OFFSET, round(LONGER_S * RATE_HZ) + STEP)), OFFSET)


def apart_db(expected: str, powers: Levels) -> float:
    """Return how far `delayed_powers` are from a fingerprint at the delay that fits best.

    It is the mean over windows and bands, each weighed by its squared level in the louder of both. What is softer
    than a `QUIET` level of the fingerprint has no weight, since encoders leave such bands out.
    """
    levels = np.array([int(digit, 16) for digit in expected], np.float32).reshape(-1, powers.shape[1])
    delays = np.arange(2 * EARLIER + round(LONGER_S * RATE_HZ) // OFFSET)
    windows = delays[:, None] + np.arange(len(levels)) * (STEP // OFFSET)
    found = _levels(powers[windows.clip(max=len(powers) - 1)])
    loud = levels > QUIET
    found = _shifted(found, levels, loud & (found > QUIET))
    weights = np.maximum(found, levels) ** 2 * (loud | (found > levels))
    # Of a loud band, too, an encoder may leave nothing: that is as far away as the quiet levels are.
    differences = np.abs(np.where(loud, found.clip(QUIET), found) - levels)
    apart = (differences * weights).sum((1, 2)) / weights.sum((1, 2)).clip(1)
    return float(LEVEL_DB * apart.min())


def _shifted(found: Levels, levels: Levels, loud: NDArray[np.bool_]) -> Levels:
    """Return `found` `[delays, windows, bands]` as loud on average as `levels`, by one level up or down at most.

    The loudest cell of a copy, which its levels are against, may have come out louder or softer than all others.
    """
    shift = ((levels - found) * loud).sum((1, 2)) / loud.sum((1, 2)).clip(1)
    shifted: Levels = np.where(found > 0, found + shift.clip(-1, 1)[:, None, None], 0).clip(0)
    return shifted


def _narrow(samples: NDArray[np.float32], sample_rate: int) -> NDArray[np.float32]:
    waveform: NDArray[np.float32] = soxr.resample(samples.mean(axis=1, dtype=np.float32), sample_rate, RATE_HZ)
    return np.pad(waveform, (0, max(0, STEP - len(waveform))))


def _powers(waveform: NDArray[np.float32], hop: int) -> Levels:
    """Return the power of each band `[windows, bands]`."""
    windows = np.lib.stride_tricks.sliding_window_view(waveform, STEP)[::hop] * np.hanning(STEP).astype(np.float32)
    edges = np.searchsorted(np.fft.rfftfreq(STEP, 1 / RATE_HZ), EDGES_HZ)
    spectrum = np.abs(np.fft.rfft(windows)) ** 2
    return np.add.reduceat(spectrum[:, : edges[-1]], edges[:-1], axis=1).astype(np.float32)


def _levels(powers: Levels) -> Levels:
    """Return levels of `LEVEL_DB` over the lowest, the loudest of each `[..., windows, bands]` at `LOWEST`."""
    loudest = powers.max((-2, -1), keepdims=True).clip(1e-20)
    levels: Levels = 10 / LEVEL_DB * np.log10((powers / loudest).clip(1e-9)) + LOWEST
    return levels.clip(0)
