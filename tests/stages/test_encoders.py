"""A second encoder, unlike the first, runs all stages: a folder, its params, its lines in dvc.yaml, nothing else."""

import json
import shutil
import sys
from pathlib import Path

import pandas as pd
import pytest
from ruamel.yaml import YAML
from safetensors.numpy import load_file

from tests.workspace import ROOT, Workspace

PARAMS = {
    "spectrograms": {"sample_rate_hz": 8000, "frames_per_s": 50, "n_mels": 1},
    "backbone": {"name": "envelope-16", "seed": 0},
    "training": {
        "batch_size": 8, "weight_decay": 0.01, "label_smoothing": 0.0, "mixup": 0.0, "average": 0.0,
        "shares": {}, "seed": 0, "threads": 1, "width": 16, "jitter_db": 1.0,
    },
    "once": {"frozen_epochs": 1, "epochs": 0, "learning_rate": 0.01},
    "again": {"frozen_epochs": 0, "epochs": 2, "learning_rate": 0.01},
}  # fmt: skip


@pytest.fixture
def with_envelope(workspace: Workspace) -> Workspace:
    target = workspace.root / "speech_emotion/encoders/envelope"
    shutil.copytree(ROOT / "tests/encoders/envelope", target, ignore=shutil.ignore_patterns("__pycache__"))
    workspace.set_param("envelope", PARAMS)
    path, yaml = workspace.root / "dvc.yaml", YAML()
    dag = yaml.load(path)
    dag["stages"]["spectrograms"]["matrix"]["encoder"].append("envelope")
    dag["stages"]["pretrained"]["foreach"].append("envelope")
    for training, start in (("once", "pretrained"), ("again", "once")):
        item = {"encoder": "envelope", "start": start, "training": training}
        dag["stages"]["finetune"]["foreach"][f"envelope_{training}"] = item
    dag["stages"]["evaluate"]["foreach"]["envelope"] = {"first": "once", "last": "again"}
    yaml.dump(dag, path)
    return workspace


def test_a_second_encoder_goes_from_clips_to_scores_and_touches_nothing_of_the_first(with_envelope: Workspace) -> None:
    ran = with_envelope.repro()
    assert ran == {
        *("spectrograms@envelope-ravdess", "spectrograms@envelope-tess", "pretrained@envelope"),
        *("finetune@envelope_once", "finetune@envelope_again", "evaluate@envelope"),
    }
    metrics = json.loads((with_envelope.root / "metrics/envelope/metrics.json").read_text())
    predictions = pd.read_csv(with_envelope.root / "metrics/envelope/predictions.csv")
    assert metrics["clips"] == len(predictions) == 22
    assert set(metrics["first"]) == {"accuracy", "uar"}
    pictures = {path.name for path in (with_envelope.root / "data/pictures/envelope").iterdir()}
    assert pictures == {"mean_spectrograms.png", "mistakes.png"}
    with_envelope.set_param("image.high.epochs", 2)
    assert set(json.loads(with_envelope.dvc("status", "--json"))) == {"finetune@image_high"}
    assert_two_processes_train_as_one(with_envelope)


def assert_two_processes_train_as_one(workspace: Workspace) -> None:
    """They draw the same batches and share the gradients; this network has no batch norm, whose statistics differ."""
    model, curve = Path("models/envelope/again.safetensors"), Path("metrics/envelope/curve_again.csv")
    one = load_file(workspace.root / model), pd.read_csv(workspace.root / curve)
    torchrun = (sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2", "-m")
    spectrograms = (f"data/spectrograms/envelope/{corpus}" for corpus in ("ravdess", "tess"))
    start = "models/envelope/once.safetensors"
    printed = workspace.run(
        *torchrun, "stages.finetune", "envelope.again", "data/split.csv", start, str(model), str(curve), *spectrograms
    )
    assert printed.count("envelope.again: epoch 2/2") == 1
    two = load_file(workspace.root / model), pd.read_csv(workspace.root / curve)
    for name, weights in one[0].items():
        assert abs(two[0][name] - weights).max() < 1e-6
    assert (abs(two[1] - one[1]) < 1e-5).all(axis=None)
    code = f"import sys; sys.path.append({str(ROOT)!r}); from benchmark.data_parallel import seconds_an_epoch as s"
    assert 0 < float(workspace.run(sys.executable, "-c", f"{code}; print(s('envelope.again', 1))")) < 10
