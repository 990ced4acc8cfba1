"""How far a score would move with other clips or other speakers: the percentile bootstrap.

Efron & Tibshirani 1993, chapter 13. A speaker's clips succeed and fail together, so whole speakers are drawn where
there are enough of them (a cluster bootstrap); from fewer, the interval would be made of a handful of distinct draws.
"""

from collections.abc import Iterator, Sequence
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

ENOUGH_SPEAKERS = 8
RESAMPLES = 4000
MOST_DRAWN = 1 << 24  # numbers at once: 128 MB, of which half are kept
SEED = 42


def resampling_units(speakers: Sequence[str]) -> tuple[str, NDArray[np.int64]]:
    """Say what is drawn, `speakers` or `clips`, and which unit each clip belongs to, int `[clips]`."""
    names, unit = np.unique(np.asarray(speakers, dtype=str), return_inverse=True)
    if len(names) >= ENOUGH_SPEAKERS:
        return "speakers", unit
    return "clips", np.arange(len(speakers))


def resampled(matrices: NDArray[np.float64], *, resamples: int = RESAMPLES, seed: int = SEED) -> NDArray[np.float64]:
    """Draw as many units as there are, with replacement, and add up their confusion matrices, `resamples` times.

    Args:
        matrices: of each unit, `[units, ..., emotions, emotions]`; what stands between is drawn together, such as the
            answers of two models.
        resamples: how many draws.
        seed: of the random generator.

    Returns:
        `[resamples, ..., emotions, emotions]`.
    """
    flat = matrices.reshape(len(matrices), -1)
    draws = _kept_draws if len(matrices) * resamples <= MOST_DRAWN else _draws
    summed = [drawn.astype(np.float64) @ flat for drawn in draws(len(matrices), resamples, seed)]
    return np.concatenate(summed).reshape(resamples, *matrices.shape[1:])


def _draws(units: int, resamples: int, seed: int) -> Iterator[NDArray[np.uint32]]:
    """Yield how often each unit is drawn, `[resamples, units]`, in pieces; they are the same, however many."""
    generator, equal = np.random.default_rng(seed), np.full(units, 1 / units)
    at_once = max(1, MOST_DRAWN // units)
    for first in range(0, resamples, at_once):
        drawn = generator.multinomial(units, equal, size=min(at_once, resamples - first))
        yield drawn.astype(np.uint32)


@lru_cache(maxsize=4)  # a page of scores asks for the same draws a hundred times
def _kept_draws(units: int, resamples: int, seed: int) -> list[NDArray[np.uint32]]:
    return list(_draws(units, resamples, seed))


def resampled_clips(
    clips: NDArray[np.float64], corpora: Sequence[str], speakers: Sequence[str]
) -> tuple[dict[str, str], NDArray[np.float64]]:
    """Draw clips, each corpus by itself: over its speakers where they are enough, else over its clips.

    TESS's two voices among RAVDESS's 24, with 23 times as many clips each, would make the interval one of how often
    they are drawn.

    Args:
        clips: confusion matrix of each clip, `[clips, ..., emotions, emotions]`.
        corpora: corpus of each clip.
        speakers: speaker of each clip.

    Returns:
        What is drawn of each corpus (`speakers` or `clips`), and the sums, `[resamples, ..., emotions, emotions]`.
    """
    names, of_speaker = np.asarray(corpora, dtype=str), np.asarray(speakers, dtype=str)
    over: dict[str, str] = {}
    drawn = []
    for place, corpus in enumerate(np.unique(names).tolist()):
        here = names == corpus
        over[corpus], units = resampling_units(of_speaker[here].tolist())
        matrices = np.zeros((units.max() + 1, *clips.shape[1:]))
        np.add.at(matrices, units, clips[here])
        drawn.append(resampled(matrices, seed=SEED + place))
    return over, np.sum(drawn, axis=0)


def interval(scores: NDArray[np.float64]) -> tuple[float, float]:
    """Return the middle 95 % of `scores`, `[resamples]`, without the NaN of draws that cannot be scored."""
    low, high = np.nanpercentile(scores, [2.5, 97.5])
    return float(low), float(high)
