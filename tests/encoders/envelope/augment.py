"""Another level."""

import torch
from speech_emotion.encoders.envelope.settings import EncoderSettings, FrontendSettings
from torch import Tensor


def train_view(
    levels: Tensor, lengths: Tensor, frontend: FrontendSettings, settings: EncoderSettings
) -> tuple[Tensor, Tensor]:
    """Return clips at a level of their own, and their lengths."""
    return levels + settings.jitter_db * torch.randn(len(levels), 1, 1), lengths
