"""Shards, a split and starting weights to a trained model with its temperature."""

import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from torch import Tensor, nn

from speech_emotion.allocator import keep_freed_memory
from speech_emotion.augment import augment, random_window
from speech_emotion.calibration import fit_temperature
from speech_emotion.dataset import ClipLoader, part_clips
from speech_emotion.device import best_device
from speech_emotion.emotions import EMOTIONS
from speech_emotion.fastai_parts import DataLoader, DataLoaders, set_seed
from speech_emotion.inference import clip_logits
from speech_emotion.learner import train
from speech_emotion.mel_settings import Mel, MelSettings
from speech_emotion.model import Description, load_model
from speech_emotion.network import build_network, load_body
from speech_emotion.provenance import refuse_other_data
from speech_emotion.train_settings import TrainSettings
from speech_emotion.view import centred, to_image, window
from speech_emotion.weights import load_tensors


def starting_network(start: Path, settings: TrainSettings, trained_on: Mapping[str, str]) -> tuple[nn.Module, str]:
    """Return the network to train and the name of its backbone.

    Args:
        start: pretrained weights (the head is then drawn from `settings.seed`), or a model trained on the same data.
        settings: of the stage that is about to run.
        trained_on: md5s of the split and shards (`provenance.file_md5s`).

    Raises:
        PipelineError: the file cannot be read or does not fit, or is a model of other data.
    """
    tensors, text = load_tensors(start)
    backbone = json.loads(text).get("name")
    if backbone is None:
        network, description = load_model(start, dropout=settings.dropout)
        refuse_other_data(start, description.trained_on, trained_on)
        return network, description.backbone
    torch.manual_seed(settings.seed)
    network = build_network(backbone, dropout=settings.dropout)
    load_body(network, tensors)
    return network, backbone


def describe(backbone: str, settings: TrainSettings, mel: MelSettings, trained_on: Mapping[str, str]) -> Description:
    """Return the description of a model that is trained with `settings` on log-mels made with `mel`."""
    return Description(
        backbone=backbone,
        emotions=EMOTIONS,
        mel=mel,
        image_size=settings.image_size,
        window_frames=round(settings.window_s * mel.frames_per_s),
        mean=settings.mean,
        deviation=settings.deviation,
        temperature=1.0,
        trained_on=trained_on,
    )


def fine_tune(
    network: nn.Module,
    description: Description,
    settings: TrainSettings,
    split: pd.DataFrame,
    mels: Mapping[str, Mel],
    *,
    label: str,
) -> tuple[Description, list[dict[str, float]]]:
    """Train `network` in place on the part `train`; return its description with a temperature, and the curve.

    The part `valid` is scored each epoch for the curve and gives the temperature; it chooses nothing else.

    Raises:
        PipelineError: a part is empty, or a clip has no spectrogram.
    """
    curve = _train(network, description, settings, split, mels, label=label, scored=True)
    return replace(description, temperature=_temperature(network, description, split, mels, best_device())), curve


def refit(
    network: nn.Module,
    description: Description,
    settings: TrainSettings,
    split: pd.DataFrame,
    mels: Mapping[str, Mel],
    *,
    label: str,
) -> None:
    """Train `network` in place on the parts `train` and `valid` together, as `fine_tune` on `train`; score nothing.

    Raises:
        PipelineError: as `fine_tune`.
    """
    whole = split.assign(part=split["part"].replace("valid", "train"))
    _train(network, description, settings, whole, mels, label=label, scored=False)


def _train(
    network: nn.Module,
    description: Description,
    settings: TrainSettings,
    split: pd.DataFrame,
    mels: Mapping[str, Mel],
    *,
    label: str,
    scored: bool,
) -> list[dict[str, float]]:
    keep_freed_memory()
    torch.set_num_threads(settings.threads)
    set_seed(settings.seed)
    device = best_device()
    loaders = _loaders(description, settings, split, mels, device, scored=scored)
    network.to(device)
    curve = train(network, loaders, settings, label=label)
    network.eval()
    return curve


def _loaders(
    description: Description,
    settings: TrainSettings,
    split: pd.DataFrame,
    mels: Mapping[str, Mel],
    device: torch.device,
    *,
    scored: bool,
) -> DataLoaders:
    width, size = description.window_frames, settings.image_size
    range_db = description.mel.ceiling_db - description.mel.floor_db

    def training_view(levels: Tensor, lengths: Tensor) -> Tensor:
        windows = random_window(levels, lengths, width, speed=settings.augment.speed)
        windows = augment(windows, settings.augment, range_db)
        return to_image(windows, size, mean=settings.mean, deviation=settings.deviation)

    def plain_view(levels: Tensor, lengths: Tensor) -> Tensor:
        windows = window(levels, centred(lengths, width), torch.ones_like(lengths), width)
        return to_image(windows, size, mean=settings.mean, deviation=settings.deviation)

    train_part = part_clips(split, "train", mels, device)
    training = ClipLoader(train_part, training_view, settings.batch_size, shares=settings.shares)
    if not scored:
        return DataLoaders(training, DataLoader([], num_workers=0), device=device)  # fastai validates after each epoch
    valid_part = part_clips(split, "valid", mels, device)
    return DataLoaders(training, ClipLoader(valid_part, plain_view, settings.batch_size), device=device)


def _temperature(
    network: nn.Module, description: Description, split: pd.DataFrame, mels: Mapping[str, Mel], device: torch.device
) -> float:
    rows = split[split["part"] == "valid"]
    logits = clip_logits(network, description, [mels[clip] for clip in rows["clip"]], device=device)
    return fit_temperature(logits, np.array([EMOTIONS.index(emotion) for emotion in rows["emotion"]]))
