"""What every encoder is: a folder with the same modules, and in each of them the same names.

| module | names |
|---|---|
| `settings` | `FrontendSettings`, and `EncoderSettings`: what a training has besides `training.settings` |
| `frontend` | `log_mel`, `decibels`, `centres_hz`, `LIBRARIES`: needs no torch |
| `network` | `build`, `embed`, `classify`, `parameter_groups`, `rate_shares`, `body_state`, `load_body` |
| `view` | `plain_view`: what the network is asked about |
| `augment` | `train_view`: what it learns from |
| `pretrained` | `BackboneSettings`, `backbone_weights` |
| `waveform` | `build`: front end, plain view and network as one, for `export`; an encoder may lack it |

A third encoder is a third folder and a line in `dvc.yaml`.
Axes: B clips, M mel bins, F frames of the longest clip, D width of an embedding.
"""

from collections.abc import Mapping, Sequence
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, cast

import numpy as np
from numpy.typing import NDArray

from speech_emotion.core.errors import PipelineError

if TYPE_CHECKING:  # the front end runs in worker processes, which would load torch for nothing
    from torch import Tensor, nn

Mel = NDArray[Any]  # [n_mels, frames]; each front end has its own type of number and its own scale


class Settings(Protocol):
    """What can be set about this encoder alone, as frozen dataclasses."""

    FrontendSettings: Any  # has `n_mels` and `frames_per_s`
    EncoderSettings: Any


class Frontend(Protocol):
    """Clips to log-mels. Its code, with the libraries below it, is part of each clip's content key."""

    LIBRARIES: Sequence[str]

    def log_mel(self, samples: NDArray[np.float32], sample_rate: int, settings: Any) -> Mel:
        """Return what the cache keeps of decoded `samples` `[frames, channels]` at `sample_rate` Hz."""

    def decibels(self, mel: NDArray[Any], settings: Any) -> NDArray[np.float64]:
        """Return a log-mel, or a mean of some, in dB, for pictures."""

    def centres_hz(self, settings: Any) -> NDArray[np.float64]:
        """Return the frequency at the middle of each mel bin, `[n_mels]`, rising."""


class Network(Protocol):
    """The network: its inputs, as the views make them, to logits `[B, 8]`."""

    def build(self, backbone: str, settings: Any) -> "nn.Module":
        """Return the network called `backbone` with random weights."""

    def embed(self, network: "nn.Module", *inputs: "Tensor") -> "Tensor":
        """Return one embedding a clip, `[B, D]`: what `classify` turns into the network's logits."""

    def classify(self, network: "nn.Module", embeddings: "Tensor") -> "Tensor":
        """Return the logits `[B, 8]` of `embed`'s embeddings `[B, D]`."""

    def parameter_groups(self, network: "nn.Module") -> "list[list[nn.Parameter]]":
        """Split the parameters into groups with a learning rate each, the head last."""

    def rate_shares(self, network: "nn.Module", settings: Any) -> list[float]:
        """Return the learning rate of each group as a share of the head's."""

    def body_state(self, network: "nn.Module") -> "dict[str, Tensor]":
        """Return the weights that pretrained ones replace."""

    def load_body(self, network: "nn.Module", state: "Mapping[str, Tensor]") -> None:
        """Load `body_state` weights, leaving the rest as it is."""


class View(Protocol):
    """Packed clips to the network's inputs."""

    def plain_view(self, levels: "Tensor", lengths: "Tensor", frontend: Any, settings: Any) -> "tuple[Tensor, ...]":
        """Return the inputs for `levels` `[B, M, F]`, zero behind the end of each clip at `lengths` `[B]` frames."""


class Augment(Protocol):
    """Packed clips to the network's inputs, changed at random."""

    def train_view(self, levels: "Tensor", lengths: "Tensor", frontend: Any, settings: Any) -> "tuple[Tensor, ...]":
        """Return inputs of one shape for every batch; arguments as `View.plain_view`."""


class Pretrained(Protocol):
    """Where the first weights come from."""

    BackboneSettings: Any  # frozen dataclass with `name`

    def backbone_weights(self, settings: Any) -> "dict[str, Tensor]":
        """Return `body_state` weights."""


class Waveform(Protocol):
    """Waveforms to embeddings in torch alone."""

    LONGEST_S: float  # of a waveform

    def build(self, network: "nn.Module", frontend: Any, settings: Any) -> "nn.Module":
        """Return a module from a trimmed waveform `[samples]` and `windows` `[N, 2]` in seconds to `[N, D]`."""


def frontend(encoder: str) -> Frontend:
    """Return the front end of `encoder`."""
    return cast(Frontend, _module(encoder, "frontend"))


def settings(encoder: str) -> Settings:
    """Return the settings of `encoder`."""
    return cast(Settings, _module(encoder, "settings"))


def network(encoder: str) -> Network:
    """Return the network of `encoder`."""
    return cast(Network, _module(encoder, "network"))


def view(encoder: str) -> View:
    """Return the plain view of `encoder`."""
    return cast(View, _module(encoder, "view"))


def augment(encoder: str) -> Augment:
    """Return the training view of `encoder`."""
    return cast(Augment, _module(encoder, "augment"))


def pretrained(encoder: str) -> Pretrained:
    """Return the first weights of `encoder`."""
    return cast(Pretrained, _module(encoder, "pretrained"))


def waveform(encoder: str) -> Waveform:
    """Return the way of `encoder` from a waveform to an embedding.

    Raises:
        PipelineError: it has none, so that it cannot be exported.
    """
    try:
        return cast(Waveform, _module(encoder, "waveform"))
    except ModuleNotFoundError as error:
        raise PipelineError(f"encoder '{encoder}' has no waveform.py, and cannot be exported; export speech") from error


def _module(encoder: str, module: str) -> object:
    here = Path(__file__).parent
    known = sorted(path.name for path in here.iterdir() if (path / "__init__.py").exists())
    if encoder not in known:
        raise PipelineError(f"there is no encoder '{encoder}'; speech_emotion/encoders/ has {', '.join(known)}")
    return import_module(f"{__package__}.{encoder}.{module}")
