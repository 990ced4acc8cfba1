"""The network: Whisper's encoder or its lower layers, weighted and pooled over time, and a head for eight emotions.

Source: Radford et al. 2022, arXiv:2212.04356, for the encoder; Pepino et al. 2021, arXiv:2104.03502, for the weighted
sum of layers. Axes: B clips, M mel bins, F frames, T = ceil(F / 2) tokens, C the encoder's width.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from speech_emotion.clips import EMOTIONS
from speech_emotion.core.errors import PipelineError
from speech_emotion.encoders.speech.settings import EncoderSettings

HEAD_WIDTH = 64
TOKENS = 1500  # 30 s
BODY = "encoder."
BLOCKS = f"{BODY}blocks."


@dataclass(frozen=True)
class Size:
    """Dimensions of one of OpenAI's encoders."""

    width: int
    layers: int
    mels: int = 80


SIZES = {
    "whisper-test": Size(64, 2),  # random weights only: for tests and trials
    "whisper-tiny": Size(384, 4),
    "whisper-base": Size(512, 6),
    "whisper-small": Size(768, 12),
    "whisper-medium": Size(1024, 24),
    "whisper-large-v2": Size(1280, 32),
    "whisper-large-v3": Size(1280, 32, 128),
    "whisper-large-v3-turbo": Size(1280, 32, 128),
}
SIZES |= {f"{name}.en": size for name, size in SIZES.items() if "large" not in name and "test" not in name}


class Block(nn.Module):
    """Self-attention and a feed-forward layer, each behind a layer norm and beside a shortcut."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.attention_norm = nn.LayerNorm(width)
        self.query_key_value = nn.Linear(width, 3 * width)
        self.attention_out = nn.Linear(width, width)
        self.feed_norm = nn.LayerNorm(width)
        self.feed_in = nn.Linear(width, 4 * width)
        self.feed_out = nn.Linear(4 * width, width)

    def forward(self, states: Tensor, mask: Tensor | None) -> Tensor:
        """Return states `[B, T, C]` for `states` of the same shape; `mask` `[B, T]` is true where a clip is.

        Without a mask all of it is.
        """
        states = states + self._attention(self.attention_norm(states), mask)
        fed: Tensor = self.feed_out(F.gelu(self.feed_in(self.feed_norm(states))))
        return states + fed

    def _attention(self, states: Tensor, mask: Tensor | None) -> Tensor:
        heads = self.query_key_value(states).unflatten(2, (3, -1, HEAD_WIDTH))  # [B, T, 3, heads, 64]
        query, key, value = heads.permute(2, 0, 3, 1, 4)
        chosen = None if mask is None else mask[:, None, None, :]
        found = F.scaled_dot_product_attention(query, key, value, attn_mask=chosen)
        attended: Tensor = self.attention_out(found.transpose(1, 2).flatten(2))
        return attended


class Encoder(nn.Module):
    """Whisper's encoder, its positions cut to the clips.

    Of lower layers, too, the last one goes through the norm that Whisper has behind its last.
    """

    positions: Tensor

    def __init__(self, size: Size) -> None:
        super().__init__()
        self.conv1 = nn.Conv1d(size.mels, size.width, 3, padding=1)
        self.conv2 = nn.Conv1d(size.width, size.width, 3, stride=2, padding=1)
        self.register_buffer("positions", sinusoids(size.width))
        self.blocks = nn.ModuleList(Block(size.width) for _ in range(size.layers))
        self.norm = nn.LayerNorm(size.width)

    def forward(self, mel: Tensor, lengths: Tensor | None) -> tuple[list[Tensor], Tensor | None]:
        """Return the states `[B, T, C]` of convolution and blocks, and the mask `[B, T]` of what is in the clips.

        Without `lengths`, all clips are as long as `mel`, and there is no mask.
        """
        inside = None if lengths is None else _mask(lengths, mel.shape[2])[:, None]
        # What the convolutions see beyond a clip's end is zero, as if the clip were alone.
        states = F.gelu(self.conv1(mel if inside is None else mel * inside))
        states = F.gelu(self.conv2(states if inside is None else states * inside)).transpose(1, 2)
        mask = None if lengths is None else _mask((lengths / 2).ceil(), states.shape[1])
        layers = [states + self.positions[: states.shape[1]]]
        for block in self.blocks:
            layers.append(block(layers[-1], mask))
        layers[-1] = self.norm(layers[-1])
        return layers, mask


class SpeechNetwork(nn.Module):
    """Log-mels `[B, M, F]` and lengths `[B]` to logits `[B, 8]`."""

    def __init__(self, size: Size, pooling: str, dropout: float, *, normalise_layers: bool = False) -> None:
        super().__init__()
        self.normalise_layers = normalise_layers
        self.mels = size.mels
        self.encoder = Encoder(size)
        self.layer_weights = nn.Parameter(torch.zeros(size.layers + 1))
        self.attention = nn.Linear(size.width, 1) if pooling == "attention" else None
        self.with_deviation = pooling != "mean"
        self.norm = nn.BatchNorm1d(size.width * (1 + self.with_deviation))
        self.dropout = nn.Dropout(dropout)
        self.classifier = nn.Linear(self.norm.num_features, len(EMOTIONS))

    def forward(self, mel: Tensor, lengths: Tensor) -> Tensor:
        """Return logits `[B, 8]`."""
        return self.classify(self.embed(mel, lengths))

    def embed(self, mel: Tensor, lengths: Tensor) -> Tensor:
        """Return the pooled embedding `[B, D]`, behind the batch norm.

        Raises:
            PipelineError: the log-mels are none of this encoder.
        """
        return self.pool(*self.states(mel, lengths))

    def states(self, mel: Tensor, lengths: Tensor | None) -> tuple[Tensor, Tensor | None]:
        """Return the weighted sum of all layers, `[B, T, C]`, and the mask `[B, T]` of what is in the clips.

        Without `lengths` as `Encoder.forward`.

        Raises:
            PipelineError: as `embed`.
        """
        if mel.shape[1] != self.mels:
            raise PipelineError(f"params speech.spectrograms.n_mels is {mel.shape[1]}; this backbone needs {self.mels}")
        layers, mask = self.encoder(mel, lengths)
        if self.normalise_layers:
            layers = [F.layer_norm(layer, layer.shape[2:]) for layer in layers]
        shares = self.layer_weights.softmax(0)
        return torch.stack([share * layer for share, layer in zip(shares, layers, strict=True)]).sum(0), mask

    def pool(self, states: Tensor, mask: Tensor | None) -> Tensor:
        """Return the embeddings `[B, D]` of the tokens of `states` that `mask` chooses, behind the batch norm."""
        embedding: Tensor = self.norm(self._pool(states, mask))
        return embedding

    def classify(self, embeddings: Tensor) -> Tensor:
        """Return logits `[B, 8]` for embeddings `[B, D]`."""
        logits: Tensor = self.classifier(self.dropout(embeddings))
        return logits

    def _pool(self, states: Tensor, mask: Tensor | None) -> Tensor:
        """Return mean, or mean and deviation, over the tokens `mask` `[B, T]` of each clip."""
        scores = self.attention(states).float() if self.attention else torch.zeros_like(states[:, :, :1])
        if mask is not None:
            scores = scores.masked_fill(~mask[:, :, None], -torch.inf)
        weights = scores.softmax(1)
        mean = (weights * states).sum(1)
        if not self.with_deviation:
            return mean
        variance = (weights * (states - mean[:, None]) ** 2).sum(1)
        return torch.cat([mean, (variance + 1e-5).sqrt()], 1)


def build(backbone: str, settings: EncoderSettings | None = None) -> SpeechNetwork:
    """Return the network on the encoder called `backbone`, such as whisper-base, with random weights.

    Without `settings` it pools mean and deviation and has no dropout.

    Raises:
        PipelineError: the name is none of OpenAI's encoders, or the encoder has fewer layers.
    """
    if backbone not in SIZES:
        raise PipelineError(f"params speech.backbone.name: there is no '{backbone}'; use one of {', '.join(SIZES)}")
    size = SIZES[backbone]
    if settings is None:
        return SpeechNetwork(size, "mean_deviation", 0.0)
    if settings.layers > size.layers:
        raise PipelineError(f"params speech.training.layers is {settings.layers}; {backbone} has {size.layers}")
    size = replace(size, layers=settings.layers or size.layers)
    return SpeechNetwork(size, settings.pooling, settings.dropout, normalise_layers=settings.normalise_layers)


def embed(network: SpeechNetwork, mel: Tensor, lengths: Tensor) -> Tensor:
    """Return the pooled embedding `[B, D]`, behind the batch norm and before dropout and classifier."""
    return network.embed(mel, lengths)


def classify(network: SpeechNetwork, embeddings: Tensor) -> Tensor:
    """Return logits `[B, 8]` for `embed`'s embeddings."""
    return network.classify(embeddings)


def parameter_groups(network: SpeechNetwork) -> list[list[nn.Parameter]]:
    """Split the parameters into convolutions, each layer, and the head."""
    encoder = network.encoder
    body = [[*encoder.conv1.parameters(), *encoder.conv2.parameters()]]
    body += [list(block.parameters()) for block in encoder.blocks]
    body[-1] += encoder.norm.parameters()
    return [*body, [one for name, one in network.named_parameters() if not name.startswith(BODY)]]


def rate_shares(network: SpeechNetwork, settings: EncoderSettings) -> list[float]:
    """Return the learning rate of each of `parameter_groups` as a share of the head's: the lower, the smaller."""
    layers = len(network.encoder.blocks)
    return [*(settings.body_rate * settings.layer_decay ** (layers - place) for place in range(layers + 1)), 1.0]


def body_state(network: SpeechNetwork) -> dict[str, Tensor]:
    """Return the weights of the encoder."""
    return {name: tensor.detach() for name, tensor in network.state_dict().items() if name.startswith(BODY)}


def load_body(network: SpeechNetwork, state: Mapping[str, Tensor]) -> None:
    """Load `body_state` weights, leaving the head as it is, and out what is of layers above the network's.

    Raises:
        PipelineError: the weights are another network's.
    """
    expected = body_state(network)
    state = {name: tensor for name, tensor in state.items() if name in expected or not name.startswith(BLOCKS)}
    shapes = [{name: tensor.shape for name, tensor in tensors.items()} for tensors in (expected, state)]
    if wrong := sorted({name for name, _ in shapes[0].items() ^ shapes[1].items()}):
        raise PipelineError(f"pretrained weights: '{wrong[0]}' does not fit the backbone; run `dvc repro pretrained`")
    network.load_state_dict(state, strict=False)


def sinusoids(width: int) -> Tensor:
    """Return Whisper's positions `[1500, C]`: sines in the first half of the width, cosines in the second."""
    rates = 10_000 ** (-torch.arange(width // 2) / (width // 2 - 1))
    angles = torch.arange(TOKENS)[:, None] * rates
    return torch.cat([angles.sin(), angles.cos()], 1)


def _mask(lengths: Tensor, extent: int) -> Tensor:
    """Return `[B, extent]`, true below each length."""
    return torch.arange(extent, device=lengths.device) < lengths[:, None]
