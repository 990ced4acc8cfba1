"""Log-mels, a split and starting weights to a trained model with its temperature."""

import json
from collections.abc import Mapping, Sequence
from copy import deepcopy
from dataclasses import replace
from pathlib import Path
from statistics import fmean

import numpy as np
import pandas as pd
import torch
from torch import Tensor, nn

from speech_emotion.clips import indices
from speech_emotion.core.errors import PipelineError
from speech_emotion.encoders import protocol
from speech_emotion.model.calibration import fit_temperature
from speech_emotion.model.checkpoint import Description, Model
from speech_emotion.model.inference import best_device, clip_logits
from speech_emotion.model.provenance import load_trained
from speech_emotion.model.weights import load_tensors
from speech_emotion.shards import Mels
from speech_emotion.training.allocator import keep_freed_memory
from speech_emotion.training.batches import loaders
from speech_emotion.training.callbacks import Curve
from speech_emotion.training.fastai_parts import set_seed
from speech_emotion.training.learner import train
from speech_emotion.training.settings import TrainSettings

SEEDS_APART = 1000  # of runs that are averaged, so that those of neighbouring seeds are others


def starting_model(start: Path, settings: TrainSettings, mels: Mels, trained_on: Mapping[str, str]) -> Model:
    """Return the model to train, described as `settings` will make it.

    Args:
        start: pretrained weights (the rest is then drawn from `settings.seed`), or a model trained on the same data.
        settings: of the training that is about to run.
        mels: what it will be trained on.
        trained_on: md5s of the split and shards (`provenance.file_md5s`).

    Raises:
        PipelineError: the file cannot be read or does not fit, or is a model of another encoder, of other data or
            of other settings than dvc.lock names.
    """
    tensors, text = load_tensors(start)
    described = json.loads(text)
    if described.get("encoder") != mels.encoder:
        raise PipelineError(f"{start}: is of encoder {described.get('encoder')}, the spectrograms of {mels.encoder}")
    backbone = described.get("name")
    if backbone is None:
        before = load_trained(start, trained_on, training=settings)
        network, backbone = before.network, before.description.backbone
    else:
        torch.manual_seed(settings.seed)
        network = protocol.network(mels.encoder).build(backbone, settings.encoder)
        protocol.network(mels.encoder).load_body(network, tensors)
    return Model(network, Description(mels.encoder, backbone, mels.settings, settings, trained_on))


def fine_tune(
    model: Model, split: pd.DataFrame, mels: Mels, *, label: str, scored: bool = True
) -> tuple[Model, list[Curve]]:
    """Train `model` on the part `train`, as its description says; return it with a temperature, and the curve.

    The part `valid` is scored each epoch for the curve and gives the temperature; it chooses nothing else. Without
    `scored` it is not looked at, and the temperature stays 1. Of several runs the weights are averaged into one network
    (Wortsman et al. 2022, arXiv:2203.05482), and so are the curves.

    Raises:
        PipelineError: a part is empty, a clip has no spectrogram, or loss, weights or logits are not finite.
    """
    settings = model.description.training
    keep_freed_memory()
    torch.set_num_threads(settings.threads)
    networks = [*(deepcopy(model.network) for _ in range(settings.runs - 1)), model.network]
    curves = []
    for run, network in enumerate(networks):
        name = f"{label} {run + 1}/{settings.runs}" if settings.runs > 1 else label
        curves.append(_run(network, split, mels, settings, run, label=name, scored=scored))
    model.network.load_state_dict(_mean([network.state_dict() for network in networks]))
    model.network.eval()
    curve = [_mean_row(rows) for rows in zip(*curves, strict=True)]
    if not scored:
        return model, curve
    valid = split[split["part"] == "valid"]
    logits = clip_logits(model, mels.of(valid["clip"]))
    temperature = fit_temperature(logits, np.asarray(indices(valid["emotion"])))
    return replace(model, description=replace(model.description, temperature=temperature)), curve


def _run(
    network: nn.Module, split: pd.DataFrame, mels: Mels, settings: TrainSettings, run: int, *, label: str, scored: bool
) -> list[Curve]:
    set_seed((settings.seed + SEEDS_APART * run) % 2**32)
    device = best_device()
    data = loaders(split, mels, settings, device, scored=scored)
    network.to(device)
    return train(network, data, settings, mels.encoder, label=label)


def _mean(states: Sequence[Mapping[str, Tensor]]) -> dict[str, Tensor]:
    """Return the mean of each tensor, batch statistics too; whole numbers are the first's."""
    return {
        name: torch.stack([state[name] for state in states]).mean(0) if first.is_floating_point() else first
        for name, first in states[0].items()
    }


def _mean_row(rows: Sequence[Curve]) -> Curve:
    return rows[0] | {key: fmean(row[key] for row in rows) for key in rows[0] if key != "epoch"}
