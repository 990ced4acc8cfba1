"""Shards: one safetensors file a speaker, one uint8 log-mel a clip, the settings and content keys in its metadata."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save

from speech_emotion.errors import PipelineError
from speech_emotion.files import replacing
from speech_emotion.mel_settings import Mel, MelSettings

SUFFIX = ".safetensors"
METADATA_KEY = "speech_emotion"


@dataclass(frozen=True)
class Shard:
    """The log-mels of one speaker: `mels` and `keys` by clip id, made with `settings`."""

    mels: Mapping[str, Mel]
    keys: Mapping[str, str]
    settings: MelSettings


def write_shard(path: Path, shard: Shard) -> None:
    """Write `shard`; equal shards give equal bytes (one metadata entry, of sorted JSON)."""
    metadata = json.dumps({"keys": dict(shard.keys), "settings": asdict(shard.settings)}, sort_keys=True)
    # safetensors writes an array's memory as it lies, whatever its strides: a transposed one would come back scrambled.
    tensors: dict[str, NDArray[Any]] = {clip: np.ascontiguousarray(shard.mels[clip]) for clip in sorted(shard.mels)}
    with replacing(path) as temporary:
        temporary.write_bytes(save(tensors, metadata={METADATA_KEY: metadata}))


def read_shard(path: Path) -> Shard:
    """Read one shard.

    Raises:
        PipelineError: the file is missing, cut short, or no shard of this project.
    """
    try:
        with safe_open(path, framework="numpy") as file:
            described = json.loads(file.metadata()[METADATA_KEY])
            mels = {clip: file.get_tensor(clip) for clip in file.keys()}  # noqa: SIM118 (no mapping)
        return Shard(mels, described["keys"], MelSettings(**described["settings"]))
    except (OSError, SafetensorError, TypeError, KeyError, ValueError) as error:
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


def read_shards(folders: Iterable[Path]) -> tuple[dict[str, Mel], MelSettings]:
    """Return all log-mels below `folders` by clip id, and the settings that they share.

    Raises:
        PipelineError: as `read_shard`; two shards were made with different settings.
    """
    mels: dict[str, Mel] = {}
    settings: MelSettings | None = None
    for path in shard_paths(folders):
        shard = read_shard(path)
        settings = settings or shard.settings
        if shard.settings != settings:
            raise PipelineError(f"{path}: was made with {shard.settings}, others with {settings}; run `dvc repro`")
        mels |= shard.mels
    if settings is None:
        raise PipelineError("no folder of spectrograms was named; name data/spectrograms/<corpus>")
    return mels, settings


def require_mels(clips: Iterable[str], mels: Mapping[str, Mel]) -> None:
    """Return when all `clips` are in `mels`.

    Raises:
        PipelineError: some are not.
    """
    missing = [clip for clip in clips if clip not in mels]
    if missing:
        raise PipelineError(f"{missing[0]}: has no spectrogram ({len(missing)} clips have none); run `dvc repro`")
