"""Shards: one safetensors file a speaker, one log-mel a clip, the settings and content keys in its metadata."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save

from speech_emotion.core.errors import PipelineError
from speech_emotion.core.files import replacing
from speech_emotion.core.params import to_settings
from speech_emotion.encoders import protocol
from speech_emotion.encoders.protocol import Mel

SUFFIX = ".safetensors"
METADATA_KEY = "speech_emotion"


@dataclass(frozen=True)
class Shard:
    """The log-mels of one speaker: `mels` and `keys` by clip id, made by `encoder`'s front end with `settings`."""

    encoder: str
    mels: Mapping[str, Mel]
    keys: Mapping[str, str]
    settings: Any


@dataclass(frozen=True)
class Mels:
    """Log-mels `[n_mels, frames]` by clip id, all made by one front end."""

    encoder: str
    settings: Any
    clips: Mapping[str, Mel]

    def of(self, clips: Iterable[str]) -> list[Mel]:
        """Return the log-mels of `clips`.

        Raises:
            PipelineError: some have none.
        """
        names = list(clips)
        missing = [clip for clip in names if clip not in self.clips]
        if missing:
            raise PipelineError(f"{missing[0]}: has no spectrogram ({len(missing)} clips have none); run `dvc repro`")
        return [self.clips[clip] for clip in names]

    def only(self, clips: Iterable[str]) -> "Mels":
        """Return those of `clips` alone.

        Raises:
            PipelineError: as `of`.
        """
        names = list(clips)
        return Mels(self.encoder, self.settings, dict(zip(names, self.of(names), strict=True)))


def write_shard(path: Path, shard: Shard) -> None:
    """Write `shard`; equal shards give equal bytes (one metadata entry, of sorted JSON)."""
    described = {"encoder": shard.encoder, "keys": dict(shard.keys), "settings": asdict(shard.settings)}
    # safetensors writes an array's memory as it lies, whatever its strides: a transposed one would come back scrambled.
    tensors: dict[str, NDArray[Any]] = {clip: np.ascontiguousarray(shard.mels[clip]) for clip in sorted(shard.mels)}
    with replacing(path) as temporary:
        temporary.write_bytes(save(tensors, metadata={METADATA_KEY: json.dumps(described, sort_keys=True)}))


def read_shard(path: Path) -> Shard:
    """Read one shard.

    Raises:
        PipelineError: the file is missing, cut short, or no shard of this project.
    """
    try:
        with safe_open(path, framework="numpy") as file:
            described = json.loads(file.metadata()[METADATA_KEY])
            mels = {clip: file.get_tensor(clip) for clip in file.keys()}  # noqa: SIM118 (no mapping)
        kind = protocol.settings(described["encoder"]).FrontendSettings
        settings = to_settings(described["settings"], kind, "its settings")
        return Shard(described["encoder"], mels, described["keys"], settings)
    except (OSError, SafetensorError, TypeError, KeyError, ValueError, PipelineError) as error:
        raise PipelineError(f"{path}: is no readable shard ({error}); run `dvc repro` or `dvc pull`") from error


def shard_paths(folders: Iterable[Path]) -> list[Path]:
    """Return the shards in `folders`, in the order of the folders and of their names.

    Raises:
        PipelineError: a folder is missing or holds none.
    """
    paths: list[Path] = []
    for folder in folders:
        found = sorted(folder.glob(f"*{SUFFIX}"))
        if not found:
            raise PipelineError(f"{folder}: holds no spectrograms; run `dvc repro` or `dvc pull {folder}`")
        paths += found
    return paths


def read_shards(folders: Iterable[Path]) -> Mels:
    """Return all log-mels below `folders`.

    Raises:
        PipelineError: as `read_shard`; two shards were made by different front ends or settings.
    """
    mels: Mels | None = None
    for path in shard_paths(folders):
        shard = read_shard(path)
        mels = mels or Mels(shard.encoder, shard.settings, {})
        if (shard.encoder, shard.settings) != (mels.encoder, mels.settings):
            raise PipelineError(f"{path}: was made with {shard.settings}, others with {mels.settings}; run `dvc repro`")
        mels = Mels(mels.encoder, mels.settings, {**mels.clips, **shard.mels})
    if mels is None:
        raise PipelineError("no folder of spectrograms was named; name data/spectrograms/<encoder>/<corpus>")
    return mels
