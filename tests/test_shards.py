import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import save_file

from speech_emotion.array_files import METADATA_KEY
from speech_emotion.core.errors import PipelineError
from speech_emotion.shards import Mels, Shard, read_shard, read_shards, write_shard
from tests.sounds import SETTINGS


def shard(*clips: str, frames: int = 30) -> Shard:
    rng = np.random.default_rng(0)
    mels = {clip: rng.integers(0, 256, (SETTINGS.n_mels, frames + i), np.uint8) for i, clip in enumerate(clips)}
    return Shard("image", mels, {clip: f"key of {clip}" for clip in clips}, SETTINGS)


def test_what_was_written_is_read(tmp_path: Path) -> None:
    written = shard("tess/a", "tess/b")
    write_shard(tmp_path / "OAF.safetensors", written)
    read = read_shard(tmp_path / "OAF.safetensors")
    assert (read.keys, read.settings) == (written.keys, written.settings)
    assert list(read.mels) == ["tess/a", "tess/b"]
    for clip, mel in written.mels.items():
        np.testing.assert_array_equal(read.mels[clip], mel)


def test_bytes_do_not_depend_on_order_or_memory_layout(tmp_path: Path) -> None:
    first = shard(*(f"tess/{name}" for name in "abcdefgh"))
    backwards = Shard(
        "image",
        {clip: np.asfortranarray(first.mels[clip]) for clip in reversed(first.mels)},
        {clip: first.keys[clip] for clip in reversed(first.keys)},
        SETTINGS,
    )
    for name, one in (("1", first), ("2", backwards), ("3", first)):
        write_shard(tmp_path / name, one)
    assert len({path.read_bytes() for path in tmp_path.iterdir()}) == 1


def test_another_key_gives_other_bytes(tmp_path: Path) -> None:
    first = shard("tess/a")
    write_shard(tmp_path / "1", first)
    write_shard(tmp_path / "2", replace(first, keys={"tess/a": "another"}))
    assert (tmp_path / "1").read_bytes() != (tmp_path / "2").read_bytes()


def test_a_shard_that_cannot_be_written_leaves_the_old_one(tmp_path: Path) -> None:
    path = tmp_path / "OAF.safetensors"
    write_shard(path, shard("tess/a"))
    before = path.read_bytes()
    with pytest.raises(TypeError):
        write_shard(path, replace(shard("tess/b"), keys={"tess/b": object()}))  # type: ignore[dict-item]
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]


def corrupt(path: Path, damage: str) -> None:
    whole = path.read_bytes()
    described = {"encoder": "image", "keys": {"tess/a": "key"}, "settings": {"n_mels": 128}}
    match damage:
        case "absent":
            path.unlink()
        case "empty":
            path.write_bytes(b"")
        case "cut in the header":
            path.write_bytes(whole[:20])
        case "cut in the tensors":
            path.write_bytes(whole[:-1])
        case "another format":
            path.write_bytes(b"RIFF" + bytes(1000))
        case "without metadata":
            save_file({"tess/a": np.zeros((2, 2), np.uint8)}, path)
        case "with other metadata":
            save_file({"tess/a": np.zeros((2, 2), np.uint8)}, path, {METADATA_KEY: "[]"})
        case "with settings missing":
            save_file({"tess/a": np.zeros((2, 2), np.uint8)}, path, {METADATA_KEY: json.dumps(described)})


@pytest.mark.parametrize(
    "damage",
    [
        "absent",
        "empty",
        "cut in the header",
        "cut in the tensors",
        "another format",
        "without metadata",
        "with other metadata",
        "with settings missing",
    ],
)
def test_what_is_no_shard_is_named_with_a_way_out(tmp_path: Path, damage: str) -> None:
    path = tmp_path / "OAF.safetensors"
    write_shard(path, shard("tess/a"))
    corrupt(path, damage)
    with pytest.raises(PipelineError, match=r"OAF\.safetensors: is no readable shard \(.+\); run `dvc repro` or"):
        read_shard(path)


def test_folders_are_read_together(tmp_path: Path) -> None:
    write_shard(tmp_path / "ravdess/01.safetensors", shard("ravdess/a", "ravdess/b"))
    write_shard(tmp_path / "ravdess/02.safetensors", shard("ravdess/c"))
    write_shard(tmp_path / "tess/OAF.safetensors", shard("tess/a"))
    mels = read_shards([tmp_path / "ravdess", tmp_path / "tess"])
    assert (list(mels.clips), mels.settings) == (["ravdess/a", "ravdess/b", "ravdess/c", "tess/a"], SETTINGS)


def test_shards_of_other_settings_do_not_mix(tmp_path: Path) -> None:
    write_shard(tmp_path / "ravdess/01.safetensors", shard("ravdess/a"))
    write_shard(tmp_path / "tess/OAF.safetensors", replace(shard("tess/a"), settings=replace(SETTINGS, n_fft=512)))
    with pytest.raises(PipelineError, match=r"OAF\.safetensors: was made with .*n_fft=512.*; run `dvc repro`"):
        read_shards([tmp_path / "ravdess", tmp_path / "tess"])


def test_a_folder_without_shards_is_named(tmp_path: Path) -> None:
    with pytest.raises(PipelineError, match=r"tess: holds no spectrograms; run `dvc repro`"):
        read_shards([tmp_path / "tess"])
    with pytest.raises(PipelineError, match="no folder"):
        read_shards([])


def test_a_clip_without_spectrogram_is_named() -> None:
    mels = Mels("image", SETTINGS, {"tess/a": np.zeros((2, 2), np.uint8)})
    with pytest.raises(PipelineError, match=r"tess/b: has no spectrogram \(2 clips have none\); run `dvc repro`"):
        mels.of(["tess/a", "tess/b", "tess/c"])
