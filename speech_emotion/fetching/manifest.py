"""Manifests: what the files of a corpus hold, clip by clip.

`python -m speech_emotion.fetching.manifest FOLDER data/manifests/CORPUS.csv` describes a corpus of one's own.
"""

import argparse
import hashlib
from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import soundfile
from numpy.typing import NDArray

from speech_emotion.core.command import run
from speech_emotion.core.errors import PipelineError
from speech_emotion.core.files import write_csv
from speech_emotion.corpora import own
from speech_emotion.corpora.catalogue import PUBLISHED, read_clips
from speech_emotion.corpora.clip_files import clip_name
from speech_emotion.fetching.fingerprint import FORM as FINGERPRINT
from speech_emotion.fetching.fingerprint import fingerprint

FULL_SCALE = 2**15


@dataclass(frozen=True)
class Published:
    """One clip as it was published."""

    clip: str  # path without suffix, below the corpus's folder
    sample_rate: int  # Hz
    channels: int
    frames: int
    pcm_md5: str  # of the interleaved little-endian int16 samples, whatever the container
    fingerprint: str


def published(clip: str, pcm: NDArray[np.int16], sample_rate: int) -> Published:
    """Return the description of `pcm`, `[frames, channels]`."""
    sound = fingerprint(pcm.astype(np.float32), sample_rate)
    return Published(clip, sample_rate, pcm.shape[1], len(pcm), pcm_md5(pcm), sound)


def pcm_md5(pcm: NDArray[np.int16]) -> str:
    """Return the md5 of `pcm`, `[frames, channels]`, as manifests state it."""
    return hashlib.md5(pcm.astype("<i2").tobytes()).hexdigest()


def to_pcm(samples: NDArray[np.float32]) -> NDArray[np.int16]:
    """Return samples of full scale 1 as int16: exact for 16 bits, without the rest for more."""
    return (samples * FULL_SCALE).clip(-FULL_SCALE, FULL_SCALE - 1).astype(np.int16)


def read_manifest(path: Path) -> list[Published]:
    """Return the rows of a manifest, without the labels that a corpus of one's own has there.

    Raises:
        PipelineError: `path` cannot be read, lacks a column, or a number is none.
    """
    kinds = {field.name: field.type for field in fields(Published)}
    try:
        table = pd.read_csv(path, usecols=list(kinds), dtype=kinds, keep_default_na=False)
        if not table["fingerprint"].str.fullmatch(FINGERPRINT).all():
            raise ValueError("a fingerprint is none")
    except (OSError, ValueError, OverflowError) as error:
        raise PipelineError(f"{path}: is no manifest ({error}); restore it, or describe the corpus again") from error
    return [Published(**row) for row in table.to_dict("records")]


def write_manifest(path: Path, rows: Sequence[Any]) -> None:
    """Write rows, `Published` or with more columns, by their clips."""
    write_csv(path, pd.DataFrame(rows).sort_values("clip"))


def describe(corpus: str, folder: Path) -> list[dict[str, object]]:
    """Return a row for each clip below `folder`; in a corpus of one's own with the labels of its table.

    Raises:
        PipelineError: as `read_clips`, or a clip cannot be decoded.
    """
    clips = read_clips(corpus, folder)
    rows = []
    for path, clip in clips.items():
        try:
            samples, sample_rate = soundfile.read(path, dtype="float32", always_2d=True)
        except soundfile.LibsndfileError as error:
            raise PipelineError(f"{path}: cannot be decoded ({error}); take it out") from error
        row = asdict(published(clip_name(path.relative_to(folder)), to_pcm(samples), sample_rate))
        rows.append(row if corpus in PUBLISHED else row | own.labels(clip))
    return rows


def main(argv: Sequence[str] | None = None) -> None:
    """Write the manifest of a folder of clips: a corpus of one's own has a table `clips.csv` there."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("manifest", type=Path, help="data/manifests/<corpus>.csv, named after the corpus")
    arguments = parser.parse_args(argv)
    rows = describe(arguments.manifest.stem, arguments.folder)
    write_manifest(arguments.manifest, rows)
    print(f"{arguments.manifest}: {len(rows)} clips")


if __name__ == "__main__":
    run(main)
