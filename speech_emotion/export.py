"""A trained model as one ONNX file, from waveform to calibrated probabilities; loading it runs no code.

Inputs: `waveform`, float32 `[samples]`, trimmed, at the model's rate. Three more may be left out: `windows`, float32
`[N, 2]`, the start and end in seconds of what is asked about (default: all), and `scale` and `shift`, float32 `[D]`,
which move embeddings before they are classified (default: not at all). Outputs: `probabilities`, float32 `[N, 8]`, and
`embedding`, float32 `[N, D]`, as it was before it moved.
"""

import hashlib
import logging
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict

import onnx
import pandas as pd
import torch
from onnx import ModelProto, numpy_helper
from torch import Tensor, nn

from speech_emotion.adaptation import Reference
from speech_emotion.clips import EMOTIONS
from speech_emotion.core.errors import PipelineError
from speech_emotion.encoders import protocol
from speech_emotion.model.checkpoint import Model
from speech_emotion.predict.model import Description, Threshold
from speech_emotion.training.settings import flat

OPSET = 20
SHORTEST_S = 0.3


class Answer(nn.Module):
    """Waveform to probabilities and embedding."""

    def __init__(self, model: Model) -> None:
        super().__init__()
        self.network, described = model.network, model.description
        self.kind, self.temperature = protocol.network(described.encoder), described.temperature
        settings = described.frontend, described.training.encoder
        self.embed = protocol.waveform(described.encoder).build(model.network, *settings)

    def forward(self, waveform: Tensor, windows: Tensor, scale: Tensor, shift: Tensor) -> tuple[Tensor, Tensor]:
        """Return probabilities `[N, 8]` and embeddings `[N, D]`."""
        embedding = self.embed(waveform, windows)
        logits = self.kind.classify(self.network, embedding * scale + shift)
        return (logits / self.temperature).softmax(1), embedding


def to_onnx(model: Model) -> ModelProto:
    """Return `model`, in evaluation mode, as a graph in float32. Equal models give equal bytes in any folder.

    Raises:
        PipelineError: the model's encoder cannot be exported.
    """
    described = model.description
    rate, longest_s = described.frontend.sample_rate_hz, protocol.waveform(described.encoder).LONGEST_S
    answer = Answer(Model(model.network.cpu(), described)).eval()
    whole = torch.tensor([[0.0, longest_s]])
    with torch.inference_mode():
        width = answer.embed(torch.zeros(rate), whole).shape[1]
    defaults = {"windows": whole, "scale": torch.ones(width), "shift": torch.zeros(width)}
    samples = torch.export.Dim("samples", min=round(SHORTEST_S * rate), max=round(longest_s * rate))
    shapes = {"waveform": {0: samples}, "windows": {0: torch.export.Dim("N", min=1)}, "scale": None, "shift": None}
    example = (torch.zeros(2 * rate), whole.repeat(3, 1), defaults["scale"], defaults["shift"])
    with _quiet():
        program = torch.onnx.export(
            answer,
            example,
            dynamo=True,
            verbose=False,
            opset_version=OPSET,
            dynamic_shapes=shapes,
            input_names=["waveform", *defaults],
            output_names=["probabilities", "embedding"],
        )
    if program is None:
        raise RuntimeError("torch exported nothing")
    return _with_defaults(_stripped(program.model_proto), defaults)


def learned_clips(model: Model, split: pd.DataFrame) -> pd.DataFrame:
    """Return the rows of `split` that the model was trained on; the corpora that it left out have none.

    Raises:
        PipelineError: there are none.
    """
    shares = model.description.training.shares
    left_out = [corpus for corpus, share in shares.items() if not share]
    clips = split[(split["part"] == "train") & ~split["corpus"].isin(left_out)]
    if clips.empty:
        raise PipelineError(f"export: the split has no clip that the model was trained on (shares {dict(shares)})")
    return clips


def describe(
    model: Model,
    files: Mapping[str, bytes],
    reference: Reference,
    clips: Mapping[str, int],
    threshold: Threshold | None = None,
) -> Description:
    """Return what prediction must know of an exported model.

    Args:
        model: what was exported.
        files: its forms, by the name of the file.
        reference: statistics of the training speakers' embeddings.
        clips: corpus -> clips that it was trained on.
        threshold: below which an answer is `uncertain`.
    """
    described = model.description
    made_of = {
        "clips": dict(clips),
        "frontend": asdict(described.frontend),
        "training": flat(described.training),
        "trained_on": dict(described.trained_on),
    }
    return Description(
        encoder=described.encoder,
        backbone=described.backbone,
        emotions=EMOTIONS,
        sample_rate_hz=described.frontend.sample_rate_hz,
        trim_db=described.frontend.trim_db,
        shortest_s=SHORTEST_S,
        longest_s=protocol.waveform(described.encoder).LONGEST_S,
        temperature=described.temperature,
        reference=reference,
        threshold=threshold,
        files={name: hashlib.sha256(content).hexdigest() for name, content in files.items()},
        made_of=made_of,
        checks={},
    )


def to_bytes(graph: ModelProto) -> bytes:
    """Return the content of the file; equal graphs give equal bytes."""
    return bytes(graph.SerializeToString(deterministic=True))


def _stripped(graph: ModelProto) -> ModelProto:
    """Return `graph` without what says where it was made: local paths, stack traces, inferred shapes."""
    graph.producer_name, graph.producer_version = "speech-emotion", ""  # torch's says for which GPU it was built
    graph.ClearField("metadata_props")
    graph.ClearField("doc_string")
    graph.graph.ClearField("value_info")
    graph.graph.ClearField("metadata_props")
    for part in (*graph.graph.node, *graph.graph.initializer, *graph.graph.input, *graph.graph.output):
        part.ClearField("metadata_props")
        part.ClearField("doc_string")
    return graph


def _with_defaults(graph: ModelProto, defaults: dict[str, Tensor]) -> ModelProto:
    graph.graph.initializer.extend(numpy_helper.from_array(one.numpy(), name) for name, one in defaults.items())
    onnx.checker.check_model(graph)
    return graph


@contextmanager
def _quiet() -> Iterator[None]:
    """Keep the exporter's notes on its own progress and on what it deprecates off the terminal."""
    logging.getLogger("torch.onnx").setLevel(logging.ERROR)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield
