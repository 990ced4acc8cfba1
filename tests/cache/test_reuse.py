"""A spectrogram is computed once: later runs take it from the last commit, wherever its shards are."""

import shutil
from pathlib import Path

import pytest

from tests.factorial_corpora import ravdess_clips
from tests.servers import free_port
from tests.small_corpora import contents, tone, write_clip
from tests.workspace import Workspace

ALL_COMPUTED = "spectrograms@image-tess: 0 reused, 28 computed, 0 dropped"


@pytest.fixture
def workspace(cached_workspace: Workspace, tmp_path: Path) -> Workspace:
    return cached_workspace.copy(tmp_path / "workspace")


def test_added_clip_is_the_one_that_is_computed(workspace: Workspace) -> None:
    write_clip(workspace.root / "data/raw/tess/YAF_sad/YAF_youth_sad.wav", tone(900, 16000, duration_s=0.5))
    printed = workspace.dvc("repro", "--single-item", "spectrograms@image-tess")
    assert "spectrograms@image-tess: 28 reused, 1 computed, 0 dropped" in printed


def test_new_speaker_adds_a_shard_and_leaves_the_others_alone(workspace: Workspace) -> None:
    before = contents(workspace.root / "data/spectrograms/image/ravdess")
    workspace.record("ravdess", *ravdess_clips(["05"]), lowest_hz=900)
    printed = workspace.dvc("repro", "spectrograms@image-ravdess")
    assert "spectrograms@image-ravdess: 32 reused, 8 computed, 0 dropped" in printed
    after = contents(workspace.root / "data/spectrograms/image/ravdess")
    assert {name for name in after if after[name] != before.get(name)} == {"05.safetensors"}


def test_changed_algorithm_computes_all(workspace: Workspace) -> None:
    workspace.replace_text("speech_emotion/encoders/image/frontend.py", "AMIN = 1e-12", "AMIN = 1e-3")
    before = contents(workspace.root / "data/spectrograms/image/tess")
    assert ALL_COMPUTED in workspace.dvc("repro", "spectrograms@image-tess")
    assert contents(workspace.root / "data/spectrograms/image/tess") != before


def test_with_the_remote_gone_all_is_computed(workspace: Workspace, tmp_path: Path) -> None:
    clone = workspace.clone(tmp_path / "clone")
    shutil.copytree(workspace.root / "data/raw/tess", clone.root / "data/raw/tess")
    shutil.rmtree(workspace.root / ".dvc/cache")
    printed = clone.stage("spectrograms", "image", "tess", "data/raw/tess", "data/spectrograms/image/tess")
    assert ALL_COMPUTED in printed
    assert "Traceback" not in printed
    assert contents(clone.root / "data/spectrograms/image/tess") == contents(
        workspace.root / "data/spectrograms/image/tess"
    )


def test_with_an_s3_server_that_is_down_all_is_computed(
    workspace: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # The list of the shards is here and they are not, as after a pull that was cut off: DVC asks the remote.
    clone = workspace.clone(tmp_path / "clone")
    shutil.copytree(workspace.root / "data/raw/tess", clone.root / "data/raw/tess")
    cache = Path(".dvc/cache/files/md5")
    for listing in (workspace.root / cache).glob("*/*.dir"):
        copy = clone.root / cache / listing.parent.name / listing.name
        copy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(listing, copy)
    clone.dvc("remote", "add", "-q", "--local", "--default", "down", "s3://bucket/folder")
    settings = {"endpointurl": f"http://127.0.0.1:{free_port()}", "access_key_id": "id", "secret_access_key": "secret"}
    for key, value in settings.items():
        clone.dvc("remote", "modify", "-q", "--local", "down", key, value)
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")  # or each file is tried for minutes
    printed = clone.stage("spectrograms", "image", "tess", "data/raw/tess", "data/spectrograms/image/tess")
    assert "data/spectrograms/image/tess: not all of it can be reused: OAF.safetensors (" in printed
    assert ALL_COMPUTED in printed
    assert "Traceback" not in printed


def test_two_processes_write_the_bytes_of_one(workspace: Workspace) -> None:
    # No commit knows this folder, so that all is computed; the workspace's own shards come from one process.
    printed = workspace.stage("spectrograms", "image", "tess", "data/raw/tess", "data/two/tess", "--jobs", "2")
    assert ALL_COMPUTED in printed
    assert contents(workspace.root / "data/two/tess") == contents(workspace.root / "data/spectrograms/image/tess")
