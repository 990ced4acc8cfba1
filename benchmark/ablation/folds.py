"""Who tests a lever: the actors that may be looked at while choosing."""

import pandas as pd

from speech_emotion.core.errors import PipelineError
from speech_emotion.splits.protocols import SpeakerLists

CORPUS = "ravdess"  # new voices; TESS's two stay in training


def development_split(labels: pd.DataFrame, lists: SpeakerLists, *, fold: int, folds: int) -> pd.DataFrame:
    """Return `clip`, `emotion`, `part` (`train` or `test`) of all clips that the protocol `speakers` does not test.

    Over `folds` folds, counted from 0, each development actor is tested once. What `lists` tests is left out
    altogether: a lever that was chosen on those clips could not be reported on them.

    Raises:
        PipelineError: a fold has no actor to test or to train on.
    """
    seen = labels[labels["speaker"].isin({*lists.train, *lists.valid})].sort_values(["corpus", "clip"])
    actors = sorted(set(seen.loc[seen["corpus"] == CORPUS, "speaker"]))
    tested = actors[fold::folds]  # men and women take turns in RAVDESS's numbers
    if not tested or len(tested) == len(actors):
        raise PipelineError(
            f"ablation: fold {fold} of {folds} tests {len(tested)} of {len(actors)} actors; change seeds"
        )
    part = seen["speaker"].isin(tested).map({True: "test", False: "train"})
    return seen[["clip", "emotion"]].assign(part=part).reset_index(drop=True)
