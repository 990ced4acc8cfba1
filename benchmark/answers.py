"""What the models of one cell say about its test clips, as a folder: `answers.csv` and `cell.json`."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from speech_emotion.clips import EMOTIONS
from speech_emotion.core.errors import PipelineError
from speech_emotion.core.files import replacing, write_csv, write_text
from speech_emotion.model.provenance import file_md5s
from speech_emotion.shards import shard_paths

TABLE, DESCRIPTION = "answers.csv", "cell.json"


@dataclass(frozen=True)
class Answers:
    """The test clips of a cell, and what was said of them.

    Attributes:
        clips: columns `clip`, `emotion`; one row a test clip.
        logits: by view, `[clips, emotions]`, not divided by a temperature.
        temperatures: by view, fitted on the valid part.
        made_from: md5s of the data, settings and number of crops: equal for answers that may be pooled.
    """

    clips: pd.DataFrame
    logits: Mapping[str, NDArray[np.floating]]
    temperatures: Mapping[str, float]
    made_from: Mapping[str, Any]


def input_md5s(labels: Path, start: Path, spectrograms: Sequence[Path]) -> dict[str, str]:
    """Return the md5s of the labels, the first weights and every shard in the folders `spectrograms`."""
    shards = {f"{path.parent.name}/{path.stem}": path for path in shard_paths(spectrograms)}
    return file_md5s({"labels": labels, "start": start, **shards})


def write_answers(folder: Path, answers: Answers) -> None:
    """Write `answers` as one folder, whole or not at all."""
    tables = [
        answers.clips[["clip", "emotion"]].assign(view=view, **dict(zip(EMOTIONS, answers.logits[view].T, strict=True)))
        for view in answers.logits
    ]
    temperatures = {view: round(answers.temperatures[view], 6) for view in answers.logits}
    description = {"temperatures": temperatures, "made_from": answers.made_from}
    with replacing(folder) as temporary:
        write_csv(temporary / TABLE, pd.concat(tables))
        write_text(temporary / DESCRIPTION, json.dumps(description, indent=2, sort_keys=True) + "\n")


def read_answers(folder: Path, views: Sequence[str]) -> Answers:
    """Read what `write_answers` wrote, if it has these views.

    Raises:
        PipelineError: a file is missing or is not of this form, or the views disagree about the clips.
    """
    description = _read_description(folder)
    if description["temperatures"].keys() != set(views):
        there = ", ".join(description["temperatures"])
        raise PipelineError(f"{folder}: has views {there}; expected {', '.join(views)}; run it again")
    try:
        table = pd.read_csv(folder / TABLE)
        tables = {view: table[table["view"] == view].reset_index(drop=True) for view in views}
        clips = tables[views[0]][["clip", "emotion"]]
        different = [view for view in views if clips.empty or not tables[view][["clip", "emotion"]].equals(clips)]
        logits = {view: rows[list(EMOTIONS)].to_numpy(np.float64) for view, rows in tables.items()}
    except (OSError, ValueError, KeyError) as error:
        raise PipelineError(f"{folder / TABLE}: are no answers ({error}); run the cell again") from error
    if different:
        raise PipelineError(f"{folder / TABLE}: view {different[0]} has no or other clips; run the cell again")
    return Answers(clips, logits, description["temperatures"], description["made_from"])


def read_made_from(folder: Path) -> Mapping[str, Any]:
    """Return what the answers in `folder` were made from, an empty mapping where there are none."""
    if not folder.exists():
        return {}
    made_from: Mapping[str, Any] = _read_description(folder)["made_from"]
    return made_from


def _read_description(folder: Path) -> dict[str, Any]:
    try:
        description: dict[str, Any] = json.loads((folder / DESCRIPTION).read_text(encoding="utf-8"))
        if description["temperatures"] and description["made_from"]:
            return description
        raise ValueError("other fields")
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise PipelineError(
            f"{folder / DESCRIPTION}: is no description of a cell ({error}); delete the folder and run the cell again"
        ) from error
