"""What two models said about the test clips, and the table of it that goes to Git."""

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from speech_emotion.calibration import calibrated
from speech_emotion.emotions import EMOTIONS
from speech_emotion.errors import PipelineError
from speech_emotion.label_table import read_labels
from speech_emotion.split_table import read_split


@dataclass(frozen=True)
class Evaluation:
    """The test clips and both models' answers, in one order.

    Attributes:
        clips: columns `clip`, `corpus`, `speaker`, `emotion`; one row a test clip.
        low_logits: of the low-resolution model, `[clips, emotions]`.
        high_logits: of the high-resolution model, `[clips, emotions]`.
        temperature: of the high-resolution model.
    """

    clips: pd.DataFrame
    low_logits: NDArray[np.float32]
    high_logits: NDArray[np.float32]
    temperature: float

    @cached_property
    def actual(self) -> NDArray[np.int64]:
        """Index of each clip's emotion, `[clips]`."""
        return indices(self.clips["emotion"])

    @cached_property
    def predicted(self) -> NDArray[np.intp]:
        """Index of the emotion that the high-resolution model named, `[clips]`."""
        return np.asarray(self.high_logits.argmax(axis=1))

    def confidence(self, temperature: float | None = None) -> NDArray[np.float64]:
        """Return the probability of the emotion that was named, `[clips]`; temperature 1 is without calibration."""
        return np.asarray(calibrated(self.high_logits, temperature or self.temperature).max(axis=1))

    def predictions(self) -> pd.DataFrame:
        """Return `metrics/predictions.csv`: columns `clip`, `actual`, `predicted`, `confidence`."""
        names = np.asarray(EMOTIONS)
        columns = {
            "clip": self.clips["clip"].to_numpy(),
            "actual": names[self.actual],
            "predicted": names[self.predicted],
            "confidence": self.confidence(),
        }
        return pd.DataFrame(columns).sort_values("clip", ignore_index=True)


def read_test_clips(split: Path, labels: Path) -> pd.DataFrame:
    """Return the test part of `split` with the corpus and speaker of `labels`, sorted by clip.

    Raises:
        PipelineError: the split has no test part, or names a clip that the labels do not have.
    """
    parts = read_split(split)
    test = parts.loc[parts["part"] == "test", ["clip", "emotion"]]
    if test.empty:
        raise PipelineError(f"{split}: has no test clips; choose another protocol in params.yaml, section split")
    known = read_labels(labels)[["clip", "corpus", "speaker"]]
    clips = test.merge(known, on="clip", how="left", validate="one_to_one").sort_values("clip", ignore_index=True)
    strangers = clips.loc[clips["speaker"].isna(), "clip"]
    if len(strangers):
        raise PipelineError(f"{split}: {strangers.iloc[0]} is not in {labels}; run `dvc repro split`")
    return clips[["clip", "corpus", "speaker", "emotion"]]


def indices(emotions: pd.Series) -> NDArray[np.int64]:
    """Return the place of each emotion's name in `EMOTIONS`, `[clips]`.

    Raises:
        PipelineError: a name is none of the eight.
    """
    found = pd.Index(EMOTIONS).get_indexer(emotions)
    if (found < 0).any():
        raise PipelineError(
            f"emotion '{emotions[found < 0].iloc[0]}' is unknown; expected one of {', '.join(EMOTIONS)}"
        )
    return np.asarray(found, dtype=np.int64)
