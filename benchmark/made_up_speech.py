"""Speech that nobody said: real clips cut into pieces, the pieces shuffled, under the names of made-up speakers."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd
import soundfile
from joblib import Parallel, delayed

from speech_emotion.audio import decode
from speech_emotion.clips import EMOTIONS
from speech_emotion.core.errors import PipelineError
from speech_emotion.corpora.clip_files import corpus_files, is_audio
from speech_emotion.corpora.own import TABLE

SOURCES = 200  # real clips, spread over the corpora
PIECE_S = 0.08


def write_corpus(folder: Path, corpora: Sequence[Path], *, speakers: int, clips: int) -> None:
    """Write a corpus of one's own: FLAC files below a folder a speaker, and the table beside them.

    Args:
        folder: where to.
        corpora: folders of real clips.
        speakers: how many folders.
        clips: of each speaker.

    Raises:
        PipelineError: `corpora` hold no clips.
    """
    sources = [path for corpus in corpora for path in corpus_files(corpus) if is_audio(path)]
    if not sources:
        raise PipelineError(f"{', '.join(map(str, corpora))}: hold no clips; name folders of WAV or FLAC files")
    chosen = sources[:: max(1, len(sources) // SOURCES)]
    names = [name(speaker) for speaker in range(speakers)]
    rows = [(f"{who}/{clip:04d}.flac", EMOTIONS[clip % len(EMOTIONS)], who) for who in names for clip in range(clips)]
    for who in names:
        (folder / who).mkdir(parents=True)
    # Threads: libsndfile and soxr work without the interpreter's lock.
    Parallel(n_jobs=-1, prefer="threads")(
        delayed(_write)(folder / path, chosen[seed % len(chosen)], seed) for seed, (path, _, _) in enumerate(rows)
    )
    pd.DataFrame(rows, columns=["path", "emotion", "speaker"]).to_csv(folder / TABLE, index=False)


def name(speaker: int) -> str:
    """Return the name of a made-up speaker."""
    return f"s{speaker:05d}"


def _write(path: Path, source: Path, seed: int) -> None:
    samples, rate = decode(source)
    piece = round(PIECE_S * rate)
    pieces = samples[: len(samples) // piece * piece, :1].reshape(-1, piece)
    shuffled = np.random.default_rng(seed).permutation(pieces).ravel()
    soundfile.write(path, shuffled, rate, subtype="PCM_16", compression_level=0.0)
