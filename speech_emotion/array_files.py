"""Safetensors files written and read an array at a time, so that memory does not grow with them.

Arrays are read, not mapped: mapped pages would count as the process's memory.
"""

import json
import shutil
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from math import prod
from pathlib import Path
from tempfile import TemporaryFile
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from safetensors import safe_open

from speech_emotion.core.errors import PipelineError
from speech_emotion.core.files import replacing

METADATA_KEY = "speech_emotion"
DTYPES = {"U8": "<u1", "F16": "<f2", "F32": "<f4"}  # safetensors' names -> numpy's
NAMES = {np.dtype(dtype): name for name, dtype in DTYPES.items()}
LENGTH_BYTES = 8  # of the header's length, which comes first
LONGEST_HEADER = 100_000_000  # bytes; safetensors opens no longer one

AddArray = Callable[[str, NDArray[Any]], None]


class Place(NamedTuple):
    """Where an array lies: `start` bytes into a file."""

    path: Path
    start: int
    dtype: str
    shape: tuple[int, ...]


class StoredArrays(Mapping[str, NDArray[Any]]):
    """Arrays by name, each read from its file when it is asked for."""

    def __init__(self, places: Mapping[str, Place]) -> None:
        self.places = places

    def __getitem__(self, name: str) -> NDArray[Any]:
        """Read one array.

        Raises:
            KeyError: there is none of this name.
            PipelineError: the file is shorter than it was.
        """
        path, start, dtype, shape = self.places[name]
        values = np.fromfile(path, dtype, prod(shape), offset=start)
        if len(values) < prod(shape):
            raise PipelineError(f"{path}: became shorter while it was in use; run `dvc repro` or `dvc pull`")
        return values.reshape(shape)

    def __iter__(self) -> Iterator[str]:
        return iter(self.places)

    def __len__(self) -> int:
        return len(self.places)


@contextmanager
def array_writer(path: Path, describe: Callable[[], str]) -> Iterator[AddArray]:
    """Yield `add(name, array)`, to be called in the order of the names; at the end the file appears.

    Args:
        path: the file; its bytes are those of `safetensors.numpy.save`, which wants all arrays at once.
        describe: asked at the end for the file's metadata.

    Raises:
        PipelineError: the file cannot be written, or its arrays are too many.
    """
    tensors: dict[str, Any] = {}
    with replacing(path) as temporary, TemporaryFile(dir=temporary.parent) as values:

        def add(name: str, array: NDArray[Any]) -> None:
            start = values.tell()
            values.write(np.ascontiguousarray(array).data)
            tensors[name] = {"dtype": NAMES[array.dtype], "shape": array.shape, "data_offsets": (start, values.tell())}

        yield add
        header = _header(describe(), tensors)
        if len(header) > LONGEST_HEADER:
            raise PipelineError(f"{path}: {len(tensors)} clips of one speaker are too many for a shard; name speakers")
        values.seek(0)
        with temporary.open("wb") as file:
            file.write(len(header).to_bytes(LENGTH_BYTES, "little") + header)
            shutil.copyfileobj(values, file)


def read_arrays(path: Path) -> tuple[StoredArrays, str]:
    """Return the arrays of a file, none of them read yet, and its metadata.

    Raises:
        OSError, SafetensorError, TypeError, KeyError, ValueError: the file is missing, cut short, or another one.
    """
    with safe_open(path, framework="numpy") as checked:  # the header against the file's size, too
        described = checked.metadata()[METADATA_KEY]
    with path.open("rb") as file:
        length = int.from_bytes(file.read(LENGTH_BYTES), "little")
        tensors = json.loads(file.read(length))
    del tensors["__metadata__"]
    begin = LENGTH_BYTES + length
    places = {
        name: Place(path, begin + one["data_offsets"][0], DTYPES[one["dtype"]], tuple(one["shape"]))
        for name, one in tensors.items()
    }
    return StoredArrays(places), described


def _header(described: str, tensors: Mapping[str, Any]) -> bytes:
    """Return what says where the arrays are, padded so that they begin at a multiple of 8 bytes."""
    entries = {"__metadata__": {METADATA_KEY: described}, **tensors}
    text = json.dumps(entries, ensure_ascii=False, separators=(",", ":")).encode()
    return text + b" " * (-len(text) % LENGTH_BYTES)
