"""Fixtures that several test files share."""

import signal
from pathlib import Path

import pytest

from tests.workspace import Workspace, create

# A suite that was started in the background ignores Ctrl-C, and so would each command that its tests interrupt.
signal.signal(signal.SIGINT, signal.default_int_handler)


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
