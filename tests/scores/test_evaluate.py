import json

import numpy as np
import pandas as pd
import pytest
import torch

from speech_emotion.clips import LABEL_COLUMNS
from speech_emotion.core.errors import PipelineError
from speech_emotion.core.files import write_csv
from speech_emotion.encoders.image.network import build
from speech_emotion.encoders.image.settings import FrontendSettings
from speech_emotion.model.checkpoint import Description, Model, save_model
from speech_emotion.model.provenance import data_files, file_md5s
from speech_emotion.shards import Shard, shard_paths, write_shard
from stages.evaluate import main
from tests.evaluations import make_clips
from tests.trainings import train_settings

SETTINGS = FrontendSettings(
    sample_rate_hz=16000, trim_db=40.0, n_fft=1024, hop_samples=160, n_mels=16,
    fmin_hz=50.0, fmax_hz=8000.0, floor_db=-80.0, ceiling_db=20.0,
)  # fmt: skip
OUTPUTS = {"confusion.png", "metrics.json", "predictions.csv", "reliability.png"}


@pytest.fixture
def project(tmp_path, monkeypatch):
    """Two RAVDESS actors, the second one tested, two TESS words, and two models that have learned nothing."""
    monkeypatch.chdir(tmp_path)
    rng = np.random.default_rng(0)
    clips = make_clips(actors=2, tess_words=2)
    clips["part"] = np.where(clips["speaker"] == "ravdess/24", "test", "train")
    write_csv(tmp_path / "labels.csv", clips.reindex(columns=LABEL_COLUMNS, fill_value="").assign(duration_s=1.0))
    write_csv(tmp_path / "split.csv", clips[["clip", "corpus", "speaker", "emotion", "part"]])
    for speaker, rows in clips.groupby("speaker"):
        mels = {clip: rng.integers(0, 256, (16, 40), dtype=np.uint8) for clip in rows["clip"]}
        write_shard(tmp_path / f"{speaker}.safetensors", Shard("image", mels, dict.fromkeys(mels, "key"), SETTINGS))
    shards = shard_paths([tmp_path / "ravdess", tmp_path / "tess"])
    trained_on = file_md5s(data_files(tmp_path / "split.csv", shards))
    for name, image_size in (("low", 32), ("high", 48)):
        training = train_settings(image_size=image_size, window_s=0.4)
        description = Description("image", "tf_efficientnet_lite0", SETTINGS, training, trained_on, temperature=1.7)
        torch.manual_seed(image_size)
        save_model(tmp_path / f"{name}.safetensors", Model(build(description.backbone), description))
    return tmp_path


def evaluate():
    main(["split.csv", "labels.csv", "low.safetensors", "high.safetensors", "metrics", "pictures", "ravdess", "tess"])


def outputs(project):
    files = [*(project / "metrics").iterdir(), *(project / "pictures").iterdir()]
    return {path.name: path.read_bytes() for path in files}


def test_the_stage_scores_the_test_part(project, capsys):
    evaluate()
    scores = json.loads((project / "metrics/metrics.json").read_text())
    predictions = pd.read_csv(project / "metrics/predictions.csv")
    assert scores["clips"] == scores["ravdess"]["clips"] == len(predictions) == 60
    assert "tess" not in scores
    assert scores["accuracy"] == pytest.approx((predictions["actual"] == predictions["predicted"]).mean(), abs=1e-4)
    assert "60 clips" in capsys.readouterr().out
    assert set(outputs(project)) == OUTPUTS | {"mistakes.png", "mean_spectrograms.png"}


def test_models_that_saw_another_split_are_refused_and_nothing_is_written(project):
    split = pd.read_csv(project / "split.csv")
    split.loc[0, "part"] = "valid"
    write_csv(project / "split.csv", split)
    with pytest.raises(PipelineError, match=r"low\.safetensors: was not trained on the data beside it: split"):
        evaluate()
    assert not (project / "metrics").exists()


def test_a_missing_shard_is_named(project):
    (project / "ravdess/24.safetensors").unlink()
    with pytest.raises(PipelineError, match=r"ravdess/24 has md5 none \(missing\)"):
        evaluate()
