"""Whole clips for the encoder.

Axes: B clips, M mel bins, F frames of the longest clip, W frames of the window.
"""

import torch
from torch import Tensor

from speech_emotion.encoders.speech.settings import EncoderSettings, FrontendSettings

LONGEST_S = 30  # the encoder has no more positions
NORMAL = 0.9  # a normalised clip's maximum: RAVDESS's mean


def plain_view(
    levels: Tensor, lengths: Tensor, frontend: FrontendSettings, settings: EncoderSettings
) -> tuple[Tensor, Tensor]:
    """Return log-mels, float32 `[B, M, W]`, and their lengths `[B]`: whole clips, or the middle 30 s of longer ones.

    Args:
        levels: float16 `[B, M, F]`, zero behind the end of each clip.
        lengths: frames of each clip, float32 `[B]`.
        frontend: how the log-mels were made.
        settings: whether the level is kept.
    """
    width = min(levels.shape[2], round(LONGEST_S * frontend.frames_per_s))
    starts = ((lengths - width) / 2).floor().clamp(min=0)
    mel, lengths = window(levels, lengths, starts, torch.ones_like(lengths), width)
    return (normalised(mel, lengths) if settings.level_normalised else mel), lengths


def window(levels: Tensor, lengths: Tensor, starts: Tensor, rates: Tensor, width: int) -> tuple[Tensor, Tensor]:
    """Cut up to `width` frames out of each clip, played `rates` times as fast from frame `starts` on.

    Args:
        levels: `[B, M, F]`.
        lengths: frames of each clip, float32 `[B]`.
        starts: float32 `[B]`, inside the clip.
        rates: float32 `[B]`, 1.0 for the speed as recorded; frames are interpolated linearly.
        width: frames in the window.

    Returns:
        float32 `[B, M, W]`, zero behind the end of each clip, and the frames up to there, float32 `[B]`.
    """
    position = starts[:, None] + rates[:, None] * torch.arange(width, device=levels.device)  # [B, W]
    left = position.floor()
    weight = (position - left)[:, None]
    last = (lengths - 1)[:, None]
    mel = (1 - weight) * _take(levels, left, last) + weight * _take(levels, left + 1, last)
    kept = (position <= last).sum(1).to(lengths.dtype)
    return mel * inside(mel, kept), kept


def inside(mel: Tensor, lengths: Tensor) -> Tensor:
    """Return `[B, 1, W]`, true where a clip is."""
    return (torch.arange(mel.shape[2], device=mel.device) < lengths[:, None])[:, None]


def loudest(mel: Tensor, lengths: Tensor) -> Tensor:
    """Return the maximum of each clip, `[B, 1, 1]`."""
    return mel.masked_fill(~inside(mel, lengths), -torch.inf).amax((1, 2), keepdim=True)


def normalised(mel: Tensor, lengths: Tensor) -> Tensor:
    """Return log-mels with the maximum of each at `NORMAL`, zero behind the end as before."""
    return (mel - loudest(mel, lengths) + NORMAL) * inside(mel, lengths)


def _take(levels: Tensor, frame: Tensor, last: Tensor) -> Tensor:
    index = torch.minimum(frame, last).long()[:, None].expand(-1, levels.shape[1], -1)
    return levels.gather(2, index).float()
