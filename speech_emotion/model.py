"""A trained model as one file: safetensors weights and a JSON description. Loading it runs no code."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

from torch import nn

from speech_emotion.errors import PipelineError
from speech_emotion.mel_settings import MelSettings
from speech_emotion.network import build_network
from speech_emotion.weights import load_tensors, save_tensors


@dataclass(frozen=True)
class Description:
    """All that prediction needs besides the weights, and what the weights were trained on."""

    backbone: str
    emotions: tuple[str, ...]
    mel: MelSettings
    image_size: int  # pixels
    window_frames: int
    mean: float  # of levels in [0, 1]
    deviation: float
    temperature: float  # divides the logits; 1.0 when not fitted
    trained_on: Mapping[str, str]  # file name -> md5 of the split and of each shard


def save_model(path: Path, network: nn.Module, description: Description) -> None:
    """Write the weights of `network` with their description."""
    save_tensors(path, network.state_dict(), json.dumps(asdict(description), sort_keys=True))


def load_model(path: Path, *, dropout: float = 0.0) -> tuple[nn.Module, Description]:
    """Return the network, in evaluation mode, and its description; `dropout` matters for further training only.

    Raises:
        PipelineError: the file is no readable model.
    """
    tensors, text = load_tensors(path)
    try:
        fields = json.loads(text)
        described = fields | {"mel": MelSettings(**fields["mel"]), "emotions": tuple(fields["emotions"])}
        description = Description(**described)
        network = build_network(description.backbone, dropout=dropout)
        network.load_state_dict(tensors)
    except (ValueError, TypeError, KeyError, RuntimeError, PipelineError) as error:
        reason = " ".join(str(error).split())[:200]  # torch lists every tensor, a line each
        raise PipelineError(
            f"{path}: is no model, or weights and description disagree ({reason}); run `dvc repro` or `dvc pull`"
        ) from error
    return network.eval(), description
