"""Log-mels to logits or embeddings with a trained model."""

from collections.abc import Callable, Sequence
from functools import partial

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from tqdm import trange

from speech_emotion.core.errors import PipelineError
from speech_emotion.encoders import protocol
from speech_emotion.encoders.protocol import Mel
from speech_emotion.model.checkpoint import Model

BATCH_SIZE = 32


def best_device() -> torch.device:
    """Return the GPU if there is one that torch can use, else the CPU."""
    return torch.device("cuda" if torch.cuda.is_available() else "cpu")


def pack(mels: Sequence[Mel], frames: int = 0) -> tuple[Tensor, Tensor]:
    """Return log-mels `[n_mels, frames]` as one tensor `[clips, n_mels, longest]`, zero behind each clip's end.

    It is `frames` wide where no clip is longer. The second tensor has the frames of each clip, float32 `[clips]`.
    """
    lengths = [mel.shape[1] for mel in mels]
    levels = np.zeros((len(mels), mels[0].shape[0], max(frames, *lengths)), mels[0].dtype)
    for row, mel in zip(levels, mels, strict=True):
        row[:, : mel.shape[1]] = mel
    return torch.from_numpy(levels), torch.tensor(lengths, dtype=torch.float32)


def clip_logits(model: Model, mels: Sequence[Mel]) -> NDArray[np.float32]:
    """Return logits, float32 `[clips, 8]`, not divided by the temperature; the network moves to the best device.

    Args:
        model: in evaluation mode, as `checkpoint.load_model` returns it.
        mels: made by the model's front end; a batch at a time is read of those that are stored.

    Raises:
        PipelineError: a logit is not finite.
    """
    return _in_batches(model, mels, model.network)


def clip_embeddings(model: Model, mels: Sequence[Mel]) -> NDArray[np.float32]:
    """Return embeddings, float32 `[clips, D]`; arguments as `clip_logits`."""
    return _in_batches(model, mels, partial(protocol.network(model.description.encoder).embed, model.network))


def embedding_logits(model: Model, embeddings: NDArray[np.floating]) -> NDArray[np.float32]:
    """Return the logits `[clips, 8]` of `embeddings` `[clips, D]`, as they came or changed."""
    tensor = torch.from_numpy(embeddings.astype(np.float32)).to(best_device())
    with torch.inference_mode():
        return protocol.network(model.description.encoder).classify(model.network, tensor).float().cpu().numpy()


def _in_batches(model: Model, mels: Sequence[Mel], ask: Callable[..., Tensor]) -> NDArray[np.float32]:
    # Not under inference_mode: parameters that move there could never be trained again.
    device, description = best_device(), model.description
    model.network.to(device)
    plain_view = protocol.view(description.encoder).plain_view
    answers = []
    with torch.inference_mode():
        for first in trange(0, len(mels), BATCH_SIZE, desc="predict", unit="batch", disable=None, leave=False):
            levels, lengths = (tensor.to(device) for tensor in pack(mels[first : first + BATCH_SIZE]))
            inputs = plain_view(levels, lengths, description.frontend, description.training.encoder)
            answers.append(ask(*inputs).float())
    found = torch.cat(answers).cpu().numpy()
    if not np.isfinite(found).all():
        raise PipelineError(
            f"{description.encoder}: the model's answers are not finite; train at a lower learning rate"
        )
    return found
