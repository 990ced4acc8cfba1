"""fastai training of one network on one part: head first, then all of it at discriminative rates."""

from functools import partial

import torch
from torch import distributed, nn
from tqdm import tqdm

from speech_emotion.core.errors import PipelineError
from speech_emotion.encoders import protocol
from speech_emotion.training.callbacks import ClipMixUp, CudaGraph, Curve, Curves, WeightAverage
from speech_emotion.training.data_parallel import Average, is_first
from speech_emotion.training.fastai_parts import (
    AMPMode,
    Callback,
    ChannelsLast,
    DataLoaders,
    Learner,
    MixedPrecision,
    OptimWrapper,
    ProgressCallback,
    accuracy,
)
from speech_emotion.training.loss import training_loss
from speech_emotion.training.settings import TrainSettings


def train(
    network: nn.Module, loaders: DataLoaders, settings: TrainSettings, encoder: str, *, label: str
) -> list[Curve]:
    """Train `network` in place and return its learning curve, one row an epoch.

    The head learns alone for `frozen_epochs` (batch norm adapts too, layer norm does not), then everything for
    `epochs`, each in one cycle (Smith 2018, arXiv:1803.09820). The last epoch's weights, or their moving average, are
    what stays: no checkpoint is chosen by looking at a score.

    Raises:
        PipelineError: the loss is not finite.
    """
    kind = protocol.network(encoder)
    epochs = settings.frozen_epochs + settings.epochs
    average = WeightAverage(settings.average)
    learn = Learner(
        loaders,
        network,
        loss_func=training_loss(loaders.train.clips.targets, settings),
        opt_func=partial(OptimWrapper, opt=torch.optim.AdamW, **_one_launch(loaders.device)),
        splitter=kind.parameter_groups,
        wd=settings.weight_decay,
        train_bn=not any(isinstance(module, nn.LayerNorm) for module in network.modules()),  # fastai's would learn, too
        metrics=accuracy,
        cbs=_device_callbacks(loaders.device),
    )
    learn.remove_cb(ProgressCallback)
    if distributed.is_initialized():
        learn.add_cb(Average())
    if settings.mixup:
        learn.add_cb(ClipMixUp(settings.mixup))
    hidden = None if is_first() else True
    bar = tqdm(total=epochs * len(loaders.train), desc=label, unit=" batches", disable=hidden, leave=False)
    curves = Curves(label, epochs, bar)
    with bar, learn.no_logging(), learn.added_cbs(curves):
        if settings.frozen_epochs:
            learn.freeze()
            learn.fit_one_cycle(settings.frozen_epochs, settings.learning_rate)
        if settings.epochs and not curves.failure:
            learn.unfreeze()
            if loaders.device.type == "cuda":
                learn.add_cb(CudaGraph())
            if settings.average:
                learn.add_cb(average)
            rates = [settings.learning_rate * share for share in kind.rate_shares(network, settings.encoder)]
            learn.fit_one_cycle(settings.epochs, rates)
    if curves.failure:
        raise PipelineError(f"{curves.failure} at learning_rate {settings.learning_rate:g}; lower it")
    average.finish()
    return curves.rows


def _one_launch(device: torch.device) -> dict[str, bool]:
    return {"fused": True} if device.type == "cuda" else {"foreach": True}


def _device_callbacks(device: torch.device) -> list[Callback]:
    return [ChannelsLast(), *([MixedPrecision(amp_mode=AMPMode.BF16)] if device.type == "cuda" else [])]
