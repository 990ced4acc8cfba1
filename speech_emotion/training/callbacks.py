"""Callbacks of fastai: the learning curve, MixUp, a moving average of the weights, training steps recorded on a GPU."""

import gc
from math import isfinite, isnan, nan

import torch
from torch import Tensor
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn
from tqdm import tqdm

from speech_emotion.training.data_parallel import is_first
from speech_emotion.training.fastai_parts import Callback, CancelFitException, MixUp

Curve = dict[str, float]  # one epoch: its number, losses and accuracy

SHOWN = {"train_loss": "train loss {:.3f}", "valid_loss": "valid loss {:.3f}", "valid_accuracy": "accuracy {:.1%}"}


class Curves(Callback):  # type: ignore[misc]
    """Collect one row an epoch and print it as a line, below it a bar over all epochs where there is a terminal."""

    order = 60  # after the Recorder

    def __init__(self, label: str, epochs: int, bar: "tqdm[None]") -> None:
        self.label, self.epochs, self.bar = label, epochs, bar
        self.rows: list[Curve] = []
        self.failure: str | None = None  # what is not finite, and since when

    def after_batch(self) -> None:
        """Move the bar."""
        if self.training:
            self.bar.update()

    def after_epoch(self) -> None:
        """Keep losses and accuracy of the epoch that ended, or stop; fastai has None for what was not scored."""
        recorded = dict(zip(SHOWN, self.learn.recorder.values[-1], strict=True))
        row = {name: nan if value is None else float(value) for name, value in recorded.items()}
        self.rows.append({"epoch": len(self.rows) + 1} | row)
        # A loss that stops being finite stays so in fastai's mean: no look at each step, for which a GPU would wait.
        wrong = [f"{name} is {row[name]}" for name in row if recorded[name] is not None and not isfinite(row[name])]
        if wrong:
            self.failure = f"{self.label}: {wrong[0]} after epoch {len(self.rows)}"
            raise CancelFitException
        numbers = "  ".join(SHOWN[name].format(value) for name, value in row.items() if not isnan(value))
        if is_first():
            with tqdm.external_write_mode():
                print(f"{self.label}: epoch {len(self.rows)}/{self.epochs}  {numbers}", flush=True)


class ClipMixUp(MixUp):  # type: ignore[misc]
    """fastai's MixUp, for networks of several inputs: of what is one number a clip, such as lengths, the larger."""

    def before_batch(self) -> None:
        """Blend each clip of the batch with another one of it."""
        share = self.distrib.sample((len(self.y),)).to(self.y.device)
        self.lam = torch.maximum(share, 1 - share)
        other = torch.randperm(len(self.y)).to(self.y.device)
        self.yb1 = (self.y[other],)
        self.learn.xb = tuple(_blend(one, one[other], self.lam) for one in self.xb)


def _blend(one: Tensor, other: Tensor, share: Tensor) -> Tensor:
    if one.ndim == 1:
        return torch.maximum(one, other)
    return torch.lerp(other, one, share.view(-1, *[1] * (one.ndim - 1)))


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


class CudaGraph(Callback):  # type: ignore[misc]
    """Record the network's forward and backward pass before a fit, replay it for every batch, forget it after.

    Batches must keep the size of the first one. What is validated runs as ever: a recording is of training mode only.
    """

    order = 50  # after ChannelsLast has put the weights where they stay

    def before_fit(self) -> None:
        """Record, in bfloat16 as MixedPrecision trains, with a batch of the training loader."""
        # The fit before left its last loss; while that lives, so does its autograd graph, and none can be recorded.
        self.learn.loss_grad = None
        gc.collect()  # recordings are in reference cycles, and hold the memory of all activations
        torch.cuda.empty_cache()
        *inputs, _ = self.dls.train.one_batch()
        # Images as ChannelsLast will bring them.
        inputs = [one.contiguous(memory_format=torch.channels_last) if one.ndim == 4 else one for one in inputs]
        self.learn.model.train()
        with torch.autocast("cuda", torch.bfloat16, cache_enabled=False):
            torch.cuda.make_graphed_callables(self.learn.model, tuple(inputs))

    def after_fit(self) -> None:
        """Give the network its own forward pass back."""
        vars(self.learn.model).pop("forward", None)
