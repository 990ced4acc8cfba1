"""Log-mels to logits with a trained model."""

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn
from tqdm import tqdm

from speech_emotion.mel_settings import Mel
from speech_emotion.model import Description
from speech_emotion.view import pack, spread, to_image, window


@torch.inference_mode()
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
    network = network.to(device)
    results = []
    for first in tqdm(range(0, len(mels), batch_size), desc="predict", unit="batch", disable=None, leave=False):
        levels, lengths = (tensor.to(device) for tensor in pack(mels[first : first + batch_size]))
        starts = spread(lengths, description.window_frames, crops)
        views = []
        for start in starts.T:
            windows = window(levels, start, torch.ones_like(start), description.window_frames)
            image = to_image(windows, description.image_size, mean=description.mean, deviation=description.deviation)
            views.append(network(image).float())
        results.append(views[0] if crops == 1 else torch.stack(views).log_softmax(-1).mean(0))
    return torch.cat(results).cpu().numpy()
