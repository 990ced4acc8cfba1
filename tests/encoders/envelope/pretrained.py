"""Random weights."""

from dataclasses import dataclass

import torch
from speech_emotion.encoders.envelope.network import body_state, build
from torch import Tensor


@dataclass(frozen=True)
class BackboneSettings:
    """Section `envelope.backbone`."""

    name: str
    seed: int


def backbone_weights(settings: BackboneSettings) -> dict[str, Tensor]:
    """Return the body's."""
    torch.manual_seed(settings.seed)
    return body_state(build(settings.name))
