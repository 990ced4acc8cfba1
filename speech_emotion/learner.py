"""fastai training of one network on one part: head first, then all of it at discriminative rates."""

from functools import partial
from math import isnan, nan

import torch
from torch import nn
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn
from tqdm import tqdm

from speech_emotion.cuda_graph import CudaGraph
from speech_emotion.fastai_parts import (
    AMPMode,
    Callback,
    ChannelsLast,
    CrossEntropyLossFlat,
    DataLoaders,
    Learner,
    MixedPrecision,
    MixUp,
    OptimWrapper,
    ProgressCallback,
    accuracy,
)
from speech_emotion.network import parameter_groups
from speech_emotion.train_settings import TrainSettings

SHOWN = {"train_loss": "train loss {:.3f}", "valid_loss": "valid loss {:.3f}", "valid_accuracy": "accuracy {:.1%}"}


class Curves(Callback):  # type: ignore[misc]
    """Collect one row an epoch and print it as a line, below it a bar over all epochs where there is a terminal."""

    order = 60  # after the Recorder

    def __init__(self, label: str, epochs: int, bar: "tqdm[None]") -> None:
        self.label, self.epochs, self.bar = label, epochs, bar
        self.rows: list[dict[str, float]] = []

    def after_batch(self) -> None:
        """Move the bar."""
        if self.training:
            self.bar.update()

    def after_epoch(self) -> None:
        """Keep losses and accuracy of the epoch that ended; fastai has None for what was not scored."""
        values = [nan if value is None else float(value) for value in self.learn.recorder.values[-1]]
        row = dict(zip(SHOWN, values, strict=True))
        self.rows.append({"epoch": len(self.rows) + 1} | row)
        numbers = "  ".join(SHOWN[name].format(value) for name, value in row.items() if not isnan(value))
        with tqdm.external_write_mode():
            print(f"{self.label}: epoch {len(self.rows)}/{self.epochs}  {numbers}", flush=True)


class WeightAverage(Callback):  # type: ignore[misc]
    """Keep an exponential moving average of weights and batch statistics, and end training with it."""

    def __init__(self, decay: float) -> None:
        self.decay = decay
        self.average: AveragedModel | None = None

    def after_step(self) -> None:
        """Move the average towards the weights of this step."""
        if self.average is None:
            self.average = AveragedModel(
                self.learn.model,
                multi_avg_fn=get_ema_multi_avg_fn(self.decay),  # type: ignore[no-untyped-call]
                use_buffers=True,
            )
        self.average.update_parameters(self.learn.model)

    def finish(self) -> None:
        """Put the average into the network."""
        if self.average is not None:
            self.learn.model.load_state_dict(self.average.module.state_dict())


def train(network: nn.Module, loaders: DataLoaders, settings: TrainSettings, *, label: str) -> list[dict[str, float]]:
    """Train `network` in place and return its learning curve, one row an epoch.

    The head learns alone for `frozen_epochs` (batch norm adapts too), then everything for `epochs`, each in one
    cycle (Smith 2018, arXiv:1803.09820). The last epoch's weights, or their moving average, are what stays: no
    checkpoint is chosen by looking at a score.
    """
    epochs = settings.frozen_epochs + settings.epochs
    average = WeightAverage(settings.average)
    learn = Learner(
        loaders,
        network,
        loss_func=CrossEntropyLossFlat(label_smoothing=settings.label_smoothing),
        opt_func=partial(OptimWrapper, opt=torch.optim.AdamW, **_one_launch(loaders.device)),
        splitter=parameter_groups,
        wd=settings.weight_decay,
        metrics=accuracy,
        cbs=_device_callbacks(loaders.device),
    )
    learn.remove_cb(ProgressCallback)
    if settings.mixup:
        learn.add_cb(MixUp(settings.mixup))
    bar = tqdm(total=epochs * len(loaders.train), desc=label, unit=" batches", disable=None, leave=False)
    curves = Curves(label, epochs, bar)
    with bar, learn.no_logging(), learn.added_cbs(curves):
        if settings.frozen_epochs:
            learn.freeze()
            learn.fit_one_cycle(settings.frozen_epochs, settings.learning_rate)
        learn.unfreeze()
        if loaders.device.type == "cuda":
            learn.add_cb(CudaGraph())
        if settings.average:
            learn.add_cb(average)
        rates = [settings.learning_rate * settings.body_rate, settings.learning_rate]  # as `parameter_groups`
        learn.fit_one_cycle(settings.epochs, rates)
    average.finish()
    return curves.rows


def _one_launch(device: torch.device) -> dict[str, bool]:
    return {"fused": True} if device.type == "cuda" else {"foreach": True}


def _device_callbacks(device: torch.device) -> list[Callback]:
    return [ChannelsLast(), *([MixedPrecision(amp_mode=AMPMode.BF16)] if device.type == "cuda" else [])]
