"""A folder of clips to a folder of shards: in parallel, and only what is new."""

import os
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from joblib import Parallel, delayed

from speech_emotion.audio import decode
from speech_emotion.content_key import content_key
from speech_emotion.corpora import parse_clip
from speech_emotion.errors import PipelineError
from speech_emotion.files import replacing
from speech_emotion.mel import recording_mel
from speech_emotion.mel_settings import Mel, MelSettings
from speech_emotion.progress import progress
from speech_emotion.store import SUFFIX, Shard, write_shard

KEPT_BYTES = 64 * 2**20  # of freed memory, in each worker
AUDIO_SUFFIXES = (".flac", ".wav")


@dataclass(frozen=True)
class Counts:
    """How many clips came from the last commit, were computed, and are no longer there."""

    reused: int
    computed: int
    dropped: int

    def __str__(self) -> str:
        return f"{self.reused} reused, {self.computed} computed, {self.dropped} dropped"


def clip_mel(path: Path, settings: MelSettings, known: frozenset[str] = frozenset()) -> tuple[str, Mel | None]:
    """Return the content key of the clip at `path`, and its log-mel `[n_mels, frames]` unless the key is `known`."""
    samples, sample_rate = decode(path)
    key = content_key(samples, sample_rate, settings)
    if key in known:
        return key, None
    return key, recording_mel(samples, sample_rate, settings)


def cache_spectrograms(
    corpus: str, raw: Path, target: Path, settings: MelSettings, *, committed: Sequence[Shard], jobs: int = -1
) -> Counts:
    """Write the log-mels of all clips of `corpus` below `raw` to `target`, a shard a speaker; reuse `committed` ones.

    Args:
        corpus: name of the corpus, the first part of each clip id.
        raw: folder of audio files, as `fetch` lays it out.
        target: folder of shards; replaced as a whole.
        settings: how the log-mels are made.
        committed: shards of the last commit; a clip whose content key is in them is not computed.
        jobs: worker processes, -1 for one a core.

    Raises:
        PipelineError: there are no clips, one has a foreign name or a name twice, or one cannot be decoded.
    """
    clips = _find_clips(corpus, raw)
    before = {clip: key for shard in committed for clip, key in shard.keys.items()}
    # A clip may be what it was or, renamed, one that is no longer there. All keys would be too much to send with each.
    gone = frozenset(before[clip] for clip in before.keys() - clips.keys())
    known = {clip: frozenset({before[clip]}) if clip in before else gone for clip in clips}
    cached = {shard.keys[clip]: mel for shard in committed for clip, mel in shard.mels.items()}
    keys: dict[str, str] = {}
    mels: dict[str, Mel] = {}
    computed = 0
    work = (delayed(clip_mel)(path, settings, known[clip]) for clip, path in clips.items())
    # A clip's arrays are just large enough for glibc to give them back to the system each time, and take them anew:
    # a fifth of the time. Workers read these settings when they start.
    os.environ.setdefault("MALLOC_TRIM_THRESHOLD_", str(KEPT_BYTES))
    os.environ.setdefault("MALLOC_MMAP_THRESHOLD_", str(KEPT_BYTES))
    # joblib gives each of its workers one BLAS thread where there is a worker a core.
    results = Parallel(n_jobs=jobs, return_as="generator")(work)
    with progress(f"spectrograms@{corpus}", len(clips), "clips") as advance:
        for clip, (key, mel) in zip(clips, results, strict=True):
            computed += mel is not None
            keys[clip], mels[clip] = key, cached[key] if mel is None else mel
            advance(1)
    _write_speakers(corpus, target, settings, keys, mels)
    return Counts(len(clips) - computed, computed, len(before.keys() - clips.keys()))


def _find_clips(corpus: str, raw: Path) -> dict[str, Path]:
    clips: dict[str, Path] = {}
    for path in sorted(path for path in raw.rglob("*") if path.suffix in AUDIO_SUFFIXES):
        clip = parse_clip(corpus, path.stem).clip
        if clips.setdefault(clip, path) != path:
            raise PipelineError(f"{clip}: is there twice, {clips[clip]} and {path}; take one out")
    if not clips:
        raise PipelineError(f"{raw}: holds no audio; run `dvc repro fetch@{corpus}`")
    return clips


def _write_speakers(
    corpus: str, target: Path, settings: MelSettings, keys: Mapping[str, str], mels: Mapping[str, Mel]
) -> None:
    speakers: dict[str, list[str]] = defaultdict(list)
    for clip in keys:
        speakers[parse_clip(corpus, clip.partition("/")[2]).speaker].append(clip)
    with replacing(target) as temporary:
        for speaker, clips in speakers.items():
            shard = Shard({clip: mels[clip] for clip in clips}, {clip: keys[clip] for clip in clips}, settings)
            write_shard(temporary / f"{speaker.partition('/')[2]}{SUFFIX}", shard)
