"""The cells of the benchmark, every split of every protocol that has published figures, and those of the ablation."""

from collections.abc import Mapping
from dataclasses import dataclass

import pandas as pd

from speech_emotion.core.errors import PipelineError
from speech_emotion.corpora.ravdess import FOLDS
from speech_emotion.corpora.tess import VOICES
from speech_emotion.splits.leaks import refuse_leaks
from speech_emotion.splits.protocols import (
    RANDOM,
    SPEAKER_PROTOCOLS,
    SpeakerLists,
    SplitSettings,
    split_clips,
)

# Part of the protocol's definition, as the folds of the others are: `split.seed` in params.yaml may change.
RANDOM_SEED = 42
# What the protocol `speakers` tests. The ablation, on which the recipe is chosen, leaves these actors out.
UNSEEN = ("ravdess/21", "ravdess/22", "ravdess/23", "ravdess/24")
NEW_VOICES = ("luna_jimenez", "emobox")  # protocols that test them, and the actors that the ablation tested
DEVELOPMENT, DEVELOPMENT_FOLDS = "development", 3
NOBODY = SpeakerLists(train=(), valid=(), test=())  # the protocol `speakers` is no cell


@dataclass(frozen=True)
class Cell:
    """One split: `fold` counts for the protocols that have folds, `tested_voice` for `tess_swap`."""

    protocol: str
    fold: int = 1
    tested_voice: str = VOICES[0]

    def split(self, labels: pd.DataFrame) -> pd.DataFrame:
        """Return `clip`, `corpus`, `speaker`, `emotion`, `part` of the clips of `labels` that the cell uses.

        Raises:
            PipelineError: `labels` lack what the protocol names, or the split leaks.
        """
        if self.protocol == DEVELOPMENT:
            return development_split(labels, self.fold)
        split = split_clips(labels, SplitSettings(self.protocol, self.fold, self.tested_voice, RANDOM_SEED, NOBODY))
        refuse_leaks(labels, split, by_speaker=self.protocol in SPEAKER_PROTOCOLS)
        return split


def development_split(labels: pd.DataFrame, fold: int) -> pd.DataFrame:
    """Return the clips of all speakers but `UNSEEN`, in the parts `train` and `test`.

    Over the folds, counted from 0, each development actor of RAVDESS is tested once; TESS stays in training.

    Raises:
        PipelineError: a fold has no actor to test or to train on.
    """
    seen = labels[~labels["speaker"].isin(UNSEEN)].sort_values(["corpus", "clip"], ignore_index=True)
    actors = sorted(set(seen.loc[seen["corpus"] == "ravdess", "speaker"]))
    tested = actors[fold::DEVELOPMENT_FOLDS]  # men and women take turns in RAVDESS's numbers
    if not tested or len(tested) == len(actors):
        raise PipelineError(f"{DEVELOPMENT}_{fold}: tests {len(tested)} of {len(actors)} actors; fetch all of RAVDESS")
    part = seen["speaker"].isin(tested).map({True: "test", False: "train"})
    return seen[["clip", "corpus", "speaker", "emotion"]].assign(part=part)


CELLS: Mapping[str, Cell] = {
    RANDOM: Cell(RANDOM),
    **{f"{name}_{fold}": Cell(name, fold) for name, folds in FOLDS.items() for fold in range(1, len(folds) + 1)},
    **{f"tess_swap_{voice}": Cell("tess_swap", tested_voice=voice) for voice in VOICES},
}
PROTOCOLS: Mapping[str, tuple[str, ...]] = {
    protocol: tuple(name for name, cell in CELLS.items() if cell.protocol == protocol)
    for protocol in dict.fromkeys(cell.protocol for cell in CELLS.values())
}
DEVELOPMENT_CELLS = {f"{DEVELOPMENT}_{fold}": Cell(DEVELOPMENT, fold) for fold in range(DEVELOPMENT_FOLDS)}
