"""Reuse from the last commit, in a repository of Git and DVC of its own."""

import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from speech_emotion.cache.committed import committed_shards
from speech_emotion.shards import Shard, write_shard
from tests.sounds import SETTINGS

MELS = Path("data/mels")


@pytest.fixture(scope="module")
def tracked(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two shards at MELS, tracked by DVC; nothing is committed to Git yet. Change copies only."""
    folder = tmp_path_factory.mktemp("tracked")
    for speaker in ("OAF", "YAF"):
        clip = f"tess/{speaker}_back_sad"
        write_shard(
            folder / MELS / f"{speaker}.safetensors",
            Shard("image", {clip: np.ones((SETTINGS.n_mels, 4), np.uint8)}, {clip: "key"}, SETTINGS),
        )
    run("git", "init", "-q", cwd=folder)
    run(sys.executable, "-m", "dvc", "init", "-q", cwd=folder)
    run(sys.executable, "-m", "dvc", "add", "-q", str(MELS), cwd=folder)
    return folder


@pytest.fixture
def repository(tracked: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    shutil.copytree(tracked, tmp_path, dirs_exist_ok=True)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def run(*command: str, cwd: Path | None = None) -> None:
    subprocess.run(command, check=True, cwd=cwd)


def commit() -> None:
    run("git", "add", ".")
    run("git", "-c", "user.name=A", "-c", "user.email=a@example.org", "commit", "-qm", "All")


def clips() -> list[str]:
    with committed_shards(MELS) as shards:
        return [clip for shard in shards for clip in shard.mels]


def test_a_commit_gives_its_shards_after_the_output_is_gone(repository: Path) -> None:
    assert clips() == []  # no commit yet
    commit()
    shutil.rmtree(MELS)
    assert clips() == ["tess/OAF_back_sad", "tess/YAF_back_sad"]
    with committed_shards(Path("data/others")) as others:
        assert others == []


def test_a_shard_that_the_cache_lost_is_left_out_and_named(
    repository: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    commit()
    (lost,) = [
        path
        for path in Path(".dvc/cache").rglob("*")
        if path.is_file() and b"YAF_back" in path.read_bytes() and not path.name.endswith(".dir")
    ]
    lost.unlink()
    capsys.readouterr()
    assert clips() == ["tess/OAF_back_sad"]
    assert capsys.readouterr().out.startswith("data/mels: not all of it can be reused: YAF.safetensors (")


@pytest.mark.parametrize("state", ["no commit", "no cache", "no repository"])
def test_nothing_to_reuse_is_said_in_one_line(repository: Path, state: str, capsys: pytest.CaptureFixture[str]) -> None:
    if state == "no cache":
        commit()
        shutil.rmtree(".dvc/cache")
        shutil.rmtree(MELS)
    if state == "no repository":
        shutil.rmtree(".dvc")
    capsys.readouterr()
    assert clips() == []
    [line] = capsys.readouterr().out.splitlines()
    assert line.startswith("data/mels: not all of it can be reused: ")
    assert line.endswith(": nothing is committed to Git yet") == (state == "no commit")
