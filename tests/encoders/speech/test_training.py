"""The small encoder through the project's own training, on clips whose emotion is the height of a tone."""

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
import torch

from speech_emotion.clips import EMOTIONS
from speech_emotion.core.errors import PipelineError
from speech_emotion.encoders.speech.network import body_state, build
from speech_emotion.model.checkpoint import load_model, save_model
from speech_emotion.model.inference import clip_logits
from speech_emotion.model.weights import save_tensors
from speech_emotion.shards import Mels
from speech_emotion.training.callbacks import ClipMixUp
from speech_emotion.training.fastai_parts import MixUp
from speech_emotion.training.fine_tune import fine_tune, starting_model
from speech_emotion.training.settings import TrainSettings, flat, train_settings
from tests.encoders.speech.samples import BACKBONE, FRONTEND, augmented

HEAD = TrainSettings(
    batch_size=16, frozen_epochs=2, epochs=0, learning_rate=0.01, weight_decay=0.01, label_smoothing=0.1, mixup=0.0,
    average=0.0, shares={}, seed=0, threads=1,
    encoder=replace(augmented(speed=0.1, gain_db=6.0, time_masks=1, mel_masks=1, mel_mask_bins=4), window_s=0.5),
)  # fmt: skip
ALL = replace(HEAD, frozen_epochs=0, epochs=4, learning_rate=0.01)


@pytest.fixture(scope="module")
def split():
    rows = [
        (f"ravdess/{speaker}-{emotion}-{take}", "ravdess", f"ravdess/{speaker}", emotion, part)
        for speaker, part in (("01", "train"), ("02", "train"), ("16", "valid"))
        for emotion in EMOTIONS
        for take in range(6)
    ]
    return pd.DataFrame(rows, columns=["clip", "corpus", "speaker", "emotion", "part"])


@pytest.fixture(scope="module")
def mels(split):
    """Noise, and for each emotion a band of its own."""
    rng = np.random.default_rng(0)
    clips = {}
    for clip, emotion in zip(split["clip"], split["emotion"], strict=True):
        mel = rng.normal(-0.5, 0.1, (80, rng.integers(30, 70)))
        mel[10 * EMOTIONS.index(emotion) :][:10] += 1
        clips[clip] = mel.astype(np.float16)
    return Mels("speech", FRONTEND, clips)


@pytest.fixture(scope="module")
def pretrained(tmp_path_factory):
    torch.manual_seed(0)
    path = tmp_path_factory.mktemp("pretrained") / "pretrained.safetensors"
    save_tensors(path, body_state(build(BACKBONE)), f'{{"encoder": "speech", "name": "{BACKBONE}"}}')
    return path


def trained(path, settings, split, mels):
    return fine_tune(starting_model(path, settings, mels, {}), split, mels, label="speech")


def test_head_then_all_of_it_learn_and_the_model_comes_back_from_its_file(split, mels, pretrained, tmp_path):
    before = body_state(starting_model(pretrained, HEAD, mels, {}).network)
    head, curve = trained(pretrained, HEAD, split, mels)
    assert [row["epoch"] for row in curve] == [1, 2]
    assert all(torch.equal(tensor, before[name]) for name, tensor in body_state(head.network).items())
    save_model(tmp_path / "head.safetensors", head)
    both, curve = trained(tmp_path / "head.safetensors", ALL, split, mels)
    assert curve[-1]["valid_accuracy"] > 0.9
    changed = [name for name, tensor in body_state(both.network).items() if not torch.equal(tensor, before[name])]
    assert len(changed) == len(before) - 1, "all but the positions"
    save_model(tmp_path / "all.safetensors", both)
    again = load_model(tmp_path / "all.safetensors")
    clips = mels.of(split["clip"])
    np.testing.assert_array_equal(clip_logits(again, clips), clip_logits(both, clips))


@pytest.mark.parametrize("changes", [{}, {"mixup": 0.4, "average": 0.9}])
def test_two_trainings_give_the_same_bytes(split, mels, pretrained, tmp_path, changes):
    for name in ("one", "two"):
        save_model(tmp_path / name, trained(pretrained, replace(ALL, epochs=1, **changes), split, mels)[0])
    assert (tmp_path / "one").read_bytes() == (tmp_path / "two").read_bytes()


@pytest.mark.parametrize("images", [torch.rand(6, 3, 4, 4), torch.rand(6, 80, 10)])
def test_mixup_is_fastais_and_keeps_the_longer_clip(images):
    lengths, targets, mixed = torch.arange(6.0), torch.arange(6), []
    for callback, inputs in ((MixUp(0.4), (images,)), (ClipMixUp(0.4), (images, lengths))):
        torch.manual_seed(0)
        x = inputs[0] if len(inputs) == 1 else inputs
        callback.learn = SimpleNamespace(x=x, y=targets, xb=inputs, yb=(targets,))
        callback.stack_y = True
        callback.before_batch()
        mixed.append((callback.learn.xb, callback.yb1[0], callback.lam))
    (theirs, other, share), (ours, our_other, our_share) = mixed
    assert torch.equal(ours[0], theirs[0])
    assert torch.equal(our_other, other)
    assert torch.equal(our_share, share)
    assert torch.equal(ours[1], torch.maximum(lengths, lengths[other]))


def test_values_out_of_range_are_named():
    for name, value, allowed in (
        ("pooling", "max", "mean or mean_deviation or attention"),
        ("layer_decay", 1.5, "at least 0.01 and at most 1"),
    ):
        values = flat(HEAD) | {name: value}
        with pytest.raises(PipelineError, match=f"params.yaml: {name} is {value}; it must be {allowed}"):
            train_settings(values, "speech", "params.yaml")


def test_rates_of_the_layers_reach_the_optimiser(split, mels, pretrained):
    """A layer with a rate of almost nothing stays where it was, those above it move."""
    settings = replace(ALL, epochs=1, weight_decay=0.0, encoder=replace(ALL.encoder, layer_decay=0.01, body_rate=1.0))
    before = body_state(starting_model(pretrained, settings, mels, {}).network)
    after = body_state(trained(pretrained, settings, split, mels)[0].network)

    def moved(name):
        return (after[name] - before[name]).abs().max()

    names = ["encoder.conv1.weight", "encoder.blocks.0.feed_in.weight", "encoder.blocks.1.feed_in.weight"]
    conv, lower, upper = map(moved, names)
    assert upper > 20 * lower > 400 * conv > 0
