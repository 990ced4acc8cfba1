"""What the network sees of a clip: a window on a fixed time scale, resized to a square image.

Axes: B clips, M mel bins, F frames of the longest clip, W frames of the window, S pixels.
"""

import torch
import torch.nn.functional as F
from torch import Tensor

from speech_emotion.encoders.image.settings import EncoderSettings, FrontendSettings


def plain_view(levels: Tensor, lengths: Tensor, frontend: FrontendSettings, settings: EncoderSettings) -> tuple[Tensor]:
    """Return images `[B, 3, S, S]` of the middle of each clip.

    Args:
        levels: uint8 `[B, M, F]`, zero (the floor) behind the end of each clip.
        lengths: frames of each clip, float32 `[B]`.
        frontend: how the levels were made.
        settings: size of window and image.
    """
    width = window_frames(frontend, settings)
    windows = window(levels, centred(lengths, width), torch.ones_like(lengths), width)
    return (to_image(windows, settings),)


def window_frames(frontend: FrontendSettings, settings: EncoderSettings) -> int:
    """Return the width of the window in frames."""
    return round(settings.window_s * frontend.frames_per_s)


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
    return levels.gather(2, index).float() / FrontendSettings.LEVELS * inside


def centred(lengths: Tensor, width: int) -> Tensor:
    """Return the starts, float32 `[B]`, that put the middle of each clip into the middle of the window."""
    return ((lengths - width) / 2).floor()


def to_image(windows: Tensor, settings: EncoderSettings) -> Tensor:
    """Resize windows `[B, M, W]` in [0, 1] to normalised images `[B, 3, S, S]`, low frequencies at the bottom."""
    size = (settings.image_size, settings.image_size)
    images = F.interpolate(windows.flip(1)[:, None], size, mode="bilinear", align_corners=False)
    return ((images - settings.mean) / settings.deviation).expand(-1, 3, -1, -1)
