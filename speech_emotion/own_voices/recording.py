"""What a file of a table holds, or why it cannot be used."""

import hashlib
import os
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from speech_emotion.audio import decode
from speech_emotion.core.errors import PipelineError
from speech_emotion.corpora.clip_files import is_audio
from speech_emotion.fetching.manifest import Published, published, to_pcm

CLIPPED = 0.999  # of full scale
SILENT_DB = -100.0  # the level of nothing at all


@dataclass(frozen=True)
class Recording:
    """A decoded file.

    Attributes:
        duration_s: length.
        sample_rate: Hz.
        level_db: root mean square, 0 dB = full scale.
        clipped: share of samples at full scale.
        digest: of the samples, equal for mono and dual mono.
        described: as manifests describe it, under no name.
    """

    duration_s: float
    sample_rate: int
    level_db: float
    clipped: float
    digest: bytes
    described: Published


def read_recording(file: Path) -> Recording | str:
    """Return what `file` holds, or in a few words what is wrong, so that one bad file does not hide the others."""
    if not os.path.isfile(file):  # noqa: PTH113  pathlib's raises for a name that is too long
        return "is not there"
    if not is_audio(file):
        return "is neither WAV nor FLAC; convert it, for instance with ffmpeg or Audacity"
    try:
        samples, sample_rate = decode(file)
    except PipelineError as error:
        return str(error).removeprefix(f"{file}: ").partition(";")[0]
    mono = samples[:, :1] if (samples == samples[:, :1]).all() else samples
    power = float(np.square(samples, dtype=np.float64).mean())
    if not power:
        return "holds silence alone"
    return Recording(
        duration_s=len(samples) / sample_rate,
        sample_rate=sample_rate,
        level_db=max(SILENT_DB, 10 * np.log10(power)),
        clipped=float((np.abs(samples) >= CLIPPED).mean()),
        digest=hashlib.sha256(mono.tobytes()).digest(),
        described=published("", to_pcm(samples), sample_rate),
    )
