"""A result says what made it: parameters that change while a stage runs, and what they would do to a sound."""

import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile

from speech_emotion.core import params
from speech_emotion.core.errors import PipelineError
from stages import evaluate, fetch, finetune, labels, pretrained, spectrograms, split
from tests.pipeline import read_stages
from tests.workspace import ROOT, Workspace

STAGES = read_stages(ROOT / "dvc.yaml")
MAINS = {module.__name__.partition(".")[2]: module.main for module in (
    evaluate, fetch, finetune, labels, pretrained, spectrograms, split
)}  # fmt: skip


@pytest.fixture
def here(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> Workspace:
    """A workspace that is the working directory: stages run in this process."""
    monkeypatch.chdir(workspace.root)
    monkeypatch.setenv("SPEECH_CORPORA", "../corpora")
    monkeypatch.setenv("LOKY_MAX_CPU_COUNT", "1")
    monkeypatch.setattr(params, "_READ", {})
    return workspace


def run(stage: str) -> None:
    MAINS[stage.partition("@")[0]](STAGES[stage].cmd.split()[3:])


@pytest.mark.parametrize(
    "stage", ["fetch@tess", "labels", "split", "spectrograms@image-tess", "pretrained@image", "finetune@image_low"]
)
def test_a_stage_whose_parameters_change_while_it_runs_keeps_nothing(
    here: Workspace, monkeypatch: pytest.MonkeyPatch, stage: str
) -> None:
    section = STAGES[stage].params[-1]

    def read_then_edit(path: Path, name: str) -> Any:
        value = original(path, name)
        if name.startswith(section):
            here.set_param(f"{section}.added", "meanwhile")
        return value

    original = params._section
    before = {out: modified(here.root / out) for out in STAGES[stage].outs}
    monkeypatch.setattr(params, "_section", read_then_edit)
    with pytest.raises(PipelineError, match=rf"^params\.yaml: section '{section}[\w.]*' changed in the meantime"):
        run(stage)
    assert {out: modified(here.root / out) for out in STAGES[stage].outs} == before


def modified(path: Path) -> list[int]:
    return [one.stat().st_mtime_ns for one in (path, *path.rglob("*"))]


def test_an_edit_during_a_training_leaves_no_model_and_no_record(workspace: Workspace) -> None:
    lock = (workspace.root / "dvc.lock").read_text()
    workspace.set_param("image.high.epochs", 25)
    command = [sys.executable, "-m", "dvc", "repro", "finetune@image_high"]
    with subprocess.Popen(
        command, cwd=workspace.root, env=workspace.environment | {"PYTHONUNBUFFERED": "1"}, text=True,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
    ) as process:  # fmt: skip
        assert process.stdout
        for line in process.stdout:
            if "epoch 3/25" in line:
                break
        workspace.set_param("image.high.epochs", 3)
        printed = process.stdout.read()
    assert process.returncode == 255
    assert "error: params.yaml: section 'image.high' changed in the meantime; nothing was kept" in printed
    assert not (workspace.root / "models/image/high.safetensors").exists()
    assert (workspace.root / "dvc.lock").read_text() == lock
    assert "epoch 3/3" in workspace.dvc("repro", "finetune@image_high"), "no run-cache has another training for it"


def claim(workspace: Workspace, old: str, new: str) -> None:
    """Make dvc.lock name a setting that no model saw, as an edit in the last moment would."""
    workspace.replace_text("dvc.lock", old, new)
    workspace.replace_text("params.yaml", old, new)


def test_a_model_of_other_settings_than_dvc_lock_names_is_not_scored_and_drifts(here: Workspace) -> None:
    run("evaluate@image")
    claim(here, "weight_decay: 0.05", "weight_decay: 0.06")
    with pytest.raises(PipelineError) as caught:
        run("evaluate@image")
    assert str(caught.value) == (
        "models/image/low.safetensors: was made with weight_decay 0.05, dvc.lock says 0.06 for finetune@image_low; "
        "run `dvc repro --force --single-item finetune@image_low`, then `dvc repro`"
    )
    assert str(caught.value) in here.run(sys.executable, "-m", "tools.drift", code=1)


def test_a_model_of_other_spectrograms_than_dvc_lock_names_is_not_scored(here: Workspace) -> None:
    claim(here, "trim_db: 40.0", "trim_db: 41.0")
    with pytest.raises(
        PipelineError, match=r"was made with trim_db 40\.0, dvc\.lock says 41\.0 for spectrograms@image-"
    ):
        run("evaluate@image")


def test_a_training_that_fails_to_stay_finite_ends_without_an_output(workspace: Workspace) -> None:
    workspace.set_param("image.high.learning_rate", 1000.0)
    workspace.set_param("image.high.epochs", 3)
    printed = workspace.dvc("repro", "--single-item", "finetune@image_high", code=255).splitlines()
    [line] = [line for line in printed if line.startswith("error: ")]
    assert re.match(
        r"error: image\.high: (train|valid)_loss is (nan|inf) after epoch [123] at learning_rate 1000; lower it$", line
    )
    assert not (workspace.root / "models/image/high.safetensors").exists()


@pytest.mark.parametrize(
    ("setting", "value", "said"),
    [
        ("sample_rate_hz", 8000, "fmax_hz 8000.0, sample_rate_hz 8000"),
        ("fmax_hz", float("nan"), "fmax_hz is nan; it must be at least"),
        ("fmin_hz", 9000, "fmin_hz is 9000.0"),
        ("floor_db", float("nan"), "floor_db is nan; it must be at least"),
        ("floor_db", 30, "floor_db is 30.0; it must be below ceiling_db"),
        ("floor_db", 29.0, "is not silent, but its spectrogram is 0 throughout, made with FrontendSettings("),
        ("hop_samples", -160, "hop_samples is -160; it must be at least 1"),
        ("hop_samples", 0, "hop_samples is 0; it must be at least 1"),
        ("n_fft", 0, "n_fft is 0; it must be at least"),
        ("n_fft", 256, "of n_mels filters hold no bin of the spectrum"),
        ("n_mels", 0, "n_mels is 0; it must be at least 1"),
        ("n_mels", 512, "of n_mels filters hold no bin of the spectrum"),
        ("trim_db", -5, "trim_db is -5.0; it must be at least"),
    ],
)
def test_settings_that_give_black_or_dead_pictures_are_one_line(
    here: Workspace, setting: str, value: float, said: str
) -> None:
    here.set_param(f"image.spectrograms.{setting}", value)
    before = modified(here.root / "data/spectrograms/image/tess")
    with pytest.raises(PipelineError) as caught:
        run("spectrograms@image-tess")
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)
    assert modified(here.root / "data/spectrograms/image/tess") == before


def test_a_silent_clip_is_a_black_picture_and_one_too_soft_for_the_floor_an_error(here: Workspace) -> None:
    clip = here.root / "data/raw/tess/OAF_sad/OAF_back_sad.wav"
    tone, rate = soundfile.read(clip)
    soundfile.write(clip, np.zeros_like(tone), rate, subtype="PCM_16")
    run("spectrograms@image-tess")
    soundfile.write(clip, tone * 2e-4, rate, subtype="FLOAT")
    with pytest.raises(PipelineError, match=r"OAF_back_sad\.wav: is not silent, but its spectrogram is 0 throughout"):
        run("spectrograms@image-tess")
