"""The last lines of a command that failed."""

import errno
import os
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from speech_emotion.core.command import run
from speech_emotion.core.errors import PipelineError
from tests.workspace import ROOT, Workspace

ENDED_BY = """
import os, signal, sys
from pathlib import Path
from speech_emotion.core.command import run
from speech_emotion.core.files import replacing
def main():
    with replacing(Path("out.csv")) as temporary:
        temporary.write_text("half")
        os.kill(os.getpid(), int(sys.argv[1]))
run(main)
"""


def fail() -> None:
    raise PipelineError("clip.wav: is empty; record it again")


def test_a_failure_is_one_line_and_exit_code_1(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("DVC_STAGE", raising=False)
    with pytest.raises(SystemExit) as ended:
        run(fail)
    assert ended.value.code == 1
    assert capsys.readouterr().err == "error: clip.wav: is empty; record it again\n"


@pytest.mark.parametrize(
    ("error", "line"),
    [
        (PermissionError(errno.EACCES, "Permission denied", "data/x.csv"), "data/x.csv: Permission denied; check path"),
        (OSError(errno.ENOSPC, "No space left on device"), "[Errno 28] No space left on device; check space in"),
        (MemoryError(), "out of memory (MemoryError); stop other programs"),
        (RuntimeError("DefaultCPUAllocator: can't allocate memory:\n you tried"), "out of memory (DefaultCPUAllocator"),
        (KeyError("frames"), "KeyError ('frames') was not foreseen; report it"),
        (UnicodeEncodeError("utf-8", "\udce9", 0, 1, "surrogates not allowed"), "UnicodeEncodeError ("),
    ],
)
def test_what_nobody_foresaw_is_one_line_that_names_a_file_with_the_traceback(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path, error: Exception, line: str
) -> None:
    def unlucky() -> None:
        raise error

    monkeypatch.delenv("DVC_STAGE", raising=False)
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    with pytest.raises(SystemExit) as ended:
        run(unlucky)
    assert ended.value.code == 1
    [printed] = capsys.readouterr().err.splitlines()
    assert printed.startswith(f"error: {line}")
    [written] = tmp_path.iterdir()
    assert printed.endswith(f"; traceback: {written}")
    assert "in unlucky" in written.read_text()


def test_a_traceback_that_cannot_be_written_is_printed(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "absent"))
    with pytest.raises(SystemExit):
        run(lambda: {}["frames"])
    assert "traceback: could not be written\nTraceback (most" in capsys.readouterr().err


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_each_signal_that_ends_a_command_leaves_nothing_behind(tmp_path: Path, number: int) -> None:
    command = [sys.executable, "-c", ENDED_BY, str(int(number))]
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    ended = subprocess.run(
        command, cwd=tmp_path, env=environment, capture_output=True, text=True,
        preexec_fn=lambda: signal.signal(number, signal.SIG_DFL),  # nohup, around the tests, ignores one of them
    )  # fmt: skip
    assert (ended.returncode, ended.stderr) == (130, "interrupted: no output was written\n")
    assert list(tmp_path.iterdir()) == []


def test_under_nohup_a_closed_terminal_ends_nothing(tmp_path: Path) -> None:
    command = ["nohup", sys.executable, "-c", ENDED_BY, str(int(signal.SIGHUP))]
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    assert subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True).returncode == 0
    assert (tmp_path / "out.csv").read_text() == "half"


def test_outputs_that_dvc_removed_come_back_by_the_commands_that_a_failed_stage_names(workspace: Workspace) -> None:
    workspace.set_param("image.high.epochs", -1)
    printed = workspace.dvc("repro", "finetune@image_high", code=255)
    assert "epochs is -1; it must be at least 0" in printed
    assert "`git checkout metrics` and `dvc checkout finetune@image_high`" in printed
    assert workspace.git("status", "--porcelain", "metrics") == " D metrics/image/curve_high.csv\n"
    workspace.git("checkout", "metrics")
    workspace.dvc("checkout", "finetune@image_high")
    assert workspace.git("status", "--porcelain") == " M params.yaml\n"
    assert (workspace.root / "models/image/high.safetensors").exists()
