"""Training steps on a GPU without the cost of a thousand small launches: recorded once, replayed."""

import gc

import torch

from speech_emotion.fastai_parts import Callback


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
        images, _ = self.dls.train.one_batch()
        self.learn.model.train()
        with torch.autocast("cuda", torch.bfloat16, cache_enabled=False):
            torch.cuda.make_graphed_callables(self.learn.model, (images.contiguous(memory_format=torch.channels_last),))

    def after_fit(self) -> None:
        """Give the network its own forward pass back."""
        vars(self.learn.model).pop("forward", None)
