"""The embedded demo: corpora that pass the real checks, and a workspace that leaves the user's alone."""

import io
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import yaml
from rich.console import Console

from demo import workspace as demo_workspace
from demo.run import NEXT, NOTICE, report
from demo.workspace import Workspace
from speech_emotion.clips import EMOTIONS
from stages import fetch, labels, pretrained, spectrograms, split
from tests.warm_python import warm_folder
from tests.workspace import Workspace as PipelineWorkspace
from tests.workspace import stages_run

ROOT = Path(__file__).resolve().parents[1]
PARAMS = ["--params", "demo/params.yaml"]


@pytest.fixture(scope="module")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The stages up to the split, on the archives in Git."""
    folder = tmp_path_factory.mktemp("demo")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(ROOT)
        patch.delenv("SPEECH_CORPORA", raising=False)
        raw = [str(folder / corpus) for corpus in ("ravdess", "tess")]
        for corpus, target in zip(("ravdess", "tess"), raw, strict=True):
            fetch.main([corpus, f"demo/manifests/{corpus}.csv", target, *PARAMS])
        labels.main([*raw, str(folder / "labels.csv"), *PARAMS])
        split.main([str(folder / "labels.csv"), str(folder / "split.csv"), *PARAMS])
    return folder


def test_corpora_pass_the_real_checks_and_every_part_has_every_emotion(prepared: Path) -> None:
    parts = pd.read_csv(prepared / "split.csv")
    assert len(parts) == 240 + 168
    assert {part: set(rows.emotion) for part, rows in parts.groupby("part")} == {
        part: set(EMOTIONS) for part in ("train", "valid", "test")
    }


def test_one_recording_has_two_names_as_in_ravdess(prepared: Path) -> None:
    rows = pd.read_csv(prepared / "labels.csv").dropna(subset="duplicate_of")
    assert set(rows["clip"]) | set(rows["duplicate_of"]) == {
        "ravdess/03-01-03-01-02-01-07",
        "ravdess/03-01-03-01-02-02-07",
    }


@pytest.mark.parametrize(
    ("corpus", "clip", "sample_rate", "channels"),
    [
        ("ravdess", "Actor_01/03-01-08-01-02-02-01", 16000, 2),
        ("ravdess", "Actor_05/03-01-02-01-02-02-05", 16000, 2),
        ("tess", "OAF_Fear/OAF_food_fear", 96000, 1),
        ("tess", "OAF_neutral/OA_bite_neutral", 24414, 1),
        ("tess", "OAF_Pleasant_surprise/OAF_back_ps", 24414, 1),
        ("tess", "YAF_pleasant_surprised/YAF_back_ps", 24414, 1),
    ],
)
def test_published_quirks_are_there(corpus: str, clip: str, sample_rate: int, channels: int) -> None:
    row = pd.read_csv(ROOT / "demo/manifests" / f"{corpus}.csv", index_col="clip").loc[clip]
    assert (row.sample_rate, row.channels) == (sample_rate, channels)


def test_synthesiser_repeats_what_is_in_git() -> None:
    # Alone in a fresh process: what was said before changes the samples.
    code = """if True:
        from dataclasses import astuple
        from itertools import islice
        from demo.make_corpora import Studio, manifest_row
        from demo.scripts import ravdess
        studio = Studio()
        for recording in islice(ravdess(), 8):
            print(*astuple(manifest_row(recording, studio.record(recording))), sep=",")
    """
    spoken = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    manifest = (ROOT / "demo/manifests/ravdess.csv").read_text(encoding="utf-8").splitlines()
    assert spoken.splitlines() == manifest[1:9]


def test_parameters_are_the_projects_own_with_other_values() -> None:
    ours, demos = (
        yaml.safe_load((ROOT / path).read_text(encoding="utf-8")) for path in ("params.yaml", "demo/params.yaml")
    )
    # A source has the keys of its kind, and shares name the corpora that have one.
    free = ("source", "shares")
    assert _keys(demos["corpora"], free) == _keys(ours["corpora"], free)
    assert _keys(demos["split"], free) == _keys(ours["split"], free)
    assert demos["labels"] == ours["labels"]
    for section in ("spectrograms", "backbone"):
        assert demos["image"][section] == ours["image"][section], (
            f"{section} is no matter of size: keep the demo's as it is in params.yaml"
        )
    for training in ("low", "high"):
        own, demo = (params["image"]["training"] | params["image"][training] for params in (ours, demos))
        assert _keys(demo, free) == _keys(own, free)


def _keys(section: Any, free: tuple[str, ...]) -> Any:
    if not isinstance(section, dict):
        return None
    return {key: None if key in free else _keys(value, free) for key, value in section.items()}


STAGE = """stages:
  seen:
    cmd: mkdir -p metrics/image; touch metrics/image/metrics.json; echo "corpora=$SPEECH_CORPORA" > seen
    outs: [seen]
"""


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A checkout with a commit, to which the demo's workspace is pointed."""
    project = tmp_path / "project"
    for file, text in {
        "params.yaml": "whose: ours",
        "demo/params.yaml": "whose: the demo's",
        "dvc.yaml": "stages: {}\n",
        "dvc.lock": "ours",
        "metrics/metrics.json": "ours",
        "stages/old.py": "",
        ".gitignore": "/data/\n",
        "data/private.txt": "",
    }.items():
        (project / file).parent.mkdir(parents=True, exist_ok=True)
        (project / file).write_text(text)
    git(project, "init", "-q")
    git(project, "add", ".")
    git(project, *demo_workspace.AUTHOR, "commit", "-qm", "All")
    monkeypatch.setattr(demo_workspace, "ROOT", project)
    return project


def git(folder: Path, *command: str) -> str:
    return subprocess.run(["git", *command], cwd=folder, check=True, capture_output=True, text=True).stdout


def test_workspace_has_the_code_as_it_is_and_the_demos_parameters(project: Path, tmp_path: Path) -> None:
    (project / "dvc.yaml").write_text(STAGE)
    Workspace(tmp_path / "ws").update()
    assert (tmp_path / "ws/params.yaml").read_text() == "whose: the demo's"
    assert (tmp_path / "ws/dvc.yaml").read_text() == STAGE
    left_out = ("dvc.lock", "metrics", "data")
    assert not [name for name in left_out if (tmp_path / "ws" / name).exists()]


def test_what_lies_beside_the_project_stays_there(project: Path, tmp_path: Path) -> None:
    (project / "stages/new.py").write_text("new")
    (project / "corpora").mkdir()
    (project / "corpora/clip.wav").write_text("somebody's voice")
    (project / "linked").symlink_to(tmp_path)
    (project / "stages/linked").symlink_to(tmp_path)
    git(project, "init", "-q", "stages/nested")
    Workspace(tmp_path / "ws").update()
    assert (tmp_path / "ws/stages/new.py").read_text() == "new"
    assert sorted(path.name for path in (tmp_path / "ws/stages").iterdir()) == ["new.py", "old.py"]
    assert not [name for name in ("corpora", "linked") if (tmp_path / "ws" / name).exists()]


def test_two_processes_train_the_demos_network_to_the_same_bytes(prepared: Path, tmp_path: Path) -> None:
    params = yaml.safe_load((ROOT / "demo/params.yaml").read_text(encoding="utf-8"))
    params["image"]["low"] |= {"frozen_epochs": 0, "epochs": 1}
    params["image"]["training"]["mixup"] = 0.4
    assert params["image"]["training"]["threads"] == 2
    settings = ["--params", str(tmp_path / "params.yaml")]
    (tmp_path / "params.yaml").write_text(yaml.safe_dump(params), encoding="utf-8")
    shards = str(prepared / "spectrograms" / "ravdess")
    spectrograms.main(["image", "ravdess", str(prepared / "ravdess"), shards, *settings])
    # Two batches of the training, each with two emotions mixed, tell what all of it would.
    parts = pd.read_csv(prepared / "split.csv")
    few = parts["speaker"].isin(["ravdess/01", "ravdess/02", "ravdess/06"])
    start, split_file = str(prepared / "pretrained.safetensors"), str(tmp_path / "split.csv")
    parts[few].to_csv(split_file, index=False, lineterminator="\n")
    pretrained.main(["image", start, *settings])
    outputs = []
    for run in ("first", "second"):
        model, curve = tmp_path / f"{run}.safetensors", tmp_path / f"{run}.csv"
        python = str(warm_folder() / "bin" / "python")
        command = [python, "-m", "stages.finetune", "image.low", split_file, start, str(model), str(curve)]
        # Threads that wait asleep: other tests of a busy machine would stretch seconds to minutes.
        environment = os.environ | {"OMP_WAIT_POLICY": "PASSIVE"}
        subprocess.run([*command, shards, *settings], cwd=ROOT, env=environment, check=True, capture_output=True)
        outputs.append((model.read_bytes(), curve.read_bytes()))
    assert outputs[0] == outputs[1]


def test_second_run_repeats_nothing_keeps_results_and_drops_deleted_files(
    project: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("SPEECH_CORPORA", "/mine")
    (project / "dvc.yaml").write_text(STAGE)
    before = git(project, "status", "--porcelain")
    workspace = Workspace(tmp_path / "ws")
    workspace.update()
    workspace.repro()
    printed = capfd.readouterr()
    assert "Running stage 'seen'" in printed.out
    assert not [hint for hint in ("git add", "dvc push") if hint in printed.out + printed.err]
    assert git(tmp_path / "ws", "branch", "--show-current").strip() == "main"
    assert (tmp_path / "ws/seen").read_text() == "corpora=\n"
    assert git(project, "status", "--porcelain") == before
    (project / "stages/old.py").unlink()
    workspace.update()
    workspace.repro()
    assert "Running" not in capfd.readouterr().out
    kept = {"dvc.lock", "metrics/image/metrics.json"}
    assert set(git(tmp_path / "ws", "ls-files").split()) & (kept | {"stages/old.py"}) == kept


def test_what_was_tried_on_a_branch_stays_there(project: Path, tmp_path: Path) -> None:
    (project / "dvc.yaml").write_text(STAGE)
    workspace, folder = Workspace(tmp_path / "ws"), tmp_path / "ws"
    workspace.update()
    workspace.repro()
    git(folder, "switch", "-q", "-c", "tried")
    (folder / "params.yaml").write_text("whose: mine")
    workspace.update()
    assert git(folder, "branch", "--show-current").strip() == "main"
    assert (folder / "params.yaml").read_text() == "whose: the demo's"
    assert git(folder, "show", "tried:params.yaml") == "whose: mine"


def test_first_change_that_the_demo_suggests_is_one_of_the_second_training(tmp_path: Path) -> None:
    changed = tmp_path / "params.yaml"
    changed.write_text((ROOT / "demo/params.yaml").read_text(encoding="utf-8"), encoding="utf-8")
    subprocess.run(["sh", "-c", suggested("sed")], cwd=tmp_path, check=True)
    before, after = (yaml.safe_load(path.read_text()) for path in (ROOT / "demo/params.yaml", changed))
    before["image"]["high"]["epochs"] = 1
    assert after == before


def test_commands_that_the_demo_suggests_work_and_rerun_the_second_training_alone(workspace: PipelineWorkspace) -> None:
    workspace.set_param("image.high.epochs", 4)  # as in the demo's parameters
    workspace.commit()
    for start in ("cd", "git switch"):
        workspace.run("sh", "-c", suggested(start, folder=workspace.root))
    workspace.run("sh", "-c", suggested("sed").replace("epochs: 1", "epochs: 2"))
    # The same program, started by the Python that has imported it.
    dvc = ("dvc ", "python -m dvc ")
    assert stages_run(workspace.run("sh", "-c", suggested("dvc repro").replace(*dvc))) == {
        "finetune@image_high",
        "evaluate@image",
        "fuse",
    }
    # The program of a shared environment may be another tree's.
    of_this_tree = ("speech-emotion", "python -m speech_emotion.cli")
    compared = workspace.run("sh", "-c", suggested("speech-emotion compare").replace(*of_this_tree))
    assert "image: UAR " in compared
    answered = workspace.run("sh", "-c", suggested("speech-emotion predict").replace(*of_this_tree))
    assert answered.count("data/raw/tess/") == 28, "a line a recording"
    for plots in (suggested("dvc plots"), "dvc plots show"):
        printed = workspace.run("sh", "-c", plots.replace(*dvc))
        assert "failed to load" not in printed.lower()
        assert "dvc_plots/index.html" in printed


def suggested(start: str, folder: Path | str = ".") -> str:
    lines = NEXT.format(folder=folder, programs=Path(sys.prefix) / "bin").splitlines()
    [line] = [line for line in lines if line.strip().startswith(start)]
    return line


def test_report_shows_scores_clips_picture_and_what_they_are_worth(tmp_path: Path) -> None:
    folder = tmp_path / "metrics" / "image"
    folder.mkdir(parents=True)
    scores = {"accuracy": 0.75, "uar": 0.5, "clips": 4, "first": {"accuracy": 0.1, "uar": 0.1}}
    scores |= {"ravdess": {"accuracy": 1.0, "uar": 1.0, "clips": 2}}
    (folder / "metrics.json").write_text(json.dumps(scores))
    clips = [f"ravdess/{number}" for number in range(20)]
    columns = {"clip": clips, "actual": "sad", "predicted": "calm", "confidence": np.linspace(0, 1, 20)}
    pd.DataFrame(columns).to_csv(folder / "predictions.csv", index=False)
    printed = io.StringIO()
    report(tmp_path, Console(file=printed, width=120))
    text = printed.getvalue()
    assert ["image", "ravdess", "2", "100.0%", "100.0%"] in [line.split() for line in text.splitlines()]
    assert ["ravdess/0", "sad", "calm", "0%"] in [line.split() for line in text.splitlines()]
    assert "10.0%" not in text
    assert str(folder / "confusion.png") in text
    assert NOTICE in text
