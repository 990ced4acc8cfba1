"""One cell: choices on the valid part, then a refit on all that is not tested, then the test."""

import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from torch import nn

from benchmark.tracks import adapted, averaged
from benchmark.views import VIEWS
from speech_emotion.clips import EMOTIONS
from speech_emotion.encoders.image.frontend import Mel, MelSettings
from speech_emotion.model.calibration import fit_temperature
from speech_emotion.model.checkpoint import Description, save_model
from speech_emotion.model.inference import best_device, clip_logits
from speech_emotion.shards import require_mels
from speech_emotion.training.fine_tune import describe, fine_tune, refit, starting_network
from speech_emotion.training.settings import TrainSettings

Logits = NDArray[np.float32]


@dataclass(frozen=True)
class Recipe:
    """What is trained from `start`: `low`, then `high` if it is given; `crops` is the number of windows in a view."""

    start: Path
    low: TrainSettings
    high: TrainSettings | None
    crops: int


@dataclass(frozen=True)
class Model:
    """A trained network with its description."""

    network: nn.Module
    description: Description

    def logits(self, clips: pd.Series, mels: Mapping[str, Mel], *, crops: int = 1) -> Logits:
        """Return what it says about `clips`, `[clips, emotions]`."""
        chosen = [mels[clip] for clip in clips]
        return clip_logits(self.network, self.description, chosen, crops=crops, device=best_device())


def nested_answers(
    recipe: Recipe, split: pd.DataFrame, mels: Mapping[str, Mel], mel_settings: MelSettings, *, label: str
) -> tuple[dict[str, Logits], dict[str, float]]:
    """Return logits `[test clips, emotions]` and temperature by view, the clips in the order of `split`.

    The inner models are trained on the part `train` and give the temperatures on `valid`; nested in this way, no
    choice sees a test clip (Varma & Simon 2006, doi:10.1186/1471-2105-7-91). The models that are tested are trained
    on both parts, with the same schedule and seed. The view `ensemble` averages all four.

    Raises:
        PipelineError: a clip has no spectrogram; the start does not fit.
    """
    require_mels(split["clip"], mels)
    part = {name: rows["clip"] for name, rows in split.groupby("part", sort=False)}
    seen = split[split["part"] != "test"]
    # Training gets no more than it may see, so that no slip can show it a test clip.
    known = {clip: mels[clip] for clip in seen["clip"]}
    inner = fit(fine_tune, recipe, seen, known, mel_settings, f"{label} inner")
    asked = ask(inner, part["valid"], known, part["train"], recipe.crops)
    asked["ensemble"] = averaged(asked["low"], asked["high"])
    emotions = split.loc[split["part"] == "valid", "emotion"]
    actual = np.array([EMOTIONS.index(emotion) for emotion in emotions])
    temperatures = {view: fit_temperature(asked[view], actual) for view in VIEWS}
    whole = fit(refit, recipe, seen, known, mel_settings, f"{label} refit")
    answers = ask(whole, part["test"], mels, seen["clip"], recipe.crops)
    others = (model.logits(part["test"], mels) for model in inner.values())
    answers["ensemble"] = averaged(answers["low"], answers["high"], *others)
    return answers, temperatures


def ask(
    models: Mapping[str, Model], clips: pd.Series, mels: Mapping[str, Mel], known: pd.Series, crops: int
) -> dict[str, Logits]:
    """Return the logits `[clips, emotions]` of the models `low` and `high` by view, all but `ensemble`.

    `known` are the clips that the models were trained on: the view `adapted` brings the speakers of `clips` to the
    level of theirs.
    """
    low, high = models["low"], models["high"]
    return {
        "low": low.logits(clips, mels),
        "high": high.logits(clips, mels),
        "high_crops": high.logits(clips, mels, crops=crops),
        "adapted": high.logits(clips, adapted(clips, mels, known, by_mel=False)),
    }


def fit(
    train: Callable[..., object],
    recipe: Recipe,
    split: pd.DataFrame,
    mels: Mapping[str, Mel],
    mel_settings: MelSettings,
    label: str,
) -> dict[str, Model]:
    """Return the models `low` and, if the recipe has it, `high`, one after the other trained by `train`.

    `train` is `fine_tune` or `refit`.
    """
    models = {}
    with tempfile.TemporaryDirectory() as folder:
        start = recipe.start
        for stage, settings in (("low", recipe.low), ("high", recipe.high)):
            if settings is None:
                continue
            network, backbone = starting_network(start, settings, {})
            description = describe(backbone, settings, mel_settings, {})
            train(network, description, settings, split, mels, label=f"{label} {stage}")
            models[stage] = Model(network, description)
            start = Path(folder, f"{stage}.safetensors")
            save_model(start, network, description)
    return models
