"""Files written and read an array at a time are those that safetensors writes at once."""

import tracemalloc
from pathlib import Path

import numpy as np
import pytest
from safetensors import SafetensorError
from safetensors.numpy import load_file, save

from speech_emotion import array_files
from speech_emotion.array_files import METADATA_KEY, array_writer, read_arrays
from speech_emotion.core.errors import PipelineError

NAMES = ('a"quoted\\', "b\u2028\x7f\x1f\t", "tess/café", "ü", "\U0001f600")


def arrays(dtype: str) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(0)
    return {name: rng.integers(0, 256, (3, frames)).astype(dtype) for frames, name in enumerate(sorted(NAMES), 1)}


def write(path: Path, written: dict[str, np.ndarray], text: str = '{"key": "é\\""}') -> None:
    with array_writer(path, lambda: text) as add:
        for name, array in written.items():
            add(name, array)


@pytest.mark.parametrize("dtype", ["u1", "f2", "f4"])
def test_bytes_are_those_of_safetensors(tmp_path: Path, dtype: str) -> None:
    written = arrays(dtype)
    write(tmp_path / "file", written)
    assert (tmp_path / "file").read_bytes() == save(written, metadata={METADATA_KEY: '{"key": "é\\""}'})
    loaded = load_file(tmp_path / "file")
    read, text = read_arrays(tmp_path / "file")
    assert (text, list(read), len(read)) == ('{"key": "é\\""}', list(written), len(written))
    for name, array in written.items():
        np.testing.assert_array_equal(read[name], array)
        np.testing.assert_array_equal(loaded[name], array)


def test_a_file_that_loses_its_end_while_it_is_used_is_named(tmp_path: Path) -> None:
    write(tmp_path / "file", arrays("u1"))
    read, _ = read_arrays(tmp_path / "file")
    (tmp_path / "file").write_bytes((tmp_path / "file").read_bytes()[:-1])
    with pytest.raises(PipelineError, match=r"file: became shorter while it was in use; run `dvc repro`"):
        [read[name] for name in read]
    with pytest.raises(SafetensorError):
        read_arrays(tmp_path / "file")


def test_more_clips_than_safetensors_opens_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(array_files, "LONGEST_HEADER", 300)
    with pytest.raises(PipelineError, match="5 clips of one speaker are too many for a shard; name speakers"):
        write(tmp_path / "file", arrays("u1"))
    assert list(tmp_path.iterdir()) == []


def test_an_error_between_two_arrays_leaves_nothing(tmp_path: Path) -> None:
    with pytest.raises(KeyError), array_writer(tmp_path / "file", str) as add:  # noqa: PT012 (both are the point)
        add("a", np.zeros((2, 2), np.uint8))
        add("b", np.zeros((2, 2), np.int64))
    assert list(tmp_path.iterdir()) == []


def test_memory_is_that_of_one_array(tmp_path: Path) -> None:
    size, count = 1 << 18, 64
    tracemalloc.start()
    try:
        with array_writer(tmp_path / "file", str) as add:
            for name in range(count):
                add(f"{name:02d}", np.full((2, size // 2), name, np.uint8))
        read, _ = read_arrays(tmp_path / "file")
        assert [int(read[name][0, 0]) for name in read] == list(range(count))
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert (tmp_path / "file").stat().st_size > count * size
    assert peak < 6 * size
