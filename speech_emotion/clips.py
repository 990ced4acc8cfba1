"""The eight emotions, and the two tables of clips: `data/labels.csv` and `data/split.csv`."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from speech_emotion.core.errors import PipelineError, one_line

if TYPE_CHECKING:  # half a second that who needs the emotions' names alone would pay
    import pandas as pd

# The order that every table, matrix and network output has.
EMOTIONS = ("neutral", "calm", "happy", "sad", "angry", "fearful", "disgust", "surprised")
PARTS = ("train", "valid", "test")
LABEL_COLUMNS = (
    "clip",
    "corpus",
    "path",
    "speaker",
    "sex",
    "emotion",
    "source_emotion",
    "intensity",
    "text",
    "duration_s",
    "duplicate_of",
)
SPLIT_COLUMNS = ("clip", "corpus", "speaker", "emotion", "part")


def read_labels(path: Path) -> "pd.DataFrame":
    """Return the table with one row a clip: `duration_s` as float, all else as text, absent values as "".

    Raises:
        PipelineError: `path` cannot be read, lacks columns, or has an emotion that is none of the eight or a duration
            that is no number.
    """
    table = _read(path, LABEL_COLUMNS, "labels")
    try:
        return table.astype({"duration_s": float})
    except ValueError as error:
        raise PipelineError(
            f"{path}: has a duration that is none ({one_line(error)}); run `dvc repro labels`"
        ) from error


def read_split(path: Path) -> "pd.DataFrame":
    """Return the table with one row a clip, all text.

    Raises:
        PipelineError: as `read_labels`.
    """
    return _read(path, SPLIT_COLUMNS, "split")


def indices(emotions: Sequence[str]) -> NDArray[np.int64]:
    """Return the place of each emotion's name in `EMOTIONS`, `[clips]`.

    Raises:
        PipelineError: a name is none of the eight.
    """
    import pandas as pd

    found = pd.Index(EMOTIONS).get_indexer(pd.Index(emotions))
    if (found < 0).any():
        unknown = list(emotions)[int((found < 0).argmax())]
        raise PipelineError(f"emotion '{unknown}' is unknown; expected one of {', '.join(EMOTIONS)}")
    return np.asarray(found, dtype=np.int64)


def _read(path: Path, columns: Sequence[str], stage: str) -> "pd.DataFrame":
    import pandas as pd

    try:
        # RAVDESS's codes are text (05), and a word such as "null" is no missing value.
        table = pd.read_csv(path, dtype=str, keep_default_na=False)
    except (OSError, ValueError) as error:
        raise PipelineError(f"{path}: cannot be read ({error}); run `dvc repro {stage}`") from error
    missing = [column for column in columns if column not in table]
    if missing:
        raise PipelineError(f"{path}: has no column {', '.join(missing)}; run `dvc repro {stage}`")
    unknown = sorted(set(table["emotion"]) - set(EMOTIONS))
    if unknown:
        raise PipelineError(f"{path}: '{unknown[0]}' is none of {', '.join(EMOTIONS)}; run `dvc repro {stage}`")
    return table
