"""Fixtures that several test files share."""

import os
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.workspace import Workspace, create

# A suite that was started in the background ignores Ctrl-C, and so would each command that its tests interrupt.
signal.signal(signal.SIGINT, signal.default_int_handler)
# Its commands send no statistics: each would start a process for that.
os.environ["DVC_NO_ANALYTICS"] = "1"


@pytest.fixture(scope="session")
def finished_workspace(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    """A small project in which the whole pipeline ran, committed. Made once: change copies of it only."""
    workspace = create(tmp_path_factory.mktemp("finished"))
    workspace.repro()
    workspace.commit()
    return workspace


@pytest.fixture
def workspace(finished_workspace: Workspace, tmp_path: Path) -> Workspace:
    """A copy of `finished_workspace` for one test."""
    return finished_workspace.copy(tmp_path / "workspace")


@pytest.fixture(scope="session")
def cached_workspace(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    """A small project with one encoder's spectrograms, committed. Made once: change copies of it only."""
    workspace = create(tmp_path_factory.mktemp("cached"))
    workspace.repro("spectrograms@image-ravdess", "spectrograms@image-tess")
    workspace.commit()
    return workspace


@pytest.fixture
def full_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 200 kB with 4 kB free."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=200k", "tmpfs", folder]
    if subprocess.run(mount, stderr=subprocess.DEVNULL).returncode:
        pytest.skip("no right to mount a small file system")
    try:
        (folder / "fill").write_bytes(bytes(os.statvfs(folder).f_bavail * 4096 - 4096))
        yield folder
    finally:
        subprocess.run(["umount", folder], check=True)
