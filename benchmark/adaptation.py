"""Speaker adaptation: a voice's embeddings brought to the statistics of the training speakers.

A speaker's mean and deviation are taken off each dimension of his embeddings, and those of the training speakers put
in their place. It takes other clips of the voice, not their emotions: what enrolment can do.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Embeddings = NDArray[np.floating]  # [clips, D]
Moments = tuple[NDArray[np.float64], NDArray[np.float64]]  # mean and variance

ENROLLED = (1, 2, 5, 10, 20)  # clips of the voice
DRAWS = 10
# The training speakers count as this many more clips of the voice: one clip's deviation says nothing, its mean little.
PRIOR_CLIPS = 2.0
SEED = 42


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


def adapted(embeddings: Embeddings, speakers: Sequence[str], known: Reference) -> NDArray[np.float64]:
    """Return embeddings `[clips, D]` moved to `known` by all other clips of the voice, not by the clip itself."""
    return next(enrolled(embeddings, speakers, known, clips=len(speakers), draws=1))


def enrolled(
    embeddings: Embeddings, speakers: Sequence[str], known: Reference, *, clips: int, draws: int = DRAWS
) -> Iterator[NDArray[np.float64]]:
    """Yield `draws` times the embeddings `[clips, D]`, each moved by at most `clips` other clips of its voice.

    Which ones is drawn anew each time; a voice that has fewer gives all that it has.
    """
    rng = np.random.default_rng(SEED)
    for _ in range(draws):
        moved = np.empty(embeddings.shape)
        for rows in by_speaker(speakers).values():
            order = rng.permutation(rows)
            voice = embeddings[order].astype(np.float64)
            mean, variance = _shrunk(*_others(voice, clips), known, min(clips, len(rows) - 1))
            moved[order] = (voice - mean) * np.sqrt(known.variance / (variance + 1e-12)) + known.mean
        yield moved


def by_speaker(speakers: Sequence[str]) -> Mapping[str, NDArray[np.intp]]:
    """Return the rows of each speaker."""
    names = np.asarray(speakers, dtype=str)
    return {name: np.flatnonzero(names == name) for name in np.unique(names).tolist()}


def _others(voice: NDArray[np.float64], clips: int) -> Moments:
    """Return mean and variance `[rows, D]` of the first `clips` rows that are not the row itself."""
    clips = min(clips, len(voice) - 1)
    if not clips:
        return np.zeros_like(voice), np.zeros_like(voice)
    among = np.arange(len(voice)) <= clips  # the first clips + 1: without the row itself, the others
    sums = [
        np.where(among[:, None], power[: clips + 1].sum(axis=0) - power, power[:clips].sum(axis=0))
        for power in (voice, voice**2)
    ]
    mean, square = sums[0] / clips, sums[1] / clips
    return mean, np.maximum(square - mean**2, 0.0)


def _shrunk(mean: NDArray[np.float64], variance: NDArray[np.float64], known: Reference, clips: int) -> Moments:
    weight = clips / (clips + PRIOR_CLIPS)
    return weight * mean + (1 - weight) * known.mean, weight * variance + (1 - weight) * known.variance
