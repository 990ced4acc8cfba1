"""Several processes train one network: each on its rows of every batch, all with the average of their gradients.

`torchrun --nproc-per-node N -m stages.finetune ...` starts them; without it nothing here changes anything. A batch
holds as many clips as with one process, drawn and changed in the same way, so that the schedule is the same in samples.
fastai's own context (`fastai.distributed`) takes a whole batch for each process, and runs on CUDA alone.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import Tensor, distributed, nn

from speech_emotion.core.errors import PipelineError
from speech_emotion.training.fastai_parts import Callback


@contextmanager
def data_parallel() -> Iterator[bool]:
    """Join the processes that torchrun started, if it did; yield whether this is the one that writes."""
    if "LOCAL_RANK" not in os.environ:
        yield True
        return
    if torch.cuda.is_available():
        torch.cuda.set_device(int(os.environ["LOCAL_RANK"]))
    distributed.init_process_group("nccl" if torch.cuda.is_available() else "gloo")
    try:
        yield is_first()
    finally:
        distributed.destroy_process_group()


def is_first() -> bool:
    """Return whether this process is the only one, or the first."""
    return not distributed.is_initialized() or distributed.get_rank() == 0


def own_rows(batch: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
    """Return this process's rows of tensors `[B, ...]`.

    Raises:
        PipelineError: not all processes would have as many.
    """
    if not distributed.is_initialized():
        return batch
    size, count = len(batch[0]), distributed.get_world_size()
    if size % count:
        raise PipelineError(f"batch_size {size} cannot be shared by {count} processes; start a number that divides it")
    return tuple(tensor[distributed.get_rank() :: count] for tensor in batch)


class Average(Callback):  # type: ignore[misc]
    """Replace gradients, batch statistics and loss by the average over the processes."""

    def after_backward(self) -> None:
        """Average all of them in one message."""
        model = self.learn.model
        gradients = [one.grad for one in model.parameters() if one.grad is not None]
        norms = [module for module in model.modules() if isinstance(module, nn.modules.batchnorm._BatchNorm)]
        statistics = [one for norm in norms for one in (norm.running_mean, norm.running_var) if one is not None]
        self.learn.loss = self.learn.loss.detach().clone()  # of a recorded step, it lies where the next one writes
        tensors = [self.learn.loss, *gradients, *statistics]
        message = torch.cat([tensor.flatten().float() for tensor in tensors])
        distributed.all_reduce(message)
        message /= distributed.get_world_size()
        for tensor, part in zip(tensors, torch.split(message, [tensor.numel() for tensor in tensors]), strict=True):
            tensor.copy_(part.view(tensor.shape))
