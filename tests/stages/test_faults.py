"""Each stage on a full disk, and where it must not write: one line, nothing half.

Stages that are killed, or whose corpus disappears: test_endings.py, and `python -m tests.faults`. Remotes that fail:
tests/tools/test_remotes.py. A damaged cache: tests/tools/test_cache_check.py.
"""

import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.pipeline import read_stages
from tests.small_corpora import contents
from tests.workspace import ROOT, Workspace

STAGES = read_stages(ROOT / "dvc.yaml")
ONE_OF_EACH = (
    *("fetch@tess", "labels", "split", "spectrograms@speech-tess", "pretrained@speech", "finetune@speech_head"),
    *("evaluate@speech", "fuse", "export"),
)


@pytest.fixture(scope="module")
def finished(finished_workspace: Workspace, tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    return finished_workspace.copy(tmp_path_factory.mktemp("faults") / "workspace")


@pytest.fixture
def read_only(tmp_path: Path) -> Iterator[Path]:
    """A file system that even root cannot write to."""
    folder = tmp_path / "read-only"
    folder.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "ro", "tmpfs", folder], stderr=subprocess.DEVNULL).returncode:
        pytest.skip("no right to mount a file system")
    try:
        yield folder
    finally:
        subprocess.run(["umount", folder], check=True)


def command_into(name: str, folder: Path) -> list[str]:
    """Return the command of a stage with its outputs below `folder`."""
    stage = STAGES[name]
    _, _, module, *arguments = shlex.split(stage.cmd)

    def is_output(path: str) -> bool:
        return any(out == path or out.startswith(f"{path}/") for out in stage.outs)

    moved = [f"{folder}/{one}" if is_output(one) else one for one in arguments]
    assert moved != arguments
    return [sys.executable, "-m", module, *moved]


def assert_one_line(printed: str, folder: Path, reason: str) -> None:
    last = printed.splitlines()[-1]
    assert last.startswith("error: ")
    assert str(folder) in last
    assert reason in last
    assert "Traceback" not in printed


@pytest.mark.parametrize("name", ONE_OF_EACH)
def test_a_full_disk_is_one_line_and_nothing_half(
    name: str, finished: Workspace, full_disk: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (full_disk / "rest").write_bytes(bytes(4096))
    monkeypatch.setenv("TMPDIR", str(tmp_path))  # where a finished training goes
    before = contents(finished.root / "metrics")
    assert_one_line(finished.run(*command_into(name, full_disk), code=1), full_disk, "No space left on device")
    assert sorted(path.name for path in full_disk.rglob("*") if path.is_file()) == ["fill", "rest"]
    assert contents(finished.root / "metrics") == before


@pytest.mark.parametrize("name", ["labels", "spectrograms@speech-tess", "fuse"])
def test_a_target_that_cannot_be_written_is_one_line(name: str, finished: Workspace, read_only: Path) -> None:
    assert_one_line(finished.run(*command_into(name, read_only), code=1), read_only, "Read-only file system")
