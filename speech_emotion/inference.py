"""Log-mels to logits with a trained model."""

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from tqdm import trange

from speech_emotion.mel_settings import Mel
from speech_emotion.model import Description
from speech_emotion.view import pack, spread, to_image, window


def clip_logits(
    network: nn.Module,
    description: Description,
    mels: Sequence[Mel],
    *,
    crops: int = 1,
    batch_size: int = 32,
    device: torch.device | None = None,
) -> NDArray[np.float32]:
    """Return logits, float32 `[clips, 8]`, not divided by the temperature; log probabilities are averaged over crops.

    Args:
        network: as `model.load_model` returns it.
        description: its description.
        mels: uint8 `[n_mels, frames]` each, made with `description.mel`.
        crops: windows a clip, spread evenly over clips that are longer than the window.
        batch_size: clips at a time.
        device: where to compute; the CPU unless given.
    """
    # Not under inference_mode: parameters that move there could never be trained again.
    network = network.to(device)
    with torch.inference_mode():
        batches = [
            _batch_logits(network, description, mels[first : first + batch_size], crops, device)
            for first in trange(0, len(mels), batch_size, desc="predict", unit="batch", disable=None, leave=False)
        ]
    return torch.cat(batches).cpu().numpy()


def _batch_logits(
    network: nn.Module, description: Description, mels: Sequence[Mel], crops: int, device: torch.device | None
) -> Tensor:
    levels, lengths = (tensor.to(device) for tensor in pack(mels))
    views = []
    for start in spread(lengths, description.window_frames, crops).T:
        windows = window(levels, start, torch.ones_like(start), description.window_frames)
        image = to_image(windows, description.image_size, mean=description.mean, deviation=description.deviation)
        views.append(network(image).float())
    return views[0] if crops == 1 else torch.stack(views).log_softmax(-1).mean(0)
