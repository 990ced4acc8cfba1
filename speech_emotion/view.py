"""What a network sees of a clip: a window on a fixed time scale, resized to a square image.

Axes: B clips, M mel bins, F frames of the longest clip, W frames of the window, S pixels.
"""

from collections.abc import Sequence

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from speech_emotion.mel_settings import LEVELS, Mel


def pack(mels: Sequence[Mel]) -> tuple[Tensor, Tensor]:
    """Return log-mels `[M, frames]` as one uint8 tensor `[clips, M, F]` and their lengths, float32 `[clips]`."""
    lengths = [mel.shape[1] for mel in mels]
    levels = np.zeros((len(mels), mels[0].shape[0], max(lengths)), np.uint8)
    for row, mel in zip(levels, mels, strict=True):
        row[:, : mel.shape[1]] = mel
    return torch.from_numpy(levels), torch.tensor(lengths, dtype=torch.float32)


def window(levels: Tensor, starts: Tensor, rates: Tensor, width: int) -> Tensor:
    """Cut a window of `width` frames out of each clip, played `rates` times as fast from frame `starts` on.

    Args:
        levels: uint8 `[B, M, F]`, zero (the floor) behind the end of each clip.
        starts: float32 `[B]`, may be negative: the window then begins in silence.
        rates: float32 `[B]`, 1.0 for the speed as recorded; frames are interpolated linearly.
        width: frames in the window.

    Returns:
        float32 `[B, M, W]` in [0, 1]; zero where the window reaches over an end of the clip.
    """
    frames = levels.shape[-1]
    position = starts[:, None] + rates[:, None] * torch.arange(width, device=levels.device)  # [B, W]
    left = position.floor()
    weight = (position - left)[:, None, :]
    return (1 - weight) * _take(levels, left, frames) + weight * _take(levels, left + 1, frames)


def _take(levels: Tensor, frame: Tensor, frames: int) -> Tensor:
    inside = ((frame >= 0) & (frame < frames))[:, None, :]
    index = frame.clamp(0, frames - 1).long()[:, None, :].expand(-1, levels.shape[1], -1)
    return levels.gather(2, index).float() / LEVELS * inside


def centred(lengths: Tensor, width: int) -> Tensor:
    """Return the starts, float32 `[B]`, that put the middle of each clip into the middle of the window."""
    return ((lengths - width) / 2).floor()


def spread(lengths: Tensor, width: int, crops: int) -> Tensor:
    """Return `crops` starts a clip, float32 `[B, crops]`, evenly over a clip that is longer than the window.

    A clip that fits into the window is seen centred by every crop.
    """
    if crops == 1:
        return centred(lengths, width)[:, None]
    share = torch.linspace(0, 1, crops, device=lengths.device)
    over = (lengths - width)[:, None]
    return torch.where(over > 0, (over * share).floor(), centred(lengths, width)[:, None])


def to_image(windows: Tensor, size: int, *, mean: float, deviation: float) -> Tensor:
    """Resize windows `[B, M, W]` in [0, 1] to normalised images `[B, 3, S, S]`, low frequencies at the bottom."""
    images = F.interpolate(windows.flip(1)[:, None], (size, size), mode="bilinear", align_corners=False)
    return ((images - mean) / deviation).expand(-1, 3, -1, -1)
