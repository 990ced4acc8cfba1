"""Outputs appear whole or not at all, and killed runs leave nothing for ever."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from speech_emotion.core.files import NotWrittenError, replacing, write_text
from tests.workspace import ROOT

NOBODY = 65534
HELD = """
import sys, time
from pathlib import Path
from speech_emotion.core.files import replacing
with replacing(Path(sys.argv[1])) as temporary:
    temporary.write_text("half")
    print(flush=True)
    time.sleep(60)
"""


@contextmanager
def ordinary_user() -> Iterator[None]:
    """Root may write anywhere."""
    root = os.geteuid() == 0
    if root:
        os.seteuid(NOBODY)
    try:
        yield
    finally:
        if root:
            os.seteuid(0)


@contextmanager
def held(target: Path) -> Iterator["subprocess.Popen[str]"]:
    """Yield a process that is about to replace `target`."""
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-c", HELD, str(target)]
    with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        process.stdout.readline()
        try:
            yield process
        finally:
            process.kill()


def test_a_full_disk_is_named_with_the_file_and_the_old_file_stays(full_disk: Path) -> None:
    target = full_disk / "a.csv"
    write_text(target, "old")
    with pytest.raises(NotWrittenError, match=r"disk/a\.csv: cannot be written \(No space left .*\); make space"):
        write_text(target, "x" * 100_000)
    assert target.read_text() == "old"
    assert sorted(path.name for path in full_disk.iterdir()) == ["a.csv", "fill"]


def test_a_file_of_a_folder_is_named_by_its_final_place(full_disk: Path) -> None:
    shards = full_disk / "shards"
    with pytest.raises(NotWrittenError, match=r"disk/shards/OAF: cannot"), replacing(shards) as folder:
        write_text(folder / "OAF", "x" * 100_000)
    assert [path.name for path in full_disk.iterdir()] == ["fill"]


@pytest.mark.parametrize("target", ["a.csv", "new/a.csv"])
def test_no_right_to_write_is_named_with_the_file(tmp_path: Path, target: str) -> None:
    (tmp_path / "locked").mkdir(mode=0o555)
    with ordinary_user(), pytest.raises(NotWrittenError, match=rf"locked/{target}: .*\(Permission denied\)"):
        write_text(tmp_path / "locked" / target, "x")


def test_an_input_that_cannot_be_read_is_not_taken_for_the_output(tmp_path: Path) -> None:
    with pytest.raises(PermissionError), replacing(tmp_path / "out" / "a.csv"):
        raise PermissionError(13, "Permission denied", str(tmp_path / "elsewhere" / "clip.wav"))


def test_a_killed_run_s_folder_goes_with_the_next_run_and_a_living_one_s_stays(tmp_path: Path) -> None:
    target = tmp_path / "a[1].csv"
    with held(target) as killed, held(target):
        assert len(list(tmp_path.iterdir())) == 2
        killed.send_signal(signal.SIGKILL)
        killed.wait()
        write_text(target, "whole")
        assert len(list(tmp_path.iterdir())) == 2, "the result, and the folder of the one that lives"
    write_text(target, "whole")
    assert list(tmp_path.iterdir()) == [target]


def test_another_target_s_folder_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / ".a.csv.backup").mkdir()
    (tmp_path / ".b.csv.0.partial").mkdir()
    write_text(tmp_path / "a.csv", "whole")
    assert len(list(tmp_path.iterdir())) == 3


@pytest.mark.parametrize("program", ["git", "dvc"])
def test_git_and_dvc_ignore_what_a_killed_run_leaves(program: str) -> None:
    tool = {"git": ["git"], "dvc": [sys.executable, "-m", "dvc"]}[program]
    left = "metrics/image/.predictions.csv.0.partial/predictions.csv"
    assert subprocess.run([*tool, "check-ignore", "-q", left], cwd=ROOT).returncode == 0
    assert subprocess.run([*tool, "check-ignore", "-q", "metrics/image/predictions.csv"], cwd=ROOT).returncode == 1
