"""What the models of both trainings say about the test clips."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from speech_emotion.clips import EMOTIONS, indices
from speech_emotion.core.errors import PipelineError
from speech_emotion.model.calibration import calibrated
from speech_emotion.model.inference import clip_logits
from speech_emotion.model.provenance import load_trained
from speech_emotion.shards import Mels

DESCRIBED = ("clip", "corpus", "speaker", "sex", "intensity")


@dataclass(frozen=True)
class Evaluation:
    """The test clips and the logits of both models, in one order.

    Attributes:
        clips: columns `clip`, `corpus`, `speaker`, `sex`, `intensity`, `emotion`; one row a test clip.
        first_logits: of the model of the first training, `[clips, emotions]`; None where there is none.
        last_logits: of the model of the last training, `[clips, emotions]`.
        temperature: of the last one.
    """

    clips: pd.DataFrame
    first_logits: NDArray[np.floating] | None
    last_logits: NDArray[np.floating]
    temperature: float

    @cached_property
    def actual(self) -> NDArray[np.int64]:
        """Index of each clip's emotion, `[clips]`."""
        return indices(self.clips["emotion"])

    @cached_property
    def predicted(self) -> NDArray[np.intp]:
        """Index of the emotion that the last model named, `[clips]`."""
        return np.asarray(self.last_logits.argmax(axis=1))

    def confidence(self, temperature: float | None = None) -> NDArray[np.float64]:
        """Return the probability of the emotion that was named, `[clips]`; temperature 1 is without calibration."""
        return np.asarray(calibrated(self.last_logits, temperature or self.temperature).max(axis=1))

    def predictions(self) -> pd.DataFrame:
        """Return `predictions.csv`: what the labels say of each clip, then `actual`, `predicted`, `confidence`."""
        names = np.asarray(EMOTIONS)
        answers = {"actual": names[self.actual], "predicted": names[self.predicted], "confidence": self.confidence()}
        return self.clips[list(DESCRIBED)].assign(**answers).sort_values("clip", ignore_index=True)


def evaluate(clips: pd.DataFrame, mels: Mels, first: Path, last: Path, present: Mapping[str, str]) -> Evaluation:
    """Ask the models of the first and the last training about every test clip.

    Args:
        clips: as in `Evaluation`.
        mels: of every clip.
        first: model of the first training.
        last: model of the last training, with its temperature.
        present: md5s of the split and shards that `clips` and `mels` come from (`provenance.file_md5s`).

    Raises:
        PipelineError: a clip has no spectrogram; a model cannot be read, was not trained on the data beside it,
            or with other settings than dvc.lock names.
    """
    models = [load_trained(path, present) for path in (first, last)]
    chosen = mels.of(clips["clip"])
    first_logits, last_logits = (clip_logits(model, chosen) for model in models)
    return Evaluation(clips, first_logits, last_logits, models[1].description.temperature)


def held_out_clips(split: pd.DataFrame, labels: pd.DataFrame) -> pd.DataFrame:
    """Return the test part of `split` with what `labels` say of it, sorted by clip.

    Raises:
        PipelineError: the split has no test part, or names a clip that the labels do not have.
    """
    test = split.loc[split["part"] == "test", ["clip", "emotion"]]
    if test.empty:
        raise PipelineError("split: has no test clips; choose another protocol in params.yaml, section split")
    clips = test.merge(labels[list(DESCRIBED)], on="clip", how="left").sort_values("clip", ignore_index=True)
    strangers = clips.loc[clips["speaker"].isna(), "clip"]
    if len(strangers):
        raise PipelineError(f"split: {strangers.iloc[0]} is not in the labels; run `dvc repro split`")
    return clips
