"""The recipe of a cell: what is trained, as params.yaml says it with the changes of one row."""

import json
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from speech_emotion.core.errors import PipelineError
from speech_emotion.core.params import read_merged, read_section, to_settings
from speech_emotion.encoders import protocol
from speech_emotion.model.weights import save_tensors
from speech_emotion.training.settings import TrainSettings, train_settings

Values = dict[str, Any]

# The trainings of an encoder, one after the other, each from the weights of the one before.
TRAININGS: Mapping[str, tuple[str, ...]] = {"image": ("low", "high"), "speech": ("head", "all")}
# What a row may have besides the sections of its trainings.
SAYS, ONLY, SHARED, BACKBONE, SPECTROGRAMS = "says", "trainings", "training", "backbone", "spectrograms"


def read_changes(path: Path, encoder: str, row: str) -> Values:
    """Return what the row `row` of `path` changes of the sections of `encoder`, over what all its rows change.

    Raises:
        PipelineError: the file cannot be read or has no such row, or the row names something else.
    """
    changes = merged(read_section(path, f"{encoder}.base"), read_section(path, f"{encoder}.rows.{row}"))
    known = {SAYS, ONLY, SHARED, BACKBONE, SPECTROGRAMS, *TRAININGS[encoder]}
    if unknown := sorted(changes.keys() - known):
        raise PipelineError(f"{path}: row '{row}' changes '{unknown[0]}'; it can change {', '.join(sorted(known))}")
    return changes


def read_trainings(params: Path, encoder: str, changes: Values, *, seed: int) -> dict[str, TrainSettings]:
    """Return the settings of the trainings of `encoder`, or of those that the row takes, in order.

    Raises:
        PipelineError: a section is missing, or a key is unknown, missing or out of its range.
    """
    trainings = {}
    for name in changes.get(ONLY, TRAININGS[encoder]):
        values = read_merged(params, f"{encoder}.{SHARED}", f"{encoder}.{name}") | {"seed": seed}
        values = merged(merged(values, changes.get(SHARED, {})), changes.get(name, {}))
        trainings[name] = train_settings(values, encoder, f"{params}: {encoder}.{name} with the row's changes")
    return trainings


def starting_weights(params: Path, encoder: str, changes: Values, usual: Path, folder: Path) -> Path:
    """Return the file of the first weights: `usual`, or one in `folder` where the row changes the backbone."""
    if BACKBONE not in changes:
        return usual
    kind = protocol.pretrained(encoder)
    values = merged(read_section(params, f"{encoder}.{BACKBONE}"), changes[BACKBONE])
    settings = to_settings(values, kind.BackboneSettings, f"{params}: {encoder}.{BACKBONE} with the row's changes")
    described = {"encoder": encoder, **asdict(settings)}
    save_tensors(folder / usual.name, kind.backbone_weights(settings), json.dumps(described, sort_keys=True))
    return folder / usual.name


def merged(values: Values, changes: Values) -> Values:
    """Return `values` with nested `changes`."""
    if not changes:
        return dict(values)
    from omegaconf import OmegaConf  # a machine that only runs cells has none, and needs none

    both: Values = OmegaConf.to_container(OmegaConf.merge(values, changes))  # type: ignore[assignment]
    return both
