import random
from functools import cache

import numpy as np
import pytest
import torch
from fastai.learner import defaults
from torch import nn

from speech_emotion.core.errors import PipelineError
from speech_emotion.encoders.image.network import body_state, build
from speech_emotion.encoders.image.view import to_image
from speech_emotion.training.batches import ClipLoader, part_clips
from speech_emotion.training.fastai_parts import Callback, DataLoaders
from speech_emotion.training.learner import train
from tests.trainings import BACKBONE, easy_mels, easy_split, train_settings

FROZEN, UNFROZEN, STEPS = 2, 3, 2  # epochs, epochs, steps an epoch
CPU = torch.device("cpu")


class Witness(Callback):
    """Writes down what goes into each step, what the optimiser was told, and the weights that came out."""

    order = 100

    def __init__(self):
        self.images, self.rates, self.decays, self.states = [], [], [], []

    def before_batch(self):
        if self.training:
            self.images.append(self.xb[0].clone())

    def after_step(self):
        self.rates.append([group["lr"] for group in self.opt.hypers])
        self.decays.append([group["wd"] for group in self.opt.hypers])
        self.states.append(state_of(self.learn.model))


def state_of(network):
    return {name: tensor.detach().clone() for name, tensor in network.state_dict().items()}


@pytest.fixture(scope="module")
def run():
    """Trains a small network for five epochs of two steps: returns it, its state before, its curve and a witness."""
    split = easy_split()
    parts = [part_clips(split, part, easy_mels(split), CPU) for part in ("train", "valid")]

    def view(levels, lengths):
        return (to_image(levels[:, :, :25].float() / 255, train_settings().encoder),)

    @cache
    def run(**changes):
        settings = train_settings(**{"batch_size": 37, "frozen_epochs": FROZEN, "epochs": UNFROZEN} | changes)
        random.seed(0)
        torch.manual_seed(0)
        network, witness = build(BACKBONE), Witness()
        before = state_of(network)
        loaders = DataLoaders(ClipLoader(parts[0], view, settings, shares={}), ClipLoader(parts[1], view, settings))
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(defaults, "callbacks", [*defaults.callbacks, witness])
            curve = train(network, loaders, settings, "image", label="test")
        return network, before, curve, witness

    return run


def differing(one, other):
    return {name for name in one if not torch.equal(one[name], other[name])}


def batch_norm_names(network):
    norms = [name for name, module in network.named_modules() if isinstance(module, nn.BatchNorm2d)]
    return {name for name in network.state_dict() if name.rpartition(".")[0] in norms}


def test_while_frozen_only_the_head_and_batch_norm_learn(run):
    network, before, _, witness = run()
    changed = differing(before, witness.states[FROZEN * STEPS - 1])
    head = before.keys() - body_state(network).keys()
    assert head < changed
    assert changed <= head | batch_norm_names(network)
    assert {name.rpartition(".")[2] for name in changed - head} >= {"running_mean", "running_var"}


def test_then_everything_learns(run):
    network, before, _, witness = run()
    frozen, thawed = witness.states[FROZEN * STEPS - 1], state_of(network)
    assert differing(frozen, thawed) == before.keys()


def test_without_frozen_epochs_everything_learns_at_once(run):
    _, before, curve, witness = run(frozen_epochs=0)
    assert len(curve) == UNFROZEN
    assert "conv_stem.weight" in differing(before, witness.states[0])


@pytest.mark.parametrize("body_rate", [0.5, 1.0, 0.01, 0.0])
def test_body_and_head_learn_at_their_own_rates(run, body_rate):
    _, _, _, witness = run(learning_rate=0.01, body_rate=body_rate)
    rates = np.array(witness.rates)
    assert rates.shape == ((FROZEN + UNFROZEN) * STEPS, 2)
    body, head = rates[FROZEN * STEPS :].T
    np.testing.assert_allclose(body, body_rate * head)
    assert 0.005 < head.max() <= 0.01
    assert head[0] == pytest.approx(0.01 / 25)
    assert head[-1] < head.max() / 2
    # One cycle while frozen, too, up to the head's rate.
    assert 0.005 < rates[: FROZEN * STEPS, 1].max() <= 0.01


def test_a_body_rate_of_zero_keeps_the_body(run):
    network, _, _, witness = run(body_rate=0.0, weight_decay=0.1)
    frozen = witness.states[FROZEN * STEPS - 1]
    learnt = {name for name, _ in network.named_parameters()}
    head = frozen.keys() - body_state(network).keys()
    assert differing(frozen, state_of(network)) & learnt == head


def test_weight_decay_reaches_the_optimiser(run):
    _, _, _, witness = run(weight_decay=0.07)
    assert witness.decays == [[0.07, 0.07]] * len(witness.decays)


def test_the_average_is_that_of_the_unfrozen_steps(run):
    plain, _, _, without = run()
    averaged, _, _, witness = run(average=0.6)
    assert all(not differing(*states) for states in zip(without.states, witness.states, strict=True)), "it only looks"
    states = witness.states[FROZEN * STEPS :]
    average = states[0]
    for state in states[1:]:
        average = {name: 0.6 * average[name] + 0.4 * state[name] for name in average}
    for name, tensor in averaged.state_dict().items():
        if tensor.is_floating_point():  # the number of batches that batch norm has seen is none
            torch.testing.assert_close(tensor, average[name], atol=1e-5, rtol=1e-4)
    assert "conv_stem.weight" in differing(state_of(plain), state_of(averaged))


def test_mixup_blends_clips_of_a_batch(run):
    _, _, _, plain = run()
    _, _, curve, mixed = run(mixup=0.4)
    assert all(not torch.equal(*images) for images in zip(plain.images, mixed.images, strict=True))
    # What a batch holds in sum stays about the same; each image lies between two of them.
    assert all(image.min() >= plain.images[0].min() - 0.1 for image in mixed.images)
    assert all(np.isfinite(row["train_loss"]) for row in curve)


def test_the_curve_has_a_row_an_epoch(run):
    _, _, curve, _ = run()
    assert [row["epoch"] for row in curve] == [1, 2, 3, 4, 5]
    assert all(set(row) == {"epoch", "train_loss", "valid_loss", "valid_accuracy"} for row in curve)


def test_off_a_terminal_each_epoch_is_one_plain_line(run, capsys):
    _, _, curve, _ = run(dropout=0.3)  # as no other test, so that it runs here
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == len(curve)
    last = curve[-1]
    assert lines[-1] == (
        f"test: epoch 5/5  train loss {last['train_loss']:.3f}  valid loss {last['valid_loss']:.3f}"
        f"  accuracy {last['valid_accuracy']:.1%}"
    )


def test_frozen_epochs_alone_train_the_head_alone(run):
    network, before, curve, _ = run(epochs=0)
    assert len(curve) == FROZEN
    head = before.keys() - body_state(network).keys()
    assert differing(before, state_of(network)) <= head | batch_norm_names(network)


class Breaks(Callback):
    """Makes the loss of a late step infinite or NaN."""

    def __init__(self, value):
        self.value, self.steps = value, 0

    def after_loss(self):
        self.steps += self.training
        if self.training and self.steps == STEPS + 1:
            self.learn.loss_grad = self.learn.loss_grad * self.value
            self.learn.loss = self.learn.loss_grad.clone()


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_a_loss_that_is_not_finite_ends_the_training_with_one_line(run, monkeypatch, value):
    monkeypatch.setattr(defaults, "callbacks", [*defaults.callbacks, Breaks(value)])
    with pytest.raises(PipelineError) as caught:
        run(learning_rate=0.02)
    assert str(caught.value) == "test: train_loss is nan after epoch 2 at learning_rate 0.02; lower it"
