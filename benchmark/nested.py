"""One cell: choices on the valid part, then a refit on all that is not tested, then the test."""

import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from torch import nn

from benchmark.answers import VIEWS
from speech_emotion.calibration import fit_temperature
from speech_emotion.device import best_device
from speech_emotion.emotions import EMOTIONS
from speech_emotion.inference import clip_logits
from speech_emotion.mel_settings import Mel, MelSettings
from speech_emotion.model import Description, save_model
from speech_emotion.store import require_mels
from speech_emotion.train_settings import TrainSettings
from speech_emotion.training import describe, fine_tune, refit, starting_network

Logits = NDArray[np.float32]


@dataclass(frozen=True)
class Recipe:
    """What is trained: both stages from `start`; `crops` is the number of windows in the view `high_crops`."""

    start: Path
    low: TrainSettings
    high: TrainSettings
    crops: int


@dataclass(frozen=True)
class Model:
    """A trained network with its description."""

    network: nn.Module
    description: Description


def nested_answers(
    recipe: Recipe, split: pd.DataFrame, mels: Mapping[str, Mel], mel_settings: MelSettings, *, label: str
) -> tuple[dict[str, Logits], dict[str, float]]:
    """Return logits `[test clips, emotions]` and temperature by view, the clips in the order of `split`.

    The inner models are trained on the part `train` and give the temperatures on `valid`; nested in this way, no
    choice sees a test clip (Varma & Simon 2006, doi:10.1186/1471-2105-7-91). The models that are tested are trained
    on both parts, with the same schedule and seed.

    Raises:
        PipelineError: a clip has no spectrogram; the start does not fit.
    """
    require_mels(split["clip"], mels)
    tested = split["part"] == "test"
    seen, valid = split[~tested], split[split["part"] == "valid"]
    # Training gets no more than it may see, so that no slip can show it a test clip.
    known = {clip: mels[clip] for clip in seen["clip"]}
    inner = fit(fine_tune, recipe, seen, known, mel_settings, f"{label} inner")
    actual = np.array([EMOTIONS.index(emotion) for emotion in valid["emotion"]])
    asked = ask(inner, valid["clip"], known, recipe.crops)
    temperatures = {view: fit_temperature(logits, actual) for view, logits in asked.items()}
    whole = fit(refit, recipe, seen, known, mel_settings, f"{label} refit")
    return ask(whole, split.loc[tested, "clip"], mels, recipe.crops), temperatures


def ask(models: Mapping[str, Model], clips: pd.Series, mels: Mapping[str, Mel], crops: int) -> dict[str, Logits]:
    """Return the logits `[clips, emotions]` of the models `low` and `high` by view."""
    crops_of = dict(zip(VIEWS, (1, 1, crops), strict=True))
    logits = {}
    for view in VIEWS:
        model = models[view.partition("_")[0]]
        chosen = [mels[clip] for clip in clips]
        logits[view] = clip_logits(model.network, model.description, chosen, crops=crops_of[view], device=best_device())
    return logits


def fit(
    train: Callable[..., object],
    recipe: Recipe,
    split: pd.DataFrame,
    mels: Mapping[str, Mel],
    mel_settings: MelSettings,
    label: str,
) -> dict[str, Model]:
    """Return the models `low` and `high`, trained one after the other by `train`: `fine_tune` or `refit`."""
    models = {}
    with tempfile.TemporaryDirectory() as folder:
        start = recipe.start
        for stage, settings in (("low", recipe.low), ("high", recipe.high)):
            network, backbone = starting_network(start, settings, {})
            description = describe(backbone, settings, mel_settings, {})
            train(network, description, settings, split, mels, label=f"{label} {stage}")
            models[stage] = Model(network, description)
            start = Path(folder, f"{stage}.safetensors")
            save_model(start, network, description)
    return models
