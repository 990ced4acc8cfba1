"""Speaker adaptation of known clips: each moved by other clips of its voice, all of them or a few.

How embeddings move, see `speech_emotion.adaptation`.
"""

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from speech_emotion.adaptation import PRIOR_CLIPS, Embeddings, Moments, Reference, by_speaker, move, reference, shrunk

__all__ = ["ENROLLED", "PRIOR_CLIPS", "Reference", "adapted", "by_speaker", "enrolled", "reference"]

ENROLLED = (1, 2, 5, 10, 20)  # clips of the voice
DRAWS = 10
SEED = 42


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
            scale, shift = move(*shrunk(*_others(voice, clips), known, min(clips, len(rows) - 1)), known)
            moved[order] = voice * scale + shift
        yield moved


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
