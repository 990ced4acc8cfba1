"""The network: a timm backbone with a linear head for the eight emotions."""

from collections.abc import Mapping
from difflib import get_close_matches

import timm
import torch
from torch import Tensor, nn

from speech_emotion.clips import EMOTIONS
from speech_emotion.core.errors import PipelineError
from speech_emotion.encoders.image.settings import EncoderSettings


def build(backbone: str, settings: EncoderSettings | None = None) -> nn.Module:
    """Return the timm network `backbone` with random weights: images `[B, 3, S, S]` to logits `[B, 8]`.

    Without `settings` it has no dropout.

    Raises:
        PipelineError: timm does not know the name.
    """
    if not timm.is_model(backbone):
        close = ", ".join(get_close_matches(backbone, timm.list_models()))
        way_out = f"did you mean {close}?" if close else "take a name that timm.list_models() lists"
        raise PipelineError(f"params image.backbone.name: timm has no network '{backbone}'; {way_out}")
    dropout = settings.dropout if settings else 0.0
    network: nn.Module = timm.create_model(backbone, num_classes=len(EMOTIONS), drop_rate=dropout)
    return network


def head_of(network: nn.Module) -> nn.Module:
    """Return the classifier, the part that no pretrained weights have."""
    head: nn.Module = network.get_classifier()  # type: ignore[operator]
    return head


def embed(network: nn.Module, images: Tensor) -> Tensor:
    """Return what the classifier sees of `images` `[B, 3, S, S]`: pooled features `[B, D]`."""
    features: Tensor = network.forward_features(images)  # type: ignore[operator]
    return network.forward_head(features, pre_logits=True)  # type: ignore[operator, no-any-return]


def classify(network: nn.Module, embeddings: Tensor) -> Tensor:
    """Return the logits `[B, 8]` of `embeddings` `[B, D]`."""
    return head_of(network)(embeddings)  # type: ignore[no-any-return]


def parameter_groups(network: nn.Module) -> list[list[nn.Parameter]]:
    """Split the parameters into body and head, which learn at different rates."""
    head = list(head_of(network).parameters())
    in_head = {id(parameter) for parameter in head}
    return [[parameter for parameter in network.parameters() if id(parameter) not in in_head], head]


def rate_shares(network: nn.Module, settings: EncoderSettings) -> list[float]:
    """Return the learning rate of each of `parameter_groups` as a share of the head's."""
    return [settings.body_rate, 1.0]


def body_state(network: nn.Module) -> dict[str, Tensor]:
    """Return the weights of everything but the head."""
    head = {id(tensor) for tensor in head_of(network).state_dict(keep_vars=True).values()}
    return {
        name: tensor.detach() for name, tensor in network.state_dict(keep_vars=True).items() if id(tensor) not in head
    }


def load_body(network: nn.Module, state: Mapping[str, Tensor]) -> None:
    """Load `body_state` weights, leaving the head as it is.

    Raises:
        PipelineError: the weights are another network's.
    """
    expected = body_state(network)
    wrong = [name for name in expected.keys() | state.keys() if _shape(expected, name) != _shape(state, name)]
    if wrong:
        raise PipelineError(f"pretrained weights: '{min(wrong)}' does not fit the backbone; run `dvc repro pretrained`")
    network.load_state_dict(state, strict=False)


def _shape(state: Mapping[str, Tensor], name: str) -> torch.Size | None:
    return state[name].shape if name in state else None
