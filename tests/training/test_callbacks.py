"""The recorded training step, with a recorder that stands in for CUDA's."""

import warnings
from collections.abc import Callable
from functools import partial

import pytest
import torch
from torch import Tensor, nn

from speech_emotion.training.callbacks import CudaGraph
from speech_emotion.training.fastai_parts import (
    Callback,
    CrossEntropyLossFlat,
    DataLoader,
    DataLoaders,
    Learner,
    OptimWrapper,
    ProgressCallback,
)
from speech_emotion.training.loss import CorpusCrossEntropy

BATCH, BATCHES = 4, 3


@pytest.fixture
def recorded(monkeypatch: pytest.MonkeyPatch) -> list[tuple[int, ...]]:
    """What is recorded: the shape of the sample, then of each batch that is replayed."""
    shapes: list[tuple[int, ...]] = []

    def record(model: nn.Module, sample: tuple[Tensor, ...]) -> None:
        assert model.training
        assert not torch.is_autocast_cache_enabled()
        shapes.append(tuple(sample[0].shape))
        forward: Callable[[Tensor], Tensor] = model.forward

        def replay(images: Tensor) -> Tensor:
            shapes.append(tuple(images.shape))
            return forward(images)

        model.forward = replay

    monkeypatch.setattr(torch.cuda, "make_graphed_callables", record)
    return shapes


def learner(loss: Callable[[Tensor, Tensor], Tensor] | None = None) -> Learner:
    network = nn.Sequential(nn.Conv2d(3, 2, 1), nn.Flatten(), nn.Linear(2 * 16, 8))
    clips = [(torch.randn(3, 4, 4), torch.tensor(place % 8)) for place in range(BATCH * BATCHES)]
    loaders = DataLoaders(DataLoader(clips, bs=BATCH), DataLoader([], bs=BATCH))
    learn = Learner(
        loaders,
        network,
        loss_func=loss or CrossEntropyLossFlat(),
        opt_func=partial(OptimWrapper, opt=torch.optim.AdamW),
    )
    learn.remove_cb(ProgressCallback)
    return learn


def fit(learn: Learner, *callbacks: Callback) -> None:
    with warnings.catch_warnings(), learn.no_logging():
        warnings.simplefilter("ignore")  # there is no CUDA to cast for
        learn.fit(1, 1e-3, cbs=list(callbacks))


@pytest.mark.parametrize("loss", [CrossEntropyLossFlat(), CorpusCrossEntropy(torch.arange(8, 16), 0.1)])
def test_every_batch_is_replayed_and_the_network_gets_its_own_pass_back(
    recorded: list[tuple[int, ...]], loss: Callable[[Tensor, Tensor], Tensor]
) -> None:
    learn = learner(loss)
    fit(learn, CudaGraph())
    assert recorded == [(BATCH, 3, 4, 4)] * (1 + BATCHES)
    assert "forward" not in vars(learn.model)


def test_nothing_of_an_earlier_fit_is_alive_when_the_next_is_recorded(monkeypatch: pytest.MonkeyPatch) -> None:
    # Without a validation the learner keeps the last training loss, and CUDA refuses to record beside its graph.
    learn = learner()
    fit(learn)
    assert learn.loss_grad.grad_fn is not None
    kept = []
    monkeypatch.setattr(torch.cuda, "make_graphed_callables", lambda *_: kept.append(learn.loss_grad))
    fit(learn, CudaGraph())
    assert kept == [None]
