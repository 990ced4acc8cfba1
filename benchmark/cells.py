"""The cells of the benchmark, every split of every protocol that has published figures, and those of the ablation."""

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import permutations

import pandas as pd

from speech_emotion.core.errors import PipelineError
from speech_emotion.corpora.ravdess import FOLDS
from speech_emotion.corpora.tess import VOICES
from speech_emotion.splits.leaks import refuse_leaks
from speech_emotion.splits.protocols import (
    RANDOM,
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
# Corpora of the root pipeline, and the one that only this benchmark asks about (benchmark/corpora.yaml).
CORPORA, STRANGER = ("ravdess", "tess"), "nemo"
# Corpus that is left out -> the one of the others that inner models are asked about: a stranger to them, too.
VALIDATING = {STRANGER: "tess", "tess": STRANGER, "ravdess": STRANGER}
CROSS_CORPUS = "cross_corpus"
# Who learns from one corpus and is asked about another: levers for strangers of a third are chosen on these.
TRANSFER = "transfer"
TRANSFERS = tuple(permutations((*CORPORA, STRANGER), 2))
WITH_STRANGER = f"luna_jimenez_{STRANGER}"
NOBODY = SpeakerLists(train=(), valid=(), test=())  # the protocol `speakers` is no cell


@dataclass(frozen=True)
class Cell:
    """One split of the clips of `corpora`.

    `fold` counts for the protocols that have folds, `tested_voice` for `tess_swap`, `left_out` for `cross_corpus` and,
    of two corpora, for `transfer`.
    """

    protocol: str
    fold: int = 1
    tested_voice: str = VOICES[0]
    left_out: str = ""
    corpora: tuple[str, ...] = CORPORA

    def split(self, labels: pd.DataFrame) -> pd.DataFrame:
        """Return `clip`, `corpus`, `speaker`, `emotion`, `part` of the clips of `labels` that the cell uses.

        Raises:
            PipelineError: `labels` lack what the protocol names, or the split leaks.
        """
        labels = labels[labels["corpus"].isin(self.corpora)]
        if self.protocol == DEVELOPMENT:
            return development_split(labels, self.fold)
        if self.protocol == TRANSFER:
            return transfer_split(labels, self.left_out)
        if self.left_out:
            split = cross_corpus_split(labels, self.left_out)
        else:
            protocol = self.protocol.removesuffix(f"_{STRANGER}")
            split = split_clips(labels, SplitSettings(protocol, self.fold, self.tested_voice, RANDOM_SEED, NOBODY))
        refuse_leaks(labels, split, by_speaker=self.protocol != RANDOM)
        return split


def cross_corpus_split(labels: pd.DataFrame, left_out: str) -> pd.DataFrame:
    """Return all clips: those of the corpus `left_out` are tested, one of the others is the part `valid`.

    Raises:
        PipelineError: a corpus has no clips.
    """
    parts = {left_out: "test", VALIDATING[left_out]: "valid"}
    there = set(labels["corpus"])
    if missing := sorted({*CORPORA, STRANGER} - there):
        raise PipelineError(f"{CROSS_CORPUS}: no clip is of {', '.join(missing)}; give their labels and spectrograms")
    clips = labels.sort_values(["corpus", "clip"], ignore_index=True)[["clip", "corpus", "speaker", "emotion"]]
    return clips.assign(part=[parts.get(corpus, "train") for corpus in clips["corpus"]])


def transfer_split(labels: pd.DataFrame, asked: str) -> pd.DataFrame:
    """Return all clips: those of the corpus `asked` are tested, the others trained on."""
    clips = labels.sort_values(["corpus", "clip"], ignore_index=True)[["clip", "corpus", "speaker", "emotion"]]
    return clips.assign(part=(clips["corpus"] == asked).map({True: "test", False: "train"}))


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
    **{
        f"{WITH_STRANGER}_{fold}": Cell(WITH_STRANGER, fold, corpora=(*CORPORA, STRANGER))
        for fold in range(1, len(FOLDS["luna_jimenez"]) + 1)
    },
    **{
        f"{CROSS_CORPUS}_{corpus}": Cell(f"{CROSS_CORPUS}_{corpus}", left_out=corpus, corpora=(*CORPORA, STRANGER))
        for corpus in (STRANGER, *CORPORA)
    },
}
STRANGERS = tuple(cell.protocol for cell in CELLS.values() if cell.left_out)  # protocols
PROTOCOLS: Mapping[str, tuple[str, ...]] = {
    protocol: tuple(name for name, cell in CELLS.items() if cell.protocol == protocol)
    for protocol in dict.fromkeys(cell.protocol for cell in CELLS.values())
}
DEVELOPMENT_CELLS = {f"{DEVELOPMENT}_{fold}": Cell(DEVELOPMENT, fold) for fold in range(DEVELOPMENT_FOLDS)}
TRANSFER_CELLS = {
    f"{TRANSFER}_{taught}_{asked}": Cell(TRANSFER, left_out=asked, corpora=(taught, asked))
    for taught, asked in TRANSFERS
}
