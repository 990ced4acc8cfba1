"""Log-mels to logits with a trained model."""

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from tqdm import trange

from speech_emotion.encoders import protocol
from speech_emotion.encoders.protocol import Mel
from speech_emotion.model.checkpoint import Model

BATCH_SIZE = 32


def best_device() -> torch.device:
    """Return the GPU if there is one that torch can use, else the CPU."""
    return torch.device("cuda" if torch.cuda.is_available() else "cpu")


def pack(mels: Sequence[Mel]) -> tuple[Tensor, Tensor]:
    """Return log-mels `[n_mels, frames]` as one tensor `[clips, n_mels, longest]`, zero behind each clip's end.

    The second tensor has the frames of each clip, float32 `[clips]`.
    """
    lengths = [mel.shape[1] for mel in mels]
    levels = np.zeros((len(mels), mels[0].shape[0], max(lengths)), mels[0].dtype)
    for row, mel in zip(levels, mels, strict=True):
        row[:, : mel.shape[1]] = mel
    return torch.from_numpy(levels), torch.tensor(lengths, dtype=torch.float32)


def clip_logits(model: Model, mels: Sequence[Mel]) -> NDArray[np.float32]:
    """Return logits, float32 `[clips, 8]`, not divided by the temperature; the network moves to the best device.

    Args:
        model: in evaluation mode, as `checkpoint.load_model` returns it.
        mels: made by the model's front end.
    """
    # Not under inference_mode: parameters that move there could never be trained again.
    device = best_device()
    model.network.to(device)
    with torch.inference_mode():
        batches = [
            _batch_logits(model, mels[first : first + BATCH_SIZE], device)
            for first in trange(0, len(mels), BATCH_SIZE, desc="predict", unit="batch", disable=None, leave=False)
        ]
    return torch.cat(batches).cpu().numpy()


def _batch_logits(model: Model, mels: Sequence[Mel], device: torch.device) -> Tensor:
    description = model.description
    levels, lengths = (tensor.to(device) for tensor in pack(mels))
    plain_view = protocol.view(description.encoder).plain_view
    logits: Tensor = model.network(*plain_view(levels, lengths, description.frontend, description.training.encoder))
    return logits.float()
