"""Whisper's encoder out of the files that carry it, as the tensors of `network`: float16, whatever the file."""

import re
import struct
from collections.abc import Iterator, Mapping
from pathlib import Path

import numpy as np
import torch
from safetensors import safe_open
from torch import Tensor

NORMS_AND_LAYERS = {  # ours: the hub's, CTranslate2's
    "attention_norm": ("self_attn_layer_norm", "self_attention.layer_norm"),
    "query_key_value": ("self_attn.qkv", "self_attention.linear_0"),
    "attention_out": ("self_attn.out_proj", "self_attention.linear_1"),
    "feed_norm": ("final_layer_norm", "ffn.layer_norm"),
    "feed_in": ("fc1", "ffn.linear_0"),
    "feed_out": ("fc2", "ffn.linear_1"),
}
TYPES = {0: "<f4", 1: "<i1", 2: "<i2", 3: "<i4", 4: "<f2"}  # of CTranslate2


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
