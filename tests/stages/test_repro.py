"""`dvc repro` runs what a change concerns, and nothing else."""

import json
import shutil
import sys
from pathlib import Path

import pytest

from speech_emotion.core.errors import PipelineError
from stages import evaluate
from tests.pipeline import read_stages
from tests.small_corpora import contents, tone, write_clip
from tests.workspace import ROOT, Workspace, stages_run

STAGES = read_stages(ROOT / "dvc.yaml")
SPECTROGRAMS = {"spectrograms@image-ravdess", "spectrograms@image-tess"}
TRAINING = {name for name in STAGES if name.startswith(("finetune@", "evaluate@", "fuse", "export"))}
NOT_TRAINING = ("split", *sorted(name for name in STAGES if name.startswith("spectrograms@")))


def test_second_run_runs_nothing_and_leaves_nothing_to_commit(workspace: Workspace) -> None:
    assert workspace.repro() == set()
    assert workspace.git("status", "--porcelain") == ""


def test_parameter_of_the_second_training_reruns_it_and_the_scores(workspace: Workspace) -> None:
    before = contents(workspace.root / "models")
    workspace.set_param("image.high.learning_rate", 0.002)
    assert workspace.repro() == {"finetune@image_high", "evaluate@image", "fuse"}
    after = contents(workspace.root / "models")
    assert {name for name in after if after[name] != before[name]} == {"image/high.safetensors"}


@pytest.mark.parametrize(
    ("parameter", "value", "ran"),
    [
        ("split.protocol", "random", {"split"}),
        ("labels.tess.ps", "happy", {"labels", "split"}),
    ],
)
def test_change_of_split_or_labels_costs_no_spectrogram(
    workspace: Workspace, parameter: str, value: str, ran: set[str]
) -> None:
    workspace.set_param(parameter, value)
    assert workspace.repro(*NOT_TRAINING) == ran
    assert set(json.loads(workspace.dvc("status", "--json"))) == TRAINING


def test_comment_in_the_algorithm_reruns_the_spectrograms_and_scores_and_trains_nothing(workspace: Workspace) -> None:
    workspace.replace_text(
        "speech_emotion/encoders/image/frontend.py", "\nAMIN", "\n# Far below any microphone's noise.\nAMIN"
    )
    printed = workspace.dvc("repro")
    assert stages_run(printed) == SPECTROGRAMS | {"evaluate@image", "fuse"}, "pictures need the front end"
    assert "spectrograms@image-ravdess: 32 reused, 0 computed, 0 dropped" in printed
    assert "spectrograms@image-tess: 28 reused, 0 computed, 0 dropped" in printed
    assert set(workspace.git("status", "--porcelain").split()) == {
        "M",
        "dvc.lock",
        "speech_emotion/encoders/image/frontend.py",
    }


def test_replaced_clip_changes_its_speakers_shard_alone(workspace: Workspace) -> None:
    before = contents(workspace.root / "data/spectrograms")
    workspace.record("tess", "OAF_sad/OAF_back_sad", lowest_hz=900)
    # The table of clips comes out as it was, so that the split does not rerun.
    printed = workspace.dvc("repro", *NOT_TRAINING)
    assert stages_run(printed) == {"fetch@tess", "labels", "spectrograms@image-tess", "spectrograms@speech-tess"}
    assert "spectrograms@image-tess: 27 reused, 1 computed, 0 dropped" in printed
    after = contents(workspace.root / "data/spectrograms")
    changed = {name for name in after if after[name] != before.get(name)}
    assert changed == {"image/tess/OAF.safetensors", "speech/tess/OAF.safetensors"}
    assert set(json.loads(workspace.dvc("status", "--json"))) == TRAINING


def test_fresh_clone_pulls_and_has_nothing_to_do(workspace: Workspace, tmp_path: Path) -> None:
    clone = workspace.clone(tmp_path / "clone")
    clone.dvc("pull")
    assert clone.repro() == set()
    assert "up to date" in clone.dvc("status")
    assert clone.git("status", "--porcelain") == ""
    for folder in ("data", "models", "metrics"):
        assert contents(clone.root / folder) == contents(workspace.root / folder)


def test_forced_rerun_gives_the_same_bytes(workspace: Workspace) -> None:
    # Each in a process of its own, the training on a CPU and with mixup, as the finished workspace was made.
    stages = ("labels", "split", "pretrained@image", "finetune@image_low")
    assert workspace.repro("--force", "--single-item", *stages) == set(stages)
    assert workspace.git("status", "--porcelain") == ""


def test_model_of_another_split_is_not_scored(workspace: Workspace) -> None:
    workspace.replace_text("data/split.csv", "angry,test", "angry,valid")
    printed = workspace.dvc("repro", "--single-item", "evaluate@image", code=255)
    [line] = [line for line in printed.splitlines() if line.startswith("error: ")]
    assert "models/image/low.safetensors: was not trained on the data beside it: split has md5" in line
    assert "Traceback" not in printed


def test_missing_model_is_one_clear_line(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(workspace.root)
    arguments = STAGES["evaluate@image"].cmd.split()[3:]
    Path("models/image/high.safetensors").unlink()
    with pytest.raises(PipelineError, match=r"^models/image/high\.safetensors: [^\n]*dvc (repro|pull)[^\n]*$"):
        evaluate.main(arguments)


def test_lost_outputs_come_back_without_a_run(workspace: Workspace) -> None:
    before = contents(workspace.root / "data")
    shutil.rmtree(workspace.root / "data/spectrograms")
    shutil.rmtree(workspace.root / "models")
    (workspace.root / "metrics/image/metrics.json").unlink()
    assert workspace.repro() == set()
    assert contents(workspace.root / "data") == before
    assert workspace.git("status", "--porcelain") == ""


def test_a_training_refuses_another_beside_it_leaves_no_output_when_interrupted_and_can_be_repeated(
    workspace: Workspace,
) -> None:
    def another() -> None:
        refused = workspace.dvc(*command[3:], code=255)
        assert "is busy, it is being blocked by" in refused
        assert "Traceback" not in refused

    workspace.set_param("image.high.epochs", 10_000)
    command = (sys.executable, "-m", "dvc", "repro", "finetune@image_high")
    code, printed = workspace.interrupt(*command, after="image.high: epoch 1/", meanwhile=another)
    assert (code, "interrupted: no output was written" in printed, "Traceback" in printed) == (255, True, False)
    assert sorted(contents(workspace.root / "models/image")) == ["low.safetensors", "pretrained.safetensors"]
    workspace.set_param("image.high.epochs", 1)
    assert workspace.repro() == set(), "what was computed with these parameters before comes from the run-cache"
    assert workspace.git("status", "--porcelain") == ""


def test_interrupted_spectrograms_leave_no_output_and_can_be_repeated(workspace: Workspace) -> None:
    before = contents(workspace.root / "data")
    long = [workspace.root / f"data/raw/tess/YAF_sad/YAF_zoo{number}_sad.wav" for number in range(4)]
    for clip in long:  # seconds of work after the line that is waited for
        write_clip(clip, tone(900, 16000, duration_s=200))
    command = (sys.executable, "-m", "dvc", "repro", "--single-item", "spectrograms@image-tess")
    code, printed = workspace.interrupt(*command, after="of 32 clips")
    assert (code, "interrupted: no output was written" in printed, "Traceback" in printed) == (255, True, False)
    for clip in long:
        clip.unlink()
    left = contents(workspace.root / "data/spectrograms/image")
    assert [name for name in left if not name.startswith("ravdess/")] == []
    workspace.repro()
    assert contents(workspace.root / "data") == before
    assert workspace.git("status", "--porcelain") == ""
