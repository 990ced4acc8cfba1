"""Tracks of their own: scores that use more than one model and one clip."""

from collections.abc import Iterable, Mapping

import numpy as np
from numpy.typing import NDArray
from scipy.special import log_softmax

from speech_emotion.corpora.catalogue import parse_clip
from speech_emotion.encoders.image.frontend import Mel
from speech_emotion.encoders.image.settings import FrontendSettings


def adapted(clips: Iterable[str], mels: Mapping[str, Mel], known: Iterable[str], *, by_mel: bool) -> dict[str, Mel]:
    """Return the log-mels of `clips`, each speaker's brought to the mean level of the `known` speakers of the corpus.

    What is used of a speaker is all of his `clips`, without their emotions: what enrolment can do.

    Args:
        clips: `corpus/name`, those that are asked about.
        mels: uint8 `[n_mels, frames]` by clip.
        known: clips that were trained on.
        by_mel: shift each of a speaker's mel bins for itself, not all by the same.
    """
    clips = list(clips)
    own, reference = _means(clips, mels), _means(known, mels)
    targets = {
        corpus: np.mean([mean for (one, _), mean in reference.items() if one == corpus], axis=0) for corpus, _ in own
    }
    shifted = {}
    for clip in clips:
        corpus, speaker = _voice(clip)
        shift = targets[corpus] - own[corpus, speaker]  # [n_mels]
        if not by_mel:
            shift = np.full_like(shift, shift.mean())
        moved = np.rint(mels[clip] + shift[:, None]).clip(0, FrontendSettings.LEVELS)
        shifted[clip] = np.where(mels[clip] > 0, moved, 0).astype(np.uint8)
    return shifted


def averaged(*logits: NDArray[np.floating]) -> NDArray[np.float32]:
    """Return the mean of the log probabilities of several networks, `[clips, emotions]` each."""
    return np.asarray(np.mean([log_softmax(one, axis=1) for one in logits], axis=0), np.float32)


def _means(clips: Iterable[str], mels: Mapping[str, Mel]) -> dict[tuple[str, str], NDArray[np.float64]]:
    """Return the mean level of each mel bin over all frames, `[n_mels]`, by corpus and speaker."""
    by_voice: dict[tuple[str, str], list[str]] = {}
    for clip in clips:
        by_voice.setdefault(_voice(clip), []).append(clip)
    return {voice: np.concatenate([mels[clip] for clip in of], 1).mean(1) for voice, of in by_voice.items()}


def _voice(clip: str) -> tuple[str, str]:
    named = parse_clip(*clip.split("/"))
    return named.corpus, named.speaker
