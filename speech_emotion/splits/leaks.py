"""A check of finished splits that does not ask how they were made."""

import pandas as pd

from speech_emotion.clips import PARTS
from speech_emotion.core.errors import PipelineError


def refuse_leaks(labels: pd.DataFrame, split: pd.DataFrame, *, by_speaker: bool) -> None:
    """Check that what `split` tests was not seen in training.

    All three parts need clips: the model learns from train, its temperature is fitted on valid, test is reported.

    Raises:
        PipelineError: a part is empty, copies of one recording are in two parts, or, if `by_speaker`, one speaker is.
    """
    empty = [part for part in PARTS if part not in set(split["part"])]
    if empty:
        raise PipelineError(f"split: no clip is in {' or '.join(empty)}; give each of {', '.join(PARTS)} some")
    clips = labels.merge(split[["clip", "part"]], on="clip")
    clips["recording"] = clips["duplicate_of"].where(clips["duplicate_of"] != "", clips["clip"])
    if by_speaker:
        _refuse_two_parts(clips, "speaker", "speaker", "move all of a speaker's clips to one part")
    _refuse_two_parts(clips, "recording", "clip", "move copies of one recording to one part")


def _refuse_two_parts(clips: pd.DataFrame, unit: str, named: str, way_out: str) -> None:
    leaking = clips[clips.groupby(unit)["part"].transform("nunique") > 1].sort_values(unit)
    if len(leaking):
        first = leaking[leaking[unit] == leaking[unit].iloc[0]]
        names, parts = sorted(set(first[named])), [part for part in PARTS if part in set(first["part"])]
        raise PipelineError(f"split leaks: {unit} {', '.join(names)} is in {' and '.join(parts)}; {way_out}")
