"""`data/split.csv`: how to read it back."""

from pathlib import Path

import pandas as pd

from speech_emotion.emotions import EMOTIONS
from speech_emotion.errors import PipelineError

COLUMNS = ("clip", "emotion", "part")


def read_split(path: Path) -> pd.DataFrame:
    """Return the table with one row a clip, all text.

    Raises:
        PipelineError: `path` cannot be read, lacks columns, or names an emotion that is none of the eight.
    """
    try:
        split = pd.read_csv(path, dtype=str, keep_default_na=False)
    except (OSError, ValueError) as error:
        raise PipelineError(f"{path}: cannot be read ({error}); run `dvc repro split`") from error
    missing = [column for column in COLUMNS if column not in split]
    if missing:
        raise PipelineError(f"{path}: has no column {', '.join(missing)}; run `dvc repro split`")
    unknown = sorted(set(split["emotion"]) - set(EMOTIONS))
    if unknown:
        raise PipelineError(f"{path}: '{unknown[0]}' is none of {', '.join(EMOTIONS)}; run `dvc repro split`")
    return split
