"""Shards: one safetensors file a speaker, one log-mel a clip, the settings and content keys in its metadata."""

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, overload

from safetensors import SafetensorError

from speech_emotion.array_files import Place, StoredArrays, array_writer, read_arrays
from speech_emotion.core.errors import PipelineError
from speech_emotion.core.params import to_settings
from speech_emotion.encoders import protocol
from speech_emotion.encoders.protocol import Mel

SUFFIX = ".safetensors"

AddClip = Callable[[str, str, Mel], None]


@dataclass(frozen=True)
class Shard:
    """The log-mels of one speaker: `mels` and `keys` by clip id, made by `encoder`'s front end with `settings`."""

    encoder: str
    mels: Mapping[str, Mel]
    keys: Mapping[str, str]
    settings: Any


@dataclass(frozen=True)
class StoredShard(Shard):
    """A shard whose log-mels are read when they are asked for."""

    mels: StoredArrays


@dataclass(frozen=True)
class ChosenMels(Sequence[Mel]):
    """The log-mels of `names`, in that order, read when they are asked for if they are stored."""

    clips: Mapping[str, Mel]
    names: Sequence[str]

    @overload
    def __getitem__(self, place: int) -> Mel: ...

    @overload
    def __getitem__(self, place: slice) -> list[Mel]: ...

    def __getitem__(self, place: int | slice) -> Mel | list[Mel]:
        """Return one, or those of a slice."""
        if isinstance(place, slice):
            return [self.clips[name] for name in self.names[place]]
        return self.clips[self.names[place]]

    def __len__(self) -> int:
        return len(self.names)

    def frames(self) -> list[int]:
        """Return the frames of each; what is stored is not read for it."""
        if isinstance(self.clips, StoredArrays):
            return [self.clips.places[name].shape[1] for name in self.names]
        return [self.clips[name].shape[1] for name in self.names]


@dataclass(frozen=True)
class Mels:
    """Log-mels `[n_mels, frames]` by clip id, all made by one front end."""

    encoder: str
    settings: Any
    clips: Mapping[str, Mel]

    def of(self, clips: Iterable[str]) -> ChosenMels:
        """Return the log-mels of `clips`.

        Raises:
            PipelineError: some have none.
        """
        names = list(clips)
        missing = [clip for clip in names if clip not in self.clips]
        if missing:
            raise PipelineError(f"{missing[0]}: has no spectrogram ({len(missing)} clips have none); run `dvc repro`")
        return ChosenMels(self.clips, names)

    def only(self, clips: Iterable[str]) -> "Mels":
        """Return those of `clips` alone.

        Raises:
            PipelineError: as `of`.
        """
        names = self.of(clips).names
        if isinstance(self.clips, StoredArrays):
            return Mels(self.encoder, self.settings, StoredArrays({name: self.clips.places[name] for name in names}))
        return Mels(self.encoder, self.settings, {name: self.clips[name] for name in names})


def write_shard(path: Path, shard: Shard) -> None:
    """Write `shard`; equal shards give equal bytes (one metadata entry, of sorted JSON).

    Raises:
        PipelineError: as `shard_writer`.
    """
    with shard_writer(path, shard.encoder, shard.settings) as add:
        for clip in sorted(shard.mels):
            add(clip, shard.keys[clip], shard.mels[clip])


@contextmanager
def shard_writer(path: Path, encoder: str, settings: Any) -> Iterator[AddClip]:
    """Yield `add(clip, key, mel)`, to be called in the order of the clips' ids; at the end the shard appears.

    Raises:
        PipelineError: as `array_writer`.
    """
    keys: dict[str, str] = {}
    described = {"encoder": encoder, "keys": keys, "settings": asdict(settings)}
    with array_writer(path, lambda: json.dumps(described, sort_keys=True)) as add_array:

        def add(clip: str, key: str, mel: Mel) -> None:
            keys[clip] = key
            add_array(clip, mel)

        yield add


def read_shard(path: Path) -> StoredShard:
    """Read what a shard says of itself; its log-mels are read when they are asked for.

    Raises:
        PipelineError: the file is missing, cut short, or no shard of this project.
    """
    try:
        mels, text = read_arrays(path)
        described = json.loads(text)
        kind = protocol.settings(described["encoder"]).FrontendSettings
        settings = to_settings(described["settings"], kind, "its settings")
        _check_content(mels, described["keys"], settings.n_mels)
        return StoredShard(described["encoder"], mels, described["keys"], settings)
    except (OSError, SafetensorError, TypeError, KeyError, ValueError, RecursionError, PipelineError) as error:
        raise PipelineError(f"{path}: is no readable shard ({error}); run `dvc repro` or `dvc pull`") from error


def _check_content(mels: StoredArrays, keys: Any, n_mels: int) -> None:
    if not isinstance(keys, dict) or keys.keys() != mels.places.keys():
        raise ValueError("its keys are not those of its clips")
    for clip, place in mels.places.items():
        if len(place.shape) != 2 or place.shape[0] != n_mels or not place.shape[1]:
            raise ValueError(f"{clip} has shape {list(place.shape)}, its settings say {n_mels} mel bins")
        if not isinstance(keys[clip], str):
            raise ValueError(f"{clip} has no content key")


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
    """Return all log-mels below `folders`, each read when it is asked for.

    Raises:
        PipelineError: as `read_shard`; two shards were made by different front ends or settings.
    """
    made: tuple[str, Any] | None = None
    places: dict[str, Place] = {}
    for path in shard_paths(folders):
        shard = read_shard(path)
        made = made or (shard.encoder, shard.settings)
        if (shard.encoder, shard.settings) != made:
            raise PipelineError(f"{path}: was made with {shard.settings}, others with {made[1]}; run `dvc repro`")
        places |= shard.mels.places
    if made is None:
        raise PipelineError("no folder of spectrograms was named; name data/spectrograms/<encoder>/<corpus>")
    return Mels(*made, StoredArrays(places))
