"""Fixtures that several test files share."""

import os
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from filelock import FileLock

from tests import warm_python
from tests.workspace import Workspace, create

# A suite that was started in the background ignores Ctrl-C, and so would each command that its tests interrupt.
signal.signal(signal.SIGINT, signal.default_int_handler)
# Its commands send no statistics: each would start a process for that.
os.environ["DVC_NO_ANALYTICS"] = "1"
# As many processes as cores run tests: a second thread of each would wait, spinning, for a core.
os.environ |= {"OMP_NUM_THREADS": "1", "OMP_WAIT_POLICY": "PASSIVE"}
# A file goes to one process as a whole, so the long ones come first. One process begins with the first, which makes
# the finished workspace, the other with the second, which needs none.
LONG = (
    "tools/test_remotes.py",
    "benchmark/test_pool.py",
    "benchmark/test_strangers.py",
    "training/test_fine_tune.py",
    "test_demo.py",
    "stages/test_repro.py",
    "tools/test_lock_merge.py",
    "stages/test_endings.py",
    "test_faults.py",
    "cache/test_workers.py",
    "test_tour.py",
    "stages/test_settings.py",
    "tools/test_drift.py",
    "benchmark/test_run.py",
    "stages/test_experiments.py",
    "fetching/test_fetch.py",
    "stages/test_encoders.py",
    "stages/test_corpora.py",
    "test_export.py",
    "stages/test_places.py",
    "cache/test_spectrograms.py",
)


def pytest_configure(config: pytest.Config) -> None:
    """Let the processes that this one will start share one warm Python, which imports while they collect tests."""
    if config.getoption("numprocesses", None) and not hasattr(config, "workerinput"):
        os.environ[warm_python.SHARED] = str(warm_python.start())


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put the long files first, and leave each file's order as it is."""
    folder = Path(__file__).parent
    places = {folder / file: place for place, file in enumerate(LONG)}
    items.sort(key=lambda item: places.get(item.path, len(places)))


@pytest.fixture(scope="session")
def finished_workspace(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    """A small project in which the whole pipeline ran, committed. Change copies of it only.

    One process makes it, the others copy it.
    """
    folder = tmp_path_factory.getbasetemp()
    folder = (folder.parent if "PYTEST_XDIST_WORKER" in os.environ else folder) / "made-once"
    with FileLock(f"{folder}.lock"):
        if not (folder / "done").exists():
            workspace = create(folder / "workspace")
            workspace.repro()
            workspace.commit()
            (folder / "done").touch()
    return Workspace(folder / "workspace").copy(tmp_path_factory.mktemp("finished"))


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
