"""The answers of one cell as a folder: `answers.csv`, `enrolment.csv`, perhaps `degraded.csv`, and `cell.json`."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from speech_emotion.clips import EMOTIONS
from speech_emotion.core.errors import PipelineError
from speech_emotion.core.files import replacing, write_csv, write_text
from speech_emotion.training.settings import TrainSettings, flat

# Models of the first and of the last training, and the latter on embeddings that other clips of the voice have moved.
FIRST, LAST, ADAPTED = "first", "last", "adapted"
CLIP_COLUMNS = ["clip", "corpus", "speaker", "emotion", "part"]
COLUMNS = [*CLIP_COLUMNS, "track", *EMOTIONS]
TABLE, ENROLMENT, DEGRADED, DESCRIPTION = "answers.csv", "enrolment.csv", "degraded.csv", "cell.json"


@dataclass(frozen=True)
class Answers:
    """What was said of the clips of a cell.

    Attributes:
        clips: `COLUMNS`, one row a clip of the parts valid and test and track; emotions hold logits.
        enrolment: `clip`, `enrolled` clips of its voice, `draw` of them, `predicted`.
        degraded: `clip`, `condition`, and in the columns of the emotions the logits of the last training; none unless
            the cell was asked about degraded clips.
    """

    clips: pd.DataFrame
    enrolment: pd.DataFrame
    degraded: pd.DataFrame | None = None

    def has(self, track: str) -> bool:
        """Say whether some clip was answered on `track`."""
        return bool((self.clips["track"] == track).any())

    def track(self, track: str) -> pd.DataFrame:
        """Return the answers on `track`."""
        return self.clips[self.clips["track"] == track].reset_index(drop=True)

    def drawn(self) -> pd.DataFrame:
        """Return `enrolment` with the `actual` emotion, `corpus` and `speaker` of each clip."""
        test = self.clips[(self.clips["part"] == "test") & (self.clips["track"] == LAST)]
        described = test[["clip", "corpus", "speaker", "emotion"]].rename(columns={"emotion": "actual"})
        return self.enrolment.merge(described, on="clip")


def answer_rows(clips: pd.DataFrame, track: str, logits: NDArray[np.floating]) -> pd.DataFrame:
    """Return one row a clip with its `logits` `[clips, emotions]`."""
    return clips[CLIP_COLUMNS].assign(track=track, **dict(zip(EMOTIONS, logits.T, strict=True)))


def enrolment_rows(clips: pd.DataFrame, enrolled: int, draw: int, logits: NDArray[np.floating]) -> pd.DataFrame:
    """Return one row a clip with the emotion that `logits` `[clips, emotions]` name."""
    predicted = np.asarray(EMOTIONS)[logits.argmax(axis=1)]
    return clips[["clip"]].assign(enrolled=enrolled, draw=draw, predicted=predicted)


def write_answers(folder: Path, answers: Answers, trainings: Mapping[str, TrainSettings]) -> None:
    """Write `answers` and the settings of the trainings as one folder, whole or not at all."""
    settings = {name: flat(one) for name, one in trainings.items()}
    with replacing(folder) as temporary:
        write_csv(temporary / TABLE, answers.clips)
        write_csv(temporary / ENROLMENT, answers.enrolment)
        if answers.degraded is not None:
            write_csv(temporary / DEGRADED, answers.degraded)
        write_text(temporary / DESCRIPTION, json.dumps(settings, indent=2, sort_keys=True) + "\n")


def read_answers(folder: Path) -> Answers:
    """Return what `write_answers` wrote.

    Raises:
        PipelineError: a file is missing or has other columns.
    """
    try:
        clips, enrolment = pd.read_csv(folder / TABLE), pd.read_csv(folder / ENROLMENT)
        degraded = pd.read_csv(path) if (path := folder / DEGRADED).exists() else None
        return Answers(clips[COLUMNS], enrolment[["clip", "enrolled", "draw", "predicted"]], degraded)
    except (OSError, ValueError, KeyError) as error:
        raise PipelineError(f"{folder}: holds no answers of a cell ({error}); delete it and run the cell") from error


def read_settings(folder: Path) -> dict[str, Any]:
    """Return the settings of the cell's trainings, by training, without their seed.

    Raises:
        PipelineError: the file is missing or damaged.
    """
    try:
        trainings = json.loads((folder / DESCRIPTION).read_text(encoding="utf-8"))
        return {name: {**settings, "seed": None} for name, settings in trainings.items()}
    except (OSError, ValueError, TypeError, AttributeError) as error:
        raise PipelineError(f"{folder}: holds no answers of a cell ({error}); delete it and run the cell") from error
