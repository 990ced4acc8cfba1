"""The last lines of a command that failed."""

import pytest

from speech_emotion.core.command import run
from speech_emotion.core.errors import PipelineError
from tests.workspace import Workspace


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
