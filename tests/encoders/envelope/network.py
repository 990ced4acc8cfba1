"""Mean, deviation and length of the envelope to logits: `([B, 1, F], [B])` to `[B, 8]`."""

from collections.abc import Mapping

import torch
from speech_emotion.encoders.envelope.settings import EncoderSettings
from torch import Tensor, nn

from speech_emotion.clips import EMOTIONS


class Envelope(nn.Module):
    """Two inputs, where the image network has one."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.body = nn.Linear(3, width)
        self.head = nn.Linear(width, len(EMOTIONS))

    def forward(self, levels: Tensor, lengths: Tensor) -> Tensor:
        """Return logits."""
        there = torch.arange(levels.shape[-1], device=levels.device) < lengths[:, None]
        mean = (levels[:, 0] * there).sum(1) / lengths
        deviation = (((levels[:, 0] - mean[:, None]) * there) ** 2).sum(1).div(lengths).sqrt()
        facts = torch.stack([mean / 20, deviation / 20, lengths / 100], dim=1)
        logits: Tensor = self.head(self.body(facts).relu())
        return logits


def build(backbone: str, settings: EncoderSettings | None = None) -> nn.Module:
    """Return it; the name says how wide it is."""
    return Envelope(int(backbone.rpartition("-")[2]))


def parameter_groups(network: Envelope) -> list[list[nn.Parameter]]:
    """Return body and head."""
    return [list(network.body.parameters()), list(network.head.parameters())]


def rate_shares(network: Envelope, settings: EncoderSettings) -> list[float]:
    """Return the same for both."""
    return [1.0, 1.0]


def body_state(network: Envelope) -> dict[str, Tensor]:
    """Return the body's weights."""
    return network.body.state_dict()


def load_body(network: Envelope, state: Mapping[str, Tensor]) -> None:
    """Load them."""
    network.body.load_state_dict(state)
