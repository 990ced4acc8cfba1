import os
import subprocess
import sys
from copy import deepcopy
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import torch
import yaml

from speech_emotion.clips import indices
from speech_emotion.core.errors import PipelineError
from speech_emotion.core.files import write_csv
from speech_emotion.core.params import read_section
from speech_emotion.encoders.image.network import head_of
from speech_emotion.model.calibration import fit_temperature
from speech_emotion.model.checkpoint import load_model, save_model
from speech_emotion.model.inference import clip_logits
from speech_emotion.shards import Shard, write_shard
from speech_emotion.training import batches
from speech_emotion.training.fine_tune import fine_tune, starting_model
from stages import finetune, pretrained
from tests.trainings import BACKBONE, FRONTEND, PARAMS, SMALL, easy_mels, easy_split, small_model, train_settings

OWN = ("image_size", "batch_size", "frozen_epochs", "epochs", "learning_rate", "average", "shares")
MIXED = {"mixup": 0.4, "average": 0.5}


@pytest.fixture(scope="module")
def clips():
    split = easy_split()
    return split, easy_mels(split)


def train(clips, **changes):
    """Return the model that training with changed settings gives, and its curve."""
    torch.manual_seed(changes.get("seed", 0))
    return fine_tune(small_model(**changes), *clips, label="test")


def answers(model, clips, part):
    split, mels = clips
    rows = split[split["part"] == part]
    return clip_logits(model, mels.of(rows["clip"])), indices(rows["emotion"])


@pytest.mark.parametrize("changes", [{}, MIXED], ids=["plain", "mixup and average"])
def test_easy_clips_of_a_new_voice_are_told_apart(clips, changes):
    model, curve = train(clips, epochs=12, **changes)
    logits, actual = answers(model, clips, "test")
    assert (logits.argmax(axis=1) == actual).mean() > 0.5  # chance is 0.13
    assert curve[-1]["train_loss"] < curve[0]["train_loss"]
    assert not model.network.training


def test_the_temperature_is_that_of_the_valid_part(clips):
    model, curve = train(clips)
    assert model.description.temperature == fit_temperature(*answers(model, clips, "valid"))
    assert model.description.temperature != 1.0
    assert len(curve) == SMALL["frozen_epochs"] + SMALL["epochs"]


def test_the_curve_tells_the_accuracy_of_the_last_weights_on_the_valid_part(clips):
    model, curve = train(clips)
    logits, actual = answers(model, clips, "valid")
    assert curve[-1]["valid_accuracy"] == pytest.approx((logits.argmax(axis=1) == actual).mean())


def test_two_trainings_in_one_process_give_the_same_weights(clips):
    first, second, other = (train(clips, seed=seed, epochs=1, **MIXED) for seed in (0, 0, 1))
    weights = [model.network.state_dict() for model, _ in (first, second, other)]
    assert all(torch.equal(weights[0][name], weights[1][name]) for name in weights[0])
    assert first[1] == second[1]
    assert first[0].description == second[0].description
    assert not torch.equal(weights[0]["conv_stem.weight"], weights[2]["conv_stem.weight"])


def test_runs_are_averaged_into_one_network(clips):
    torch.manual_seed(0)
    start = small_model(epochs=1)
    networks = [deepcopy(start.network) for _ in range(3)]
    settings = start.description.training
    single = [
        fine_tune(
            replace(
                start,
                network=network,
                description=replace(start.description, training=replace(settings, seed=settings.seed + seed)),
            ),
            *clips,
            label="test",
        )
        for network, seed in zip(networks, (0, 1000), strict=False)
    ]
    both = replace(start.description, training=replace(settings, runs=2))
    averaged, curve = fine_tune(replace(start, network=networks[2], description=both), *clips, label="test")
    weights = [model.network.state_dict() for model, _ in (*single, (averaged, curve))]
    for name, mean in weights[2].items():
        expected = (weights[0][name] + weights[1][name]) / 2 if mean.is_floating_point() else weights[0][name]
        assert torch.equal(mean, expected), name
    assert [row["epoch"] for row in curve] == [1, 2]
    assert curve[1]["train_loss"] == pytest.approx((single[0][1][1]["train_loss"] + single[1][1][1]["train_loss"]) / 2)


def test_weights_are_the_same_where_the_clips_stay_in_their_shards(clips, monkeypatch):
    packed = train(clips, epochs=1)
    monkeypatch.setattr(batches, "MOST_MB", 0)
    read = train(clips, epochs=1)
    assert packed[1] == read[1]
    weights = [model.network.state_dict() for model, _ in (packed, read)]
    assert all(torch.equal(weights[0][name], weights[1][name]) for name in weights[0])


def test_what_is_tested_changes_nothing(clips):
    split, mels = clips
    shuffled = split.assign(emotion=split["emotion"].where(split["part"] != "test", "calm"))
    first, second = (train((table, mels), epochs=1)[0].network.state_dict() for table in (split, shuffled))
    assert all(torch.equal(first[name], second[name]) for name in first)


def test_a_part_without_clips_stops(clips):
    split, mels = clips
    with pytest.raises(PipelineError, match="part 'valid' has no clips"):
        train((split[split["part"] != "valid"], mels))


def test_a_clip_without_spectrogram_stops(clips):
    split, mels = clips
    lost = split.loc[split["part"] == "train", "clip"].iloc[0]
    with pytest.raises(PipelineError, match=rf"{lost}: has no spectrogram \(1 clips"):
        train((split, mels.only(clip for clip in split["clip"] if clip != lost)))


def test_a_refit_looks_at_no_valid_clip(clips):
    split, mels = clips
    whole = split[split["part"] == "train"]
    torch.manual_seed(0)
    model, curve = fine_tune(small_model(epochs=1), whole, mels, label="test", scored=False)
    assert model.description.temperature == 1.0
    assert all(np.isnan(row["valid_loss"]) for row in curve)


@pytest.fixture
def project(tmp_path, clips, monkeypatch):
    """Split, shards, params and pretrained weights of a project with the easy clips."""
    monkeypatch.chdir(tmp_path)
    split, mels = clips
    write_csv(tmp_path / "split.csv", split)
    for corpus in ("ravdess", "tess"):
        own = mels.only(split.loc[split["corpus"] == corpus, "clip"]).clips
        write_shard(tmp_path / f"{corpus}/all.safetensors", Shard("image", own, dict.fromkeys(own, "key"), FRONTEND))
    shared = read_section(PARAMS, "image.training") | {key: SMALL[key] for key in SMALL if key not in OWN}
    own = {key: SMALL[key] for key in OWN} | {"epochs": 1}
    image = {"training": shared, "low": own, "high": own | {"image_size": 48}}
    image["backbone"] = {"name": BACKBONE, "weights": "none", "seed": 0}
    (tmp_path / "params.yaml").write_text(yaml.safe_dump({"image": image}))
    pretrained.main(["image", "pretrained.safetensors"])
    return tmp_path


def arguments(stage="low", start="pretrained"):
    outputs = [f"{stage}.safetensors", f"{stage}.csv"]
    return [f"image.{stage}", "split.csv", f"{start}.safetensors", *outputs, "ravdess", "tess"]


def python(*command, **options):
    root = str(PARAMS.parent)
    return subprocess.Popen(
        [sys.executable, *command], env=os.environ | {"PYTHONPATH": root}, text=True,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, **options,
    )  # fmt: skip


def test_both_stages_follow_each_other(project, capsys):
    finetune.main(arguments())
    finetune.main(arguments("high", start="low"))
    low, high = (load_model(project / f"{name}.safetensors") for name in ("low", "high"))
    assert [model.description.training.encoder.image_size for model in (low, high)] == [32, 48]
    assert set(high.description.trained_on) == {"split", "ravdess/all", "tess/all"}
    curve = pd.read_csv(project / "low.csv")
    assert list(curve.columns) == ["epoch", "train_loss", "valid_loss", "valid_accuracy"]
    assert len(curve) == 2
    lines = capsys.readouterr().out.splitlines()
    assert lines[-1] == f"image.high: high.safetensors, temperature {high.description.temperature:.3f}"


def test_another_process_gives_the_same_files(project):
    finetune.main(arguments())
    here = {name: (project / name).read_bytes() for name in ("low.safetensors", "low.csv")}
    (project / "low.safetensors").unlink()
    stage = python("-m", "stages.finetune", *arguments(), cwd=project)
    _, errors = stage.communicate(timeout=120)
    assert (stage.returncode, errors) == (0, "")
    assert {name: (project / name).read_bytes() for name in here} == here


def test_a_model_of_other_data_is_no_start(project):
    finetune.main(arguments())
    split = pd.read_csv(project / "split.csv")
    split.loc[0, "part"] = "valid"
    write_csv(project / "split.csv", split)
    with pytest.raises(PipelineError, match=r"low\.safetensors: was not trained on the data beside it: split has md5"):
        finetune.main(arguments("high", start="low"))
    assert not (project / "high.safetensors").exists()


def test_a_stage_starts_with_the_weights_of_the_one_before(project, clips):
    torch.manual_seed(5)
    model = small_model({"split": "1"})
    save_model(project / "low.safetensors", model)
    started = starting_model(project / "low.safetensors", train_settings(dropout=0.3), clips[1], {"split": "1"})
    assert started.description.backbone == BACKBONE
    assert started.description.training.encoder.dropout == 0.3
    weights = model.network.state_dict()
    assert all(torch.equal(tensor, weights[name]) for name, tensor in started.network.state_dict().items())
    images = torch.rand(2, 3, 32, 32)
    network = started.network.train()
    assert not torch.equal(network(images), network(images)), "dropout of the stage that starts"


def test_the_head_on_pretrained_weights_follows_the_seed(project, clips):
    heads = [
        head_of(starting_model(project / "pretrained.safetensors", train_settings(seed=seed), clips[1], {}).network)
        for seed in (1, 1, 2)
    ]
    assert torch.equal(heads[0].weight, heads[1].weight)
    assert not torch.equal(heads[0].weight, heads[2].weight)


def test_a_shard_or_weights_of_another_encoder_are_no_start(project, clips):
    with pytest.raises(PipelineError, match=r"all\.safetensors: is no "):
        starting_model(project / "tess/all.safetensors", train_settings(), clips[1], {})
    mels = replace(clips[1], encoder="smell")
    with pytest.raises(PipelineError, match="is of encoder image, the spectrograms of smell"):
        starting_model(project / "pretrained.safetensors", train_settings(), mels, {})
