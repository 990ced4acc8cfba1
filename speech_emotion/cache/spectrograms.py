"""A folder of clips to a folder of shards: in parallel, and only what is new."""

import hashlib
import json
import platform
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache, partial
from pathlib import Path
from typing import Any

import numpy as np

from speech_emotion.audio import decode
from speech_emotion.cache import workers
from speech_emotion.cache.content_key import algorithm, code_of, content_key
from speech_emotion.core.errors import PipelineError
from speech_emotion.core.files import replacing
from speech_emotion.core.progress import progress
from speech_emotion.corpora.catalogue import read_clips
from speech_emotion.encoders import protocol
from speech_emotion.encoders.protocol import Mel
from speech_emotion.shards import SUFFIX, Shard, shard_writer

SILENCE = 2**-14  # peak to peak: the last bit of 16, up and down


@dataclass(frozen=True)
class Counts:
    """How many clips came from the last commit, were computed, and are no longer there."""

    reused: int
    computed: int
    dropped: int

    def __str__(self) -> str:
        return f"{self.reused} reused, {self.computed} computed, {self.dropped} dropped"


def clip_mel(path: Path, encoder: str, settings: Any, known: frozenset[str] = frozenset()) -> tuple[str, Mel | None]:
    """Return the content key of the clip at `path`, and its log-mel `[n_mels, frames]` unless the key is `known`.

    Raises:
        PipelineError: the clip cannot be decoded, or the log-mel says nothing of it.
    """
    samples, sample_rate = decode(path)
    key = content_key(samples, sample_rate, encoder, settings)
    if key in known:
        return key, None
    mel = protocol.frontend(encoder).log_mel(samples, sample_rate, settings)
    if np.ptp(samples) > SILENCE and not 0 < np.ptp(mel) < np.inf:
        raise PipelineError(
            f"{path}: is not silent, but its spectrogram is {mel.flat[0]} throughout, made with {settings}; "
            f"change floor or ceiling in params {encoder}.spectrograms"
        )
    return key, mel


@lru_cache(maxsize=4)
def versions(encoder: str, settings: Any) -> dict[str, str]:
    """Return what `clip_mel` gives equal bytes with, by name: a digest of its code without comments, and versions."""
    code, libraries, _ = json.loads(algorithm(encoder, settings))
    code += [code_of(one) for one in (clip_mel, content_key, workers)]
    digest = hashlib.sha256(json.dumps(code).encode()).hexdigest()[:12]
    python = ".".join(platform.python_version_tuple()[:2])
    return {"speech-emotion's code": digest, "python": python, **libraries}


def cache_spectrograms(
    encoder: str,
    corpus: str,
    raw: Path,
    target: Path,
    settings: Any,
    *,
    committed: Sequence[Shard],
    jobs: int = -1,
) -> Counts:
    """Write the log-mels of all clips of `corpus` below `raw` to `target`, a shard a speaker; reuse `committed` ones.

    Args:
        encoder: whose front end computes.
        corpus: name of the corpus, the first part of each clip id.
        raw: folder of audio files, as `fetch` lays it out.
        target: folder of shards; replaced as a whole, written speaker by speaker and clip by clip.
        settings: `FrontendSettings` of the encoder.
        committed: shards of the last commit; a clip whose content key is in them is not computed.
        jobs: worker processes, -1 for one a core; a Dask cluster that DASK_SCHEDULER_ADDRESS names takes their place.

    Raises:
        PipelineError: there are no clips, one has a foreign name or a name twice, one cannot be decoded, a worker was
            killed, or a worker of the cluster has another version.
    """
    speakers = _by_speaker(corpus, raw)
    clips = [clip for clips in speakers.values() for clip in clips]
    before = {clip: key for shard in committed for clip, key in shard.keys.items()}
    # A clip may be what it was or, renamed, one that is no longer there. All keys would be too much to send with each.
    dropped = before.keys() - {clip for clip, _ in clips}
    gone = frozenset(before[clip] for clip in dropped)
    places = {key: (shard.mels, clip) for shard in committed for clip, key in shard.keys.items()}

    def stored(key: str) -> Mel:
        mels, clip = places[key]
        return mels[clip]

    work = ((path, encoder, settings, frozenset({before[clip]}) if clip in before else gone) for clip, path in clips)
    computed = 0
    with (
        replacing(target) as temporary,
        progress(f"spectrograms@{encoder}-{corpus}", len(clips), "clips") as advance,
        workers.results(clip_mel, work, partial(versions, encoder, settings), raw, jobs=jobs) as mels,
    ):
        for speaker, names in speakers.items():
            shard = temporary / f"{speaker.partition('/')[2]}{SUFFIX}"
            with shard_writer(shard, encoder, settings) as add:
                for (clip, _), (key, mel) in zip(names, mels, strict=False):  # of which more follow
                    computed += mel is not None
                    add(clip, key, stored(key) if mel is None else mel)
                    advance(1)
    return Counts(len(clips) - computed, computed, len(dropped))


def _by_speaker(corpus: str, raw: Path) -> dict[str, list[tuple[str, Path]]]:
    """Return the clips of each speaker, and their files, in the order that a shard has them."""
    speakers: dict[str, list[tuple[str, Path]]] = defaultdict(list)
    for path, clip in read_clips(corpus, raw).items():
        speakers[clip.speaker].append((clip.clip, path))
    return {speaker: sorted(clips) for speaker, clips in speakers.items()}
