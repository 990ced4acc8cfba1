"""A trained model as one file: safetensors weights and a JSON description. Loading it runs no code."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated, Any

from torch import nn

from speech_emotion.clips import EMOTIONS
from speech_emotion.core.errors import PipelineError
from speech_emotion.core.params import Checked, Range, to_settings
from speech_emotion.encoders import protocol
from speech_emotion.model.weights import load_tensors, save_tensors
from speech_emotion.training.settings import TrainSettings, flat, train_settings


@dataclass(frozen=True)
class Description(Checked):
    """All that prediction needs besides the weights, and what they were trained with."""

    encoder: str
    backbone: str
    frontend: Any  # the encoder's `FrontendSettings`
    training: TrainSettings  # as the stage read them
    trained_on: Mapping[str, str]  # file name -> md5 of the split and of each shard
    temperature: Annotated[float, Range(0.01, 100)] = 1.0  # divides the logits; 1.0 when not fitted


@dataclass(frozen=True)
class Model:
    """A network with its description."""

    network: nn.Module
    description: Description


def save_model(path: Path, model: Model) -> None:
    """Write weights and description; equal models give equal bytes."""
    described = asdict(model.description) | {"training": flat(model.description.training), "emotions": EMOTIONS}
    save_tensors(path, model.network.state_dict(), json.dumps(described, sort_keys=True))


def load_model(path: Path, *, training: TrainSettings | None = None) -> Model:
    """Return the model in evaluation mode; its network is built for `training` if it is to be trained on.

    Raises:
        PipelineError: the file is no readable model, or one of other emotions.
    """
    tensors, text = load_tensors(path)
    try:
        description = _description(json.loads(text))
        settings = (training or description.training).encoder
        network = protocol.network(description.encoder).build(description.backbone, settings)
        network.load_state_dict(tensors)
    except (ValueError, TypeError, KeyError, AttributeError, RuntimeError, PipelineError) as error:
        reason = " ".join(str(error).split())[:200]  # torch lists every tensor, a line each
        raise PipelineError(
            f"{path}: is no model, or weights and description disagree ({reason}); run `dvc repro` or `dvc pull`"
        ) from error
    return Model(network.eval(), description)


def _description(fields: dict[str, Any]) -> Description:
    if tuple(fields.pop("emotions")) != EMOTIONS:
        raise ValueError("its emotions are others")
    encoder = fields["encoder"]
    kind = protocol.settings(encoder).FrontendSettings
    frontend = to_settings(fields["frontend"], kind, "its front end")
    training = train_settings(fields["training"], encoder, "its training")
    return Description(**fields | {"frontend": frontend, "training": training})
