"""Random changes of training clips, a batch at a time on the device: what could have been another recording.

No flip, rotation or warping: time has a direction and frequency a scale.
"""

import torch
from torch import Tensor

from speech_emotion.encoders.image.settings import AugmentSettings, EncoderSettings, FrontendSettings
from speech_emotion.encoders.image.view import to_image, window, window_frames


def train_view(levels: Tensor, lengths: Tensor, frontend: FrontendSettings, settings: EncoderSettings) -> tuple[Tensor]:
    """Return images `[B, 3, S, S]` of a random, changed window of each clip; arguments as `view.plain_view`."""
    windows = random_window(levels, lengths, window_frames(frontend, settings), speed=settings.augment.speed)
    windows = augment(windows, settings.augment, frontend.ceiling_db - frontend.floor_db)
    return (to_image(windows, settings),)


def random_window(levels: Tensor, lengths: Tensor, width: int, *, speed: float) -> Tensor:
    """Cut a window at a random place and speed: float32 `[B, M, width]` (as `view.window`).

    A clip that is longer than the window is cropped, a shorter one is placed anywhere inside it.
    """
    count = len(levels)
    rates = 1 + speed * _uniform(count, levels.device)
    room = lengths - width * rates
    starts = room * torch.rand(count, device=levels.device)
    return window(levels, starts, rates, width)


def augment(windows: Tensor, settings: AugmentSettings, range_db: float) -> Tensor:
    """Change level and pitch of `[B, M, W]` windows in [0, 1], and mask stripes (SpecAugment).

    Args:
        windows: 0 is the floor, 1 the ceiling of the dB range.
        settings: how far each change goes.
        range_db: what 1 stands for in dB.

    Source: Park et al. 2019, SpecAugment, doi:10.21437/Interspeech.2019-2680, for the masks.
    """
    windows = _shift(windows, settings.shift_mels)
    windows = _gain(windows, settings.gain_db / range_db)
    for _ in range(settings.time_masks):
        windows = _mask(windows, 2, settings.time_mask_share)
    for _ in range(settings.mel_masks):
        windows = _mask(windows, 1, settings.mel_mask_share)
    return windows


def _uniform(count: int, device: torch.device) -> Tensor:
    return 2 * torch.rand(count, device=device) - 1


def _shift(windows: Tensor, bins: int) -> Tensor:
    if not bins:
        return windows
    mels = windows.shape[1]
    shift = torch.randint(-bins, bins + 1, (len(windows), 1), device=windows.device)
    source = (torch.arange(mels, device=windows.device) - shift).clamp(0, mels - 1)  # [B, M]
    return windows.gather(1, source[:, :, None].expand(-1, -1, windows.shape[2]))


def _gain(windows: Tensor, share: float) -> Tensor:
    gain = share * _uniform(len(windows), windows.device)[:, None, None]
    return torch.where(windows > 0, (windows + gain).clamp(0, 1), windows)


def _mask(windows: Tensor, axis: int, share: float) -> Tensor:
    """Fill one stripe across `axis` with the mean of its clip."""
    count, extent = len(windows), windows.shape[axis]
    length = extent * share * torch.rand(count, 1, device=windows.device)
    start = (extent - length) * torch.rand(count, 1, device=windows.device)
    middle = torch.arange(extent, device=windows.device)[None] + 0.5  # of each cell
    stripe = (middle >= start) & (middle < start + length)  # [B, extent]
    stripe = stripe[:, None, :] if axis == 2 else stripe[:, :, None]
    return torch.where(stripe, windows.mean(dim=(1, 2), keepdim=True), windows)
