import os
import signal
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import torch
import yaml

from speech_emotion.clips import EMOTIONS
from speech_emotion.core.errors import PipelineError
from speech_emotion.core.files import write_csv
from speech_emotion.core.params import read_section
from speech_emotion.encoders.image.network import build_network, head_of
from speech_emotion.model.calibration import fit_temperature
from speech_emotion.model.checkpoint import load_model, save_model
from speech_emotion.model.inference import clip_logits
from speech_emotion.shards import Shard, write_shard
from speech_emotion.training.fine_tune import describe, fine_tune, starting_network
from stages import finetune, pretrained
from tests.trainings import BACKBONE, MEL, PARAMS, SMALL, easy_mels, easy_split, train_settings

MIXED = {"mixup": 0.4, "average": 0.5}


@pytest.fixture(scope="module")
def clips():
    split = easy_split()
    return split, easy_mels(split)


def train(clips, **changes):
    """Return the network that training with changed settings gives, its description and its curve."""
    settings = train_settings(**changes)
    torch.manual_seed(settings.seed)
    network = build_network(BACKBONE, dropout=settings.dropout)
    description, curve = fine_tune(network, describe(BACKBONE, settings, MEL, {}), settings, *clips, label="test")
    return network, description, curve


def answers(network, description, clips, part):
    split, mels = clips
    rows = split[split["part"] == part]
    logits = clip_logits(network, description, [mels[clip] for clip in rows["clip"]])
    return logits, np.array([EMOTIONS.index(emotion) for emotion in rows["emotion"]])


@pytest.mark.parametrize("changes", [{}, MIXED], ids=["plain", "mixup and average"])
def test_easy_clips_of_a_new_voice_are_told_apart(clips, changes):
    network, description, curve = train(clips, epochs=12, **changes)
    logits, actual = answers(network, description, clips, "test")
    assert (logits.argmax(axis=1) == actual).mean() > 0.5  # chance is 0.13
    assert curve[-1]["train_loss"] < curve[0]["train_loss"]
    assert not network.training


def test_the_temperature_is_that_of_the_valid_part(clips):
    network, description, curve = train(clips)
    assert description.temperature == fit_temperature(*answers(network, description, clips, "valid"))
    assert description.temperature != 1.0
    assert len(curve) == SMALL["frozen_epochs"] + SMALL["epochs"]


def test_the_curve_tells_the_accuracy_of_the_last_weights_on_the_valid_part(clips):
    network, description, curve = train(clips)
    logits, actual = answers(network, description, clips, "valid")
    assert curve[-1]["valid_accuracy"] == pytest.approx((logits.argmax(axis=1) == actual).mean())


def test_two_trainings_in_one_process_give_the_same_weights(clips):
    first, second, other = (train(clips, seed=seed, epochs=1, **MIXED) for seed in (0, 0, 1))
    weights = [network.state_dict() for network, _, _ in (first, second, other)]
    assert all(torch.equal(weights[0][name], weights[1][name]) for name in weights[0])
    assert first[1:] == second[1:]
    assert not torch.equal(weights[0]["conv_stem.weight"], weights[2]["conv_stem.weight"])


def test_what_is_tested_changes_nothing(clips):
    split, mels = clips
    shuffled = split.assign(emotion=split["emotion"].where(split["part"] != "test", "calm"))
    first, second = (train((table, mels), epochs=1)[0].state_dict() for table in (split, shuffled))
    assert all(torch.equal(first[name], second[name]) for name in first)


def test_a_part_without_clips_stops(clips):
    split, mels = clips
    with pytest.raises(PipelineError, match="part 'valid' has no clips"):
        train((split[split["part"] != "valid"], mels))


def test_a_clip_without_spectrogram_stops(clips):
    split, mels = clips
    lost = split.loc[split["part"] == "train", "clip"].iloc[0]
    with pytest.raises(PipelineError, match=rf"{lost}: has no spectrogram \(1 clips"):
        train((split, {clip: mel for clip, mel in mels.items() if clip != lost}))


def test_the_window_is_that_many_seconds():
    assert describe(BACKBONE, train_settings(window_s=2.5), MEL, {}).window_frames == 250
    assert describe(BACKBONE, train_settings(window_s=2.5), replace(MEL, hop_samples=320), {}).window_frames == 125


@pytest.fixture
def project(tmp_path, clips, monkeypatch):
    """Split, shards, params and pretrained weights of a project with the easy clips."""
    monkeypatch.chdir(tmp_path)
    split, mels = clips
    write_csv(tmp_path / "split.csv", split)
    for corpus in ("ravdess", "tess"):
        own = {clip: mel for clip, mel in mels.items() if clip.startswith(corpus)}
        write_shard(tmp_path / f"{corpus}/all.safetensors", Shard(own, dict.fromkeys(own, "key"), MEL))
    sections = {name: read_section(PARAMS, name) | SMALL | {"epochs": 1} for name in ("finetune_low", "finetune_high")}
    sections["finetune_high"]["image_size"] = 48
    params = sections | {"backbone": {"name": BACKBONE, "weights": "none", "seed": 0}}
    (tmp_path / "params.yaml").write_text(yaml.safe_dump(params))
    pretrained.main(["pretrained.safetensors"])
    return tmp_path


def arguments(stage="low", start="pretrained"):
    outputs = [f"{stage}.safetensors", f"{stage}.csv"]
    return [f"finetune_{stage}", "split.csv", f"{start}.safetensors", *outputs, "ravdess", "tess"]


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
    assert (low[1].image_size, high[1].image_size) == (32, 48)
    assert set(high[1].trained_on) == {"split", "ravdess/all", "tess/all"}
    curve = pd.read_csv(project / "low.csv")
    assert list(curve.columns) == ["epoch", "train_loss", "valid_loss", "valid_accuracy"]
    assert len(curve) == 2
    lines = capsys.readouterr().out.splitlines()
    assert lines[-1] == f"finetune_high: high.safetensors, temperature {high[1].temperature:.3f}"


def test_another_process_gives_the_same_files(project):
    finetune.main(arguments())
    here = {name: (project / name).read_bytes() for name in ("low.safetensors", "low.csv")}
    (project / "low.safetensors").unlink()
    stage = python("-m", "stages.finetune", *arguments(), cwd=project)
    _, errors = stage.communicate(timeout=120)
    assert (stage.returncode, errors) == (0, "")
    assert {name: (project / name).read_bytes() for name in here} == here


def test_ctrl_c_ends_with_one_line_and_no_output(project):
    section = yaml.safe_load((project / "params.yaml").read_text())
    section["finetune_low"]["epochs"] = 10_000
    (project / "params.yaml").write_text(yaml.safe_dump(section))
    before = sorted(project.iterdir())
    stage = python("-m", "stages.finetune", *arguments(), cwd=project)
    assert stage.stdout.readline().startswith("finetune_low: epoch 1/")
    stage.send_signal(signal.SIGINT)
    _, errors = stage.communicate(timeout=60)
    assert errors == "interrupted: no output was written\n"
    assert stage.returncode == 130
    assert sorted(project.iterdir()) == before


def test_a_model_of_other_data_is_no_start(project):
    finetune.main(arguments())
    split = pd.read_csv(project / "split.csv")
    split.loc[0, "part"] = "valid"
    write_csv(project / "split.csv", split)
    with pytest.raises(PipelineError, match=r"low\.safetensors: was not trained on the data beside it: split has md5"):
        finetune.main(arguments("high", start="low"))
    assert not (project / "high.safetensors").exists()


def test_a_stage_starts_with_the_weights_of_the_one_before(project):
    settings = train_settings(dropout=0.3)
    torch.manual_seed(5)
    network = build_network(BACKBONE)
    save_model(project / "low.safetensors", network, describe(BACKBONE, settings, MEL, {"split": "1"}))
    started, backbone = starting_network(project / "low.safetensors", settings, {"split": "1"})
    assert backbone == BACKBONE
    assert all(torch.equal(tensor, network.state_dict()[name]) for name, tensor in started.state_dict().items())
    images = torch.rand(2, 3, 32, 32)
    started.train()
    assert not torch.equal(started(images), started(images)), "dropout of the stage that starts"


def test_the_head_on_pretrained_weights_follows_the_seed(project):
    heads = []
    for seed in (1, 1, 2):
        network, _ = starting_network(project / "pretrained.safetensors", train_settings(seed=seed), {})
        heads.append(head_of(network).weight)
    assert torch.equal(heads[0], heads[1])
    assert not torch.equal(heads[0], heads[2])


def test_a_shard_is_no_start(project):
    with pytest.raises(PipelineError, match=r"all\.safetensors: is no model"):
        starting_network(project / "tess/all.safetensors", train_settings(), {})
