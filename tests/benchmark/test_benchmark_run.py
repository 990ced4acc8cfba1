"""A cell for real, in a small project: trained by `benchmark.run`, then taken over by DVC."""

import json
import shutil
import subprocess
import sys

import pandas as pd
import pytest

from benchmark.answers import read_answers
from benchmark.cell import is_there
from benchmark.run import CELLS_YAML, commands
from benchmark.views import VIEWS
from tests.pipeline import import_closure
from tests.workspace import ROOT, Workspace

CELL, STAGE = "benchmark/cells/random", "benchmark/dvc.yaml:cell@random"
# What a machine that only trains does not have.
BLOCK = """
import sys
class Absent:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in ("dvc", "librosa", "soundfile"):
            raise ModuleNotFoundError(name)
sys.meta_path.insert(0, Absent())
"""


@pytest.fixture
def with_benchmark(workspace: Workspace) -> Workspace:
    """A finished workspace with the benchmark's DAG and code, nothing of it run."""
    scripts = [f"benchmark/{name}.py" for name in ("run", "cell", "pool")]
    code = {file for script in scripts for file in import_closure(ROOT, script)}
    for file in (*code, "benchmark/dvc.yaml", "benchmark/published.csv"):
        if file.startswith("benchmark/"):
            (workspace.root / file).parent.mkdir(exist_ok=True)
            shutil.copyfile(ROOT / file, workspace.root / file)
    workspace.commit()
    return workspace


def test_cells_run_without_dvc_and_are_taken_over_by_it(
    with_benchmark: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    workspace = with_benchmark
    # Four actors are too few for the folds: that cell's failure is named, and the other runs.
    printed = workspace.run(sys.executable, "-m", "benchmark.run", "emobox_1", "random", code=1)
    assert "error: 1 of 2 failed; run this again for them\n  emobox_1: emobox names ravdess/05" in printed
    assert "Traceback" not in printed
    for part in ("inner low", "inner high", "refit low", "refit high"):
        assert f"random {part}: epoch 1/1" in printed
    assert "random: 12 test clips answered" in printed

    labels, answers = pd.read_csv(workspace.root / "data/labels.csv"), read_answers(workspace.root / CELL, VIEWS)
    assert set(answers.clips["clip"]) < set(labels["clip"])
    assert len(answers.clips) == round(0.2 * len(labels))
    assert set(answers.temperatures) == set(VIEWS)

    workspace.dvc("commit", "--force", STAGE)
    assert workspace.repro(STAGE) == set()
    # The root's pipeline knows nothing of it, though 14 other stages have not run.
    assert workspace.repro() == set()
    assert workspace.dvc("status", "dvc.yaml").strip() == "Data and pipelines are up to date."

    monkeypatch.chdir(workspace.root)
    assert is_there(commands(CELLS_YAML, "cell")["random"][1:])
    assert not is_there(commands(CELLS_YAML, "cell")["emobox_1"][1:])
    workspace.set_param("finetune_high.seed", 1)
    assert not is_there(commands(CELLS_YAML, "cell")["random"][1:])
    assert json.loads(workspace.dvc("status", "--json", STAGE)) == {
        STAGE: [{"changed deps": {"params.yaml": {"finetune_high": "modified"}}}]
    }


def test_unknown_cell_is_refused() -> None:
    command = [sys.executable, "-m", "benchmark.run", "random_1"]
    ended = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert ended.returncode == 1
    assert ended.stderr.startswith("error: random_1 is no cell; take some of random, luna_jimenez_1")


def test_training_needs_neither_dvc_nor_anything_that_reads_audio() -> None:
    code = f"{BLOCK}\nimport benchmark.run, benchmark.cell"
    ended = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)
    assert ended.returncode == 0, ended.stderr
