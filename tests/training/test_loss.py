"""The loss over the emotions that a clip's corpus has."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from speech_emotion.clips import EMOTIONS
from speech_emotion.core.errors import PipelineError
from speech_emotion.encoders.image.network import head_of
from speech_emotion.training.fine_tune import fine_tune
from speech_emotion.training.loss import CorpusCrossEntropy, with_corpora
from speech_emotion.training.settings import CORPUS, flat
from speech_emotion.training.settings import train_settings as to_settings
from tests.trainings import easy_mels, easy_split, small_model, train_settings

E = len(EMOTIONS)
DISGUST = EMOTIONS.index("disgust")
# RAVDESS has all emotions, nEMO the first three.
TARGETS = with_corpora(torch.tensor([*range(E), 0, 1, 2]), ["ravdess"] * E + ["nemo"] * 3)


def gradient(logits: Tensor, loss: Tensor) -> Tensor:
    [found] = torch.autograd.grad(loss, logits)
    return found


def random_logits(clips: int) -> Tensor:
    return torch.randn(clips, E, generator=torch.Generator().manual_seed(0), requires_grad=True)


@pytest.mark.parametrize("smoothing", [0.0, 0.1])
def test_a_corpus_that_has_all_emotions_is_as_ever(smoothing: float) -> None:
    logits, ravdess = random_logits(E), TARGETS[:E]
    ours = CorpusCrossEntropy(TARGETS, smoothing)(logits, ravdess)
    theirs = F.cross_entropy(logits, torch.arange(E), label_smoothing=smoothing)
    assert ours.item() == pytest.approx(theirs.item(), rel=1e-6)
    torch.testing.assert_close(gradient(logits, ours), gradient(logits, theirs))


@pytest.mark.parametrize("smoothing", [0.0, 0.1])
def test_what_a_corpus_lacks_is_neither_taught_nor_untaught(smoothing: float) -> None:
    logits, nemo = random_logits(3), TARGETS[E:]
    ours = CorpusCrossEntropy(TARGETS, smoothing)(logits, nemo)
    among_three = F.cross_entropy(logits[:, :3], torch.arange(3), label_smoothing=smoothing)
    assert ours.item() == pytest.approx(among_three.item(), rel=1e-6)
    torch.testing.assert_close(gradient(logits, ours), gradient(logits, among_three))
    assert not gradient(logits, CorpusCrossEntropy(TARGETS, smoothing)(logits, nemo))[:, 3:].any()


def test_a_target_of_no_corpus_counts_against_all_emotions() -> None:
    logits, plain = random_logits(3), torch.arange(3)
    ours = CorpusCrossEntropy(TARGETS, 0.0)(logits, plain)
    assert ours.item() == pytest.approx(F.cross_entropy(logits, plain).item())


def test_mixup_gets_a_loss_for_each_clip_with_its_own_corpus() -> None:
    logits, loss = random_logits(E + 3), CorpusCrossEntropy(TARGETS, 0.0)
    order = torch.arange(E + 2, -1, -1)
    mean = loss(logits, TARGETS[order])
    loss.reduction = "none"  # as fastai's MixUp sets it for a batch
    each = loss(logits, TARGETS[order])
    alone = [loss(logits[place : place + 1], TARGETS[other : other + 1]) for place, other in enumerate(order)]
    torch.testing.assert_close(each, torch.cat(alone))
    torch.testing.assert_close(each.mean(), mean)


def test_in_bfloat16_the_loss_is_float32() -> None:
    logits = random_logits(E + 3)
    with torch.autocast("cpu", torch.bfloat16):
        found = CorpusCrossEntropy(TARGETS, 0.1)(logits, TARGETS)
    assert found.dtype == torch.float32
    assert found.item() == CorpusCrossEntropy(TARGETS, 0.1)(logits, TARGETS).item()


def disgust_moved(split: pd.DataFrame, **changes: object) -> bool:
    """Say whether a training moves the head's weights of disgust."""
    torch.manual_seed(0)
    model = small_model(weight_decay=0.0, epochs=1, **changes)
    before = head_of(model.network).weight[DISGUST].clone()
    fine_tune(model, split, easy_mels(split), label="test")
    return not torch.equal(head_of(model.network).weight[DISGUST].cpu(), before)


@pytest.mark.parametrize("mixup", [0.0, 0.4])
def test_a_training_leaves_alone_what_no_corpus_shows(mixup: float) -> None:
    split = easy_split()
    lacking = split[(split["emotion"] != "disgust") | (split["part"] != "train")]
    assert disgust_moved(lacking, mixup=mixup, loss_over="all")
    assert not disgust_moved(lacking, mixup=mixup, loss_over=CORPUS)
    assert disgust_moved(split, mixup=mixup, loss_over=CORPUS)


def test_one_corpus_with_all_emotions_learns_the_same_either_way() -> None:
    split = easy_split().assign(corpus="ravdess")
    curves = []
    for loss_over in ("all", CORPUS):
        torch.manual_seed(0)
        model = small_model(loss_over=loss_over, epochs=1)
        curves.append(fine_tune(model, split, easy_mels(split), label="test")[1])
    losses = [[row["train_loss"] for row in curve] for curve in curves]
    np.testing.assert_allclose(losses[0], losses[1], rtol=1e-4)


def test_settings_from_before_mean_all_emotions_and_others_are_refused() -> None:
    settings = train_settings(loss_over=CORPUS)
    assert to_settings(flat(settings), "image", "again") == settings
    older = {name: value for name, value in flat(settings).items() if name != "loss_over"}
    assert to_settings(older, "image", "older") == replace(settings, loss_over="all")
    with pytest.raises(PipelineError, match="loss_over is speaker; it must be all or corpus"):
        train_settings(loss_over="speaker")
