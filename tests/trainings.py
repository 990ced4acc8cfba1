"""Trainings of seconds: clips whose emotion is the height of a tone, and settings for a tiny network."""

from collections.abc import Mapping
from dataclasses import fields
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch

from speech_emotion.clips import EMOTIONS
from speech_emotion.core.params import read_merged
from speech_emotion.encoders.image.network import build
from speech_emotion.encoders.image.settings import AugmentSettings, FrontendSettings
from speech_emotion.model.checkpoint import Description, Model
from speech_emotion.shards import Mels
from speech_emotion.training import settings
from speech_emotion.training.settings import TrainSettings
from tests.evaluations import make_clips

# Two threads would wait for each other where other processes are at work, ten times as long.
torch.set_num_threads(1)

PARAMS = Path(__file__).resolve().parents[1] / "params.yaml"
BACKBONE = "test_efficientnet"  # timm's own for tests, 0.4 million weights
FRONTEND = FrontendSettings(
    sample_rate_hz=16000, trim_db=40.0, n_fft=1024, hop_samples=160, n_mels=32,
    fmin_hz=50.0, fmax_hz=8000.0, floor_db=-90.0, ceiling_db=30.0,
)  # fmt: skip
STILL = AugmentSettings(**{field.name: 0 for field in fields(AugmentSettings)})
SMALL = {
    "image_size": 32, "window_s": 0.4, "batch_size": 12, "frozen_epochs": 1, "epochs": 3, "learning_rate": 0.01,
    "body_rate": 0.5, "dropout": 0.1, "label_smoothing": 0.1, "mixup": 0.0, "average": 0.0,
    "shares": {},
    "seed": 0, "threads": 1,
}  # fmt: skip


def train_settings(**changes: Any) -> TrainSettings:
    """The project's own settings, made small."""
    values = read_merged(PARAMS, "image.training", "image.low") | SMALL | changes
    return settings.train_settings(values, "image", "tests")


def small_model(trained_on: Mapping[str, str] | None = None, *, temperature: float = 1.0, **changes: Any) -> Model:
    """An untrained model."""
    training = train_settings(**changes)
    description = Description("image", BACKBONE, FRONTEND, training, trained_on or {}, temperature)
    return Model(build(BACKBONE, training.encoder), description)


def easy_split() -> pd.DataFrame:
    """Three actors and two TESS words: 74 clips to train on, 60 valid, 60 to test."""
    clips = make_clips(actors=3, tess_words=2)
    clips["part"] = clips["speaker"].map({"ravdess/23": "valid", "ravdess/24": "test"}).fillna("train")
    return clips[["clip", "corpus", "speaker", "emotion", "part"]]


def easy_mels(split: pd.DataFrame) -> Mels:
    """Noise, and for each emotion a band of its own."""
    rng = np.random.default_rng(0)
    mels = {}
    for clip, emotion in zip(split["clip"], split["emotion"], strict=True):
        mel = rng.integers(1, 60, (FRONTEND.n_mels, rng.integers(25, 55)), dtype=np.uint8)
        mel[4 * EMOTIONS.index(emotion) :][:4] += 150
        mels[clip] = mel
    return Mels("image", FRONTEND, mels)
