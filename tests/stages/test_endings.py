"""Stages that are killed, orphaned, or have no space: one line, nothing left, nothing lost."""

import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pandas as pd
import pytest

from speech_emotion.core.errors import PipelineError
from speech_emotion.model.checkpoint import load_model
from stages import finetune
from tests.small_corpora import contents, tone, write_clip
from tests.trainings import small_model
from tests.workspace import ROOT, Workspace

psutil = pytest.importorskip("psutil")
LONG_CLIPS = 4
REPRO = (sys.executable, "-m", "dvc", "repro", "--single-item", "spectrograms@image-tess")

STAGE = (sys.executable, "-m", "stages.spectrograms", "image", "tess", "data/raw/tess")


@pytest.fixture
def busy(cached_workspace: Workspace, tmp_path: Path) -> Workspace:
    """A workspace whose spectrograms take ten seconds: a few of the clips are minutes long."""
    workspace = cached_workspace.copy(tmp_path / "workspace")
    for number in range(LONG_CLIPS):
        write_clip(workspace.root / f"data/raw/tess/YAF_sad/YAF_zoo{number}_sad.wav", tone(900, 16000, duration_s=500))
    return workspace


def start(workspace: Workspace, *command: str) -> "subprocess.Popen[str]":
    """Start `command` with two workers and return when clips are being computed."""
    process = workspace.start(*command, LOKY_MAX_CPU_COUNT="2")
    assert process.stdout
    assert any(f" of {28 + LONG_CLIPS} clips" in line for line in process.stdout)
    return process


def wait_until(true: Callable[[], bool], timeout_s: float = 20) -> bool:
    end = time.monotonic() + timeout_s
    while not true() and time.monotonic() < end:
        time.sleep(0.1)
    return true()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
@pytest.mark.parametrize("ending", ["", "; true"])  # with another command, the shell stays between DVC and the stage
def test_a_stage_ends_with_the_dvc_that_started_it(busy: Workspace, number: int, ending: str) -> None:
    paths = "data/raw/${item.corpus} data/spectrograms/${item.encoder}/${item.corpus}"
    busy.replace_text("dvc.yaml", paths, paths + ending)
    with start(busy, *REPRO) as dvc:
        processes = psutil.Process(dvc.pid).children(recursive=True)
        assert len(processes) >= 3, "the stage and two workers"
        dvc.send_signal(number)
        dvc.wait()
        assert wait_until(lambda: not any(process.is_running() for process in processes))
        assert "interrupted: no output was written" in (dvc.stdout.read() if dvc.stdout else "")
    assert [path.name for path in (busy.root / "data/spectrograms/image").iterdir()] == ["ravdess"]


def test_a_killed_worker_is_one_line(busy: Workspace) -> None:
    with start(busy, *REPRO) as dvc:
        workers = [
            one for one in psutil.Process(dvc.pid).children(recursive=True) if "popen_loky" in str(one.cmdline())
        ]
        workers[0].kill()
        printed = dvc.stdout.read() if dvc.stdout else ""
    assert "error: data/raw/tess: a worker process was killed, most likely for memory; set LOKY_MAX" in printed
    assert "Traceback" not in printed


def test_what_a_killed_stage_left_is_nothing_to_git_and_goes_with_the_next_run(busy: Workspace) -> None:
    folder = busy.root / "data/spectrograms/image"
    with start(busy, *STAGE, "metrics/tess") as stage:
        stage.kill()
        stage.wait()
    (busy.root / "metrics/.tess.0.partial").mkdir(parents=True, exist_ok=True)
    (busy.root / "metrics/.tess.0.partial/OAF").touch()
    busy.git("add", "--all", "metrics")
    assert busy.git("status", "--porcelain", "metrics") == ""
    for clip in (busy.root / "data/raw/tess/YAF_sad").glob("YAF_zoo*"):
        clip.unlink()
    busy.stage("spectrograms", "image", "tess", "data/raw/tess", "metrics/tess")
    assert [path.name for path in (busy.root / "metrics").iterdir()] == ["tess"]
    assert contents(busy.root / "metrics/tess") == contents(folder / "tess")


def test_workers_end_with_a_stage_that_was_killed() -> None:
    code = (
        "import os, time\n"
        "from pathlib import Path\n"
        "from speech_emotion.cache import workers\n"
        "with workers.results(os.path.getsize, [(Path('README.md'),)] * 40, dict, Path(), jobs=2) as found:\n"
        "    print(sum(found), flush=True)\n"
        "    time.sleep(60)\n"
    )
    with subprocess.Popen([sys.executable, "-c", code], cwd=ROOT, stdout=subprocess.PIPE, text=True) as stage:
        assert stage.stdout
        assert int(stage.stdout.readline()) > 0
        processes = psutil.Process(stage.pid).children(recursive=True)
        stage.kill()
        _, left = psutil.wait_procs(processes, timeout=20)
        for process in left:
            process.kill()
    assert len(processes) >= 2
    assert left == []


def test_no_space_for_spectrograms_is_one_line(cached_workspace: Workspace, full_disk: Path) -> None:
    target = f"{full_disk}/tess"
    printed = cached_workspace.stage("spectrograms", "image", "tess", "data/raw/tess", target, code=1)
    assert f"\nerror: {target}/OAF.safetensors: cannot be written (No space left on device); make space" in printed
    assert "Traceback" not in printed


@pytest.mark.parametrize("full", ["model", "curve"])
def test_a_finished_training_is_not_lost_to_a_full_disk(
    full_disk: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, full: str
) -> None:
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "elsewhere"))
    place = {"model": tmp_path, "curve": tmp_path} | {full: full_disk}
    model, curve = small_model(temperature=1.5), pd.DataFrame({"epoch": range(5000)})
    with pytest.raises(PipelineError) as caught:
        finetune.save_training(place["model"] / "low.safetensors", place["curve"] / "curve.csv", model, curve)
    [folder] = (tmp_path / "elsewhere").iterdir()
    assert "No space left" in str(caught.value)
    assert f"the finished training is in {folder}: move its files to {place['model']} and" in str(caught.value)
    assert load_model(folder / "low.safetensors").description.temperature == 1.5
    assert len(pd.read_csv(folder / "curve.csv")) == 5000


def test_a_training_that_fits_nowhere_leaves_no_half_of_itself(
    full_disk: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (elsewhere := full_disk / "elsewhere").mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(elsewhere))
    monkeypatch.setattr(tempfile, "mkdtemp", partial(in_folder, tempfile.mkdtemp, elsewhere))
    curve = pd.DataFrame({"epoch": range(3)})
    with pytest.raises(PipelineError, match="No space left"):
        finetune.save_training(full_disk / "low.safetensors", full_disk / "curve.csv", small_model(), curve)
    assert list(elsewhere.iterdir()) == []


def in_folder(make: Callable[..., str], folder: Path, suffix: str = "", prefix: str = "", dir: object = None) -> str:
    """Make a folder as `make` does, where it would be elsewhere than `folder` lies in `folder`."""
    return make(suffix, prefix, dir if Path(str(dir)).is_relative_to(folder.parent) else folder)


def test_a_worker_does_not_outlive_a_command_that_is_ended_alone(busy: Workspace) -> None:
    with start(busy, *STAGE, "data/a") as stage:
        workers = psutil.Process(stage.pid).children(recursive=True)
        os.kill(stage.pid, signal.SIGTERM)
        assert stage.wait() == 130
        assert wait_until(lambda: not any(worker.is_running() for worker in workers))
