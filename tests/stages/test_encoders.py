"""A second encoder, unlike the first, runs all stages: a folder, its params, its lines in dvc.yaml, nothing else."""

import json
import shutil

import pandas as pd
import pytest
from ruamel.yaml import YAML

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
    assert with_envelope.repro() == {"finetune@image_high", "evaluate@image", "fuse"}
