"""A byte of the cache that flipped is named, goes, and comes back right."""

import hashlib
from pathlib import Path

import pytest

from tests.workspace import Workspace

TESS = "data/spectrograms/image/tess"
SHARD = f"{TESS}/YAF.safetensors"


def stored(workspace: Workspace, path: str) -> Path:
    md5 = hashlib.md5((workspace.root / path).read_bytes()).hexdigest()
    return workspace.root / ".dvc/cache/files/md5" / md5[:2] / md5[2:]


def flip_a_byte(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.chmod(0o644)
    path.write_bytes(content)
    path.chmod(0o444)


@pytest.fixture
def copy(cached_workspace: Workspace, tmp_path: Path) -> Workspace:
    return cached_workspace.copy(tmp_path / "workspace")


def check(workspace: Workspace, *, code: int) -> str:
    return workspace.run("python", "-m", "tools.cache_check", code=code)


def test_what_was_checked_out_of_a_damaged_cache_is_made_again(copy: Workspace) -> None:
    assert check(copy, code=0) == ""
    content = (copy.root / SHARD).read_bytes()
    damaged = stored(copy, SHARD)
    flip_a_byte(damaged)
    (copy.root / SHARD).unlink()
    copy.dvc("checkout", TESS)
    assert (copy.root / SHARD).read_bytes() != content, "DVC would not trust its cache: the tool could go"
    assert check(copy, code=1) == (
        f"error: {TESS}: the cache held other bytes than dvc.lock names, and they were deleted; `make pull` brings "
        "the right ones from a remote, `dvc repro` makes them again\n"
    )
    assert not damaged.exists()
    assert copy.repro("spectrograms@image-tess") == {"spectrograms@image-tess"}
    assert (copy.root / SHARD).read_bytes() == content
    assert check(copy, code=0) == ""


def test_an_intact_output_of_a_damaged_cache_stays(copy: Workspace) -> None:
    content = (copy.root / SHARD).read_bytes()
    flip_a_byte(stored(copy, SHARD))
    check(copy, code=1)
    assert (copy.root / SHARD).read_bytes() == content
    copy.repro("spectrograms@image-tess")
    assert stored(copy, SHARD).read_bytes() == content


def test_a_damaged_list_of_a_folder_is_found(copy: Workspace) -> None:
    [listing] = [
        path for path in (copy.root / ".dvc/cache/files/md5").glob("*/*.dir") if b"YAF.safetensors" in path.read_bytes()
    ]
    flip_a_byte(listing)
    assert TESS in check(copy, code=1)
    copy.repro("spectrograms@image-tess")
    assert check(copy, code=0) == ""
