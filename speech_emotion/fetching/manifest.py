"""Manifests: what the published files of a corpus hold, clip by clip."""

import csv
from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path

from speech_emotion.core.errors import PipelineError


@dataclass(frozen=True)
class Published:
    """One clip as it was published."""

    clip: str  # path without suffix, below the corpus's folder
    sample_rate: int  # Hz
    channels: int
    frames: int
    pcm_md5: str  # of the interleaved little-endian int16 samples, whatever the container

    @property
    def duration_s(self) -> float:
        """Length in seconds."""
        return self.frames / self.sample_rate


def read_manifest(path: Path) -> list[Published]:
    """Return the rows of a manifest.

    Raises:
        PipelineError: `path` cannot be read, has other columns, or a number is none.
    """
    columns = [field.name for field in fields(Published)]
    try:
        with path.open(encoding="utf-8", newline="") as file:
            rows = csv.DictReader(file)
            if rows.fieldnames != columns:
                raise PipelineError(f"{path}: has the columns {rows.fieldnames}; expected {columns}")
            return [_published(row) for row in rows]
    except OSError as error:
        raise PipelineError(f"{path}: cannot be read ({error.strerror}); run from the project's root") from error
    except (TypeError, ValueError) as error:
        raise PipelineError(f"{path}: has a row that is no description of a clip ({error}); restore it") from error


def _published(row: Mapping[str, str]) -> Published:
    return Published(
        clip=row["clip"],
        sample_rate=int(row["sample_rate"]),
        channels=int(row["channels"]),
        frames=int(row["frames"]),
        pcm_md5=row["pcm_md5"],
    )
