"""Statistics that bring a voice's embeddings to those of the training speakers; numpy alone.

A speaker's mean and deviation are taken off each dimension of his embeddings, and those of the training speakers put
in their place. It takes other clips of the voice, not their emotions: what enrolment can do.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Embeddings = NDArray[np.floating]  # [clips, D]
Moments = tuple[NDArray[np.float64], NDArray[np.float64]]  # mean and variance

# The training speakers count as this many more clips of the voice: one clip's deviation says nothing, its mean little.
PRIOR_CLIPS = 2.0
SMALLEST_VARIANCE = 1e-12


@dataclass(frozen=True)
class Reference:
    """Mean and variance of an embedding within a training speaker, `[D]` each, averaged over the speakers."""

    mean: NDArray[np.float64]
    variance: NDArray[np.float64]


def reference(embeddings: Embeddings, speakers: Sequence[str]) -> Reference:
    """Return the statistics of the training clips; each of their `speakers` counts the same."""
    voices = [embeddings[rows].astype(np.float64) for rows in by_speaker(speakers).values()]
    means, variances = ([getattr(voice, name)(axis=0) for voice in voices] for name in ("mean", "var"))
    return Reference(np.mean(means, axis=0), np.mean(variances, axis=0))


def by_speaker(speakers: Sequence[str]) -> Mapping[str, NDArray[np.intp]]:
    """Return the rows of each speaker."""
    names = np.asarray(speakers, dtype=str)
    return {name: np.flatnonzero(names == name) for name in np.unique(names).tolist()}


def shrunk(mean: NDArray[np.float64], variance: NDArray[np.float64], known: Reference, clips: int) -> Moments:
    """Return a voice's moments, found in `clips` clips, drawn towards those of the training speakers."""
    weight = clips / (clips + PRIOR_CLIPS)
    return weight * mean + (1 - weight) * known.mean, weight * variance + (1 - weight) * known.variance


def move(mean: NDArray[np.float64], variance: NDArray[np.float64], known: Reference) -> Moments:
    """Return `scale` and `shift`: an embedding times `scale` plus `shift` is one of a training speaker's statistics."""
    scale = np.sqrt(known.variance / (variance + SMALLEST_VARIANCE))
    return scale, known.mean - mean * scale


def voice_move(embeddings: Embeddings, known: Reference) -> Moments:
    """Return `scale` and `shift`, `[D]` each, for a voice by the embeddings of some of its clips."""
    clips = embeddings.astype(np.float64)
    return move(*shrunk(clips.mean(axis=0), clips.var(axis=0), known, len(clips)), known)
