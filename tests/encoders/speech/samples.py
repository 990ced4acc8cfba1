"""Settings, made-up clips and weight files for the tests of the speech encoder."""

import struct
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors.torch import save_file
from torch import Tensor

from speech_emotion.encoders.speech.settings import AugmentSettings, EncoderSettings, FrontendSettings, MaskSettings

torch.set_num_threads(1)

BACKBONE = "whisper-test"
FRONTEND = FrontendSettings(
    sample_rate_hz=16000, trim_db=40.0, n_fft=400, hop_samples=160, n_mels=80, floor_decades=8.0
)  # fmt: skip
STILL = AugmentSettings(
    speed=0, gain_db=0, shift_mels=0, room_share=0, babble_share=0, noise_share=0, noise_snr_db=0, band_share=0
)  # fmt: skip
UNMASKED = MaskSettings(time_masks=0, time_mask_s=0.2, mel_masks=0, mel_mask_bins=12)
SETTINGS = EncoderSettings(
    window_s=1.0, level_normalised=False, normalise_layers=False, pooling="mean_deviation", dropout=0.0,
    body_rate=0.1, layer_decay=0.9,
    augment=STILL, masks=UNMASKED,
)  # fmt: skip


def augmented(**changes: Any) -> EncoderSettings:
    """`SETTINGS` with some of the changes switched on."""
    masks = {key: changes.pop(key) for key in list(changes) if "mask" in key}
    return replace(SETTINGS, augment=replace(STILL, **changes), masks=replace(UNMASKED, **masks))


def mels(*frames: int, seed: int = 0) -> list[np.ndarray]:
    """Log-mels of the given numbers of frames, from -1 to 1."""
    rng = np.random.default_rng(seed)
    return [rng.uniform(-1, 1, (80, count)).astype(np.float16) for count in frames]


# Written down apart from the code that reads them: ours, the hub's, CTranslate2's.
LAYER_NAMES = [
    ("attention_norm", "self_attn_layer_norm", "self_attention/layer_norm"),
    ("attention_out", "self_attn.out_proj", "self_attention/linear_1"),
    ("feed_norm", "final_layer_norm", "ffn/layer_norm"),
    ("feed_in", "fc1", "ffn/linear_0"),
    ("feed_out", "fc2", "ffn/linear_1"),
]


def write_hub_file(path: Path, body: Mapping[str, Tensor]) -> None:
    """Write `body_state` weights, float32, as transformers does, beside a tensor of a decoder."""
    tensors = {"model.decoder.layers.0.fc1.weight": torch.zeros(2, 2)}
    for name, tensor in body.items():
        _, _, key = name.partition("encoder.")
        if ".query_key_value." in key:
            for part, projection in zip(tensor.float().chunk(3), "qkv", strict=True):
                theirs = key.replace("blocks", "layers").replace("query_key_value", f"self_attn.{projection}_proj")
                if not theirs.endswith("k_proj.bias"):
                    tensors[f"model.encoder.{theirs}"] = part.clone()
            continue
        for ours, theirs, _ in LAYER_NAMES:
            key = key.replace(ours, theirs)
        key = key.replace("blocks", "layers").replace("positions", "embed_positions.weight")
        key = f"layer_{key}" if key.startswith("norm.") else key
        tensors[f"model.encoder.{key}"] = tensor.float()
    save_file(tensors, path)


def ctranslate2_file(body: Mapping[str, Tensor]) -> bytes:
    """Return `body_state` weights, float16, as CTranslate2 writes them, beside what else it writes."""
    variables = {"decoder/num_heads": np.int16(1), "encoder/num_heads": np.int16(1)}
    for name, tensor in body.items():
        key = name.replace("query_key_value", "self_attention.linear_0").replace("encoder.norm.", "encoder.layer_norm.")
        for ours, _, theirs in LAYER_NAMES:
            key = key.replace(ours, theirs)
        key = key.replace("blocks.", "layer_").replace("positions", "position_encodings/encodings").replace(".", "/")
        if "norm" in key:
            key = key.replace("/weight", "/gamma").replace("/bias", "/beta")
        variables[key] = tensor.half().numpy()
    header = struct.pack("<I", 6) + _text("WhisperSpec") + struct.pack("<II", 3, len(variables))
    return header + b"".join(_variable(name, np.asarray(array)) for name, array in variables.items())


def _variable(name: str, array: np.ndarray) -> bytes:
    kind = {"float16": 4, "int16": 2}[array.dtype.name]
    shape = struct.pack(f"<B{array.ndim}I", array.ndim, *array.shape)
    return _text(name) + shape + struct.pack("<BI", kind, array.nbytes) + array.tobytes()


def _text(text: str) -> bytes:
    return struct.pack("<H", len(text) + 1) + text.encode() + b"\0"
