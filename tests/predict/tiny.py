"""An exported model of random weights: answers that mean nothing, and everything around them that does."""

import hashlib
import json
import os
from functools import cache
from pathlib import Path

import numpy as np
import torch
from filelock import FileLock

from speech_emotion.adaptation import Reference
from speech_emotion.core.params import read_settings
from speech_emotion.encoders import protocol
from speech_emotion.encoders.speech.network import build
from speech_emotion.export import describe, to_bytes, to_onnx
from speech_emotion.int8 import to_int8
from speech_emotion.model.checkpoint import Description, Model
from speech_emotion.predict.model import Threshold, description_path
from speech_emotion.training.settings import read_train_settings
from tests.warm_python import SHARED
from tests.workspace import ROOT

BACKBONE = "whisper-test"
TEMPERATURE = 0.05  # answers of random weights are close to each other


@cache
def tiny_model(*, seed: int = 0) -> Model:
    """Return a speech model with the settings of params.yaml on the smallest network. Change nothing in it."""
    kind = protocol.settings("speech").FrontendSettings
    frontend = read_settings(ROOT / "params.yaml", "speech.spectrograms", kind)
    training = read_train_settings(ROOT / "params.yaml", "speech", "all")
    torch.manual_seed(seed)
    return Model(
        build(BACKBONE, training.encoder).eval(),
        Description("speech", BACKBONE, frontend, training, {"split": "0" * 32}, TEMPERATURE),
    )


@cache
def tiny_files() -> dict[str, bytes]:
    """Return both forms of `tiny_model`. Of several test processes the first that asks exports them."""
    if SHARED not in os.environ:
        return _exported()
    kept = Path(os.environ[SHARED], "tiny")
    with FileLock(f"{kept}.lock"):
        if not kept.exists():
            files = _exported()
            kept.mkdir()
            for name, content in files.items():
                (kept / name).write_bytes(content)
        return {path.name: path.read_bytes() for path in kept.iterdir()}


def _exported() -> dict[str, bytes]:
    graph = to_onnx(tiny_model())
    return {"emotion.onnx": to_bytes(graph), "emotion.int8.onnx": to_bytes(to_int8(graph))}


def export_tiny(folder: Path, *, threshold: float | None = None, corpora: tuple[str, ...] = ("ravdess",)) -> Path:
    """Write both forms and the description into `folder`; return the float32 form.

    With `threshold`, answers of less confidence are `uncertain`.
    """
    width = tiny_model().network.norm.num_features
    reference = Reference(np.zeros(width), np.ones(width))
    limit = None if threshold is None else Threshold(threshold, 0.5, 0.7, "made-up clips")
    described = describe(tiny_model(), tiny_files(), reference, dict.fromkeys(corpora, 10), limit)
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in tiny_files().items():
        (folder / name).write_bytes(content)
    description_path(folder / "emotion.onnx").write_text(described.to_json(), encoding="utf-8")
    return folder / "emotion.onnx"


def replace_network(model: Path, content: bytes) -> None:
    """Write `content` to `model`, and its hash into the description, as somebody does who makes both."""
    model.write_bytes(content)
    description = description_path(model)
    described = json.loads(description.read_text(encoding="utf-8"))
    described["files"] = {model.name: hashlib.sha256(content).hexdigest()}
    description.write_text(json.dumps(described), encoding="utf-8")
