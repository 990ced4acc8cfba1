"""A cell for real, in a small project: trained by `benchmark.run`, then taken over by DVC."""

import json
import multiprocessing
import shutil
import subprocess
import sys

import pandas as pd
import pytest
import torch

from benchmark.answers import ADAPTED, FIRST, LAST, read_answers
from benchmark.run import take_gpu
from tests.workspace import ROOT, Workspace

STAGE = "cell@image-random-0"
# What a machine that only trains does not have.
BLOCK = """
import sys
class Absent:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in ("dvc", "librosa", "omegaconf", "soundfile", "soxr"):
            raise ModuleNotFoundError(name)
sys.meta_path.insert(0, Absent())
"""


@pytest.fixture
def with_benchmark(workspace: Workspace) -> Workspace:
    """A finished workspace with the benchmark's project, nothing of it run."""
    listed = subprocess.run(("git", "ls-files", "benchmark"), cwd=ROOT, check=True, capture_output=True, text=True)
    for file in listed.stdout.split():
        if (ROOT / file).exists():
            (workspace.root / file).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(ROOT / file, workspace.root / file, follow_symlinks=False)
    workspace.commit()
    return workspace


def test_cells_run_without_dvc_and_are_taken_over_by_it(with_benchmark: Workspace) -> None:
    workspace, folder = with_benchmark, with_benchmark.root / "benchmark"
    run = (sys.executable, "-m", "benchmark.run", "--jobs", "1")
    # Four actors are too few for the folds: that cell's failure is named, and the other runs.
    printed = workspace.run(*run, "cell@image-emobox_1-0", STAGE, "row_image@smoothing-1", code=1)
    assert "error: 1 of 3 failed; run this again for them\n  cell@image-emobox_1-0: emobox names ravdess/05" in printed
    assert "Traceback" not in printed
    assert f"{STAGE}: " in printed
    assert "epoch" not in printed, "one line a cell"
    assert workspace.run(*run, STAGE) == f"{STAGE}: is there already\n"

    labels, answers = pd.read_csv(workspace.root / "data/labels.csv"), read_answers(folder / "cells/image/random/0")
    counts = answers.clips.groupby(["part", "track"]).size()
    assert set(counts["test"]) == {round(0.2 * len(labels))}
    assert set(counts["test"].index) == {FIRST, LAST, ADAPTED}
    settings = json.loads((folder / "ablation/rows/image/smoothing/1/cell.json").read_text())
    assert {name: one["label_smoothing"] for name, one in settings.items()} == {"low": 0.1}
    assert settings["low"]["epochs"] == 30

    def dvc(*arguments: str) -> str:
        return workspace.run(sys.executable, "-m", "dvc", "--cd", "benchmark", *arguments)

    dvc("repro", "--quiet", "code@image")
    dvc("commit", "--force", STAGE)
    assert dvc("status", STAGE, "code@image").strip() == "Data and pipelines are up to date."
    # The root's pipeline knows nothing of it, though hundreds of other stages have not run.
    assert workspace.repro() == set()
    assert workspace.dvc("status").strip() == "Data and pipelines are up to date."
    workspace.set_param("image.high.epochs", 2)
    assert '"image": "modified"' in dvc("status", "--json", STAGE)


def test_processes_take_turns_with_the_gpus(monkeypatch: pytest.MonkeyPatch) -> None:
    taken: list[int] = []
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 3)
    monkeypatch.setattr(torch.cuda, "set_device", taken.append)
    processes = multiprocessing.Value("i", 0)
    for _ in range(7):
        take_gpu(processes)
    assert taken == [0, 1, 2, 0, 1, 2, 0]


def test_unknown_cell_is_refused() -> None:
    command = [sys.executable, "-m", "benchmark.run", "random_1"]
    ended = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert ended.returncode == 1
    assert ended.stderr.startswith("error: no cell is called random_1; take some of cell@image-random-0, ")


def test_training_needs_neither_dvc_nor_anything_that_reads_audio() -> None:
    modules = "\n".join(
        f"import speech_emotion.encoders.{encoder}.{module}"
        for encoder in ("image", "speech")
        for module in ("settings", "network", "view", "augment")
    )
    code = f"{BLOCK}\nimport benchmark.run, benchmark.cell\n{modules}"
    ended = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)
    assert ended.returncode == 0, ended.stderr
