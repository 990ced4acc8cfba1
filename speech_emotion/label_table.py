"""`data/labels.csv`: its columns, and how to read it back."""

from pathlib import Path

import pandas as pd

from speech_emotion.errors import PipelineError

COLUMNS = (
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


def read_labels(path: Path) -> pd.DataFrame:
    """Return the table with one row a clip: `duration_s` as float, all else as text, absent values as "".

    Raises:
        PipelineError: `path` cannot be read, or lacks columns.
    """
    try:
        # RAVDESS's codes are text (05), and a word such as "null" is no missing value.
        labels = pd.read_csv(path, dtype=str, keep_default_na=False)
    except (OSError, ValueError) as error:
        raise PipelineError(f"{path}: cannot be read ({error}); run `dvc repro labels`") from error
    missing = [column for column in COLUMNS if column not in labels]
    if missing:
        raise PipelineError(f"{path}: has no column {', '.join(missing)}; run `dvc repro labels`")
    return labels.astype({"duration_s": float})
