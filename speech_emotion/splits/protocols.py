"""The evaluation protocols: which speakers, or clips, train, validate and test.

`luna_jimenez`: Luna-Jimenez et al. 2021, "Multimodal Emotion Recognition on RAVDESS Dataset Using Transfer Learning",
Sensors 21(22), 7665: 5 folds of unseen actors.
`emobox`: Ma et al. 2024, "EmoBox: Multilingual Multi-corpus Speech Emotion Recognition Toolkit and Benchmark",
Interspeech: 6 folds of unseen actors.
`tess_swap`: one of TESS's two voices is tested, the other trains.
`random`: clips at random, as in tutorials; a speaker is in every part, so that it flatters.
`speakers`: the lists in `params.yaml`.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated

import numpy as np
import pandas as pd

from speech_emotion.clips import PARTS
from speech_emotion.core.errors import PipelineError
from speech_emotion.core.params import Checked, Range
from speech_emotion.corpora.ravdess import ACTORS, FOLDS
from speech_emotion.corpora.tess import VOICES

TEST_SHARE, VALID_SHARE = 0.2, 0.1
TESS_SWAP_VALID_ACTORS = (16, 17, 19, 20)
RANDOM = "random"


@dataclass(frozen=True)
class SpeakerLists:
    """Every speaker in exactly one list."""

    train: tuple[str, ...]
    valid: tuple[str, ...]
    test: tuple[str, ...]


@dataclass(frozen=True)
class SplitSettings(Checked):
    """`params.split`; each protocol reads what concerns it."""

    protocol: str
    fold: Annotated[int, Range(1, 6)]
    tested_voice: str
    seed: Annotated[int, Range(0, below=2**32)]
    speakers: SpeakerLists


def split_clips(labels: pd.DataFrame, settings: SplitSettings) -> pd.DataFrame:
    """Return `clip`, `corpus`, `speaker`, `emotion`, `part` for every row of `labels`, sorted by corpus and clip.

    Raises:
        PipelineError: protocol, fold or voice do not exist; speakers that the protocol names are not in `labels`, or
            the other way round.
    """
    labels = labels.sort_values(["corpus", "clip"], ignore_index=True)
    if settings.protocol == RANDOM:
        part = _random_parts(labels, settings.seed)
    elif settings.protocol in SPEAKER_PROTOCOLS:
        speakers = sorted(set(labels["speaker"]))
        part = labels["speaker"].map(SPEAKER_PROTOCOLS[settings.protocol](settings, speakers))
    else:
        known = ", ".join((*SPEAKER_PROTOCOLS, RANDOM))
        raise PipelineError(f"split.protocol '{settings.protocol}' does not exist; take one of {known}")
    return labels[["clip", "corpus", "speaker", "emotion"]].assign(part=part)


def count_parts(split: pd.DataFrame) -> pd.DataFrame:
    """Return the number of clips `[part, corpus]`, with totals."""
    counts = pd.crosstab(split["part"], split["corpus"]).reindex(list(PARTS), fill_value=0)
    counts["all"] = counts.sum(axis="columns")
    return counts


def _random_parts(labels: pd.DataFrame, seed: int) -> pd.Series:
    order = np.random.default_rng(seed).permutation(len(labels))
    test, valid = round(TEST_SHARE * len(labels)), round(VALID_SHARE * len(labels))
    part = pd.Series("train", index=labels["clip"])
    part.iloc[order[:test]] = "test"
    part.iloc[order[test : test + valid]] = "valid"
    originals = labels["duplicate_of"].where(labels["duplicate_of"] != "", labels["clip"])
    return pd.Series(part.loc[originals].to_numpy(), index=labels.index)


def _listed_parts(settings: SplitSettings, speakers: Sequence[str]) -> dict[str, str]:
    lists = settings.speakers
    pairs = [(speaker, part) for part in PARTS for speaker in getattr(lists, part)]
    named = [speaker for speaker, _ in pairs]
    twice = sorted({speaker for speaker in named if named.count(speaker) > 1})
    if twice:
        raise PipelineError(f"split.speakers: {', '.join(twice)} is listed twice; keep one")
    unlisted = sorted(set(speakers) - set(named))
    if unlisted:
        raise PipelineError(f"split.speakers: {', '.join(unlisted)} is in no list; add it to train, valid or test")
    _require("split.speakers", named, speakers)
    return dict(pairs)


def _fold_parts(settings: SplitSettings, speakers: Sequence[str]) -> dict[str, str]:
    protocol, folds = settings.protocol, FOLDS[settings.protocol]
    if not 1 <= settings.fold <= len(folds):
        raise PipelineError(f"split.fold {settings.fold} does not exist; {protocol} has folds 1 to {len(folds)}")
    _require(protocol, _actors(ACTORS), speakers)
    tested, validating = _actors(folds[settings.fold - 1]), _actors(folds[settings.fold % len(folds)])
    return _parts(speakers, valid=validating, test=tested)


def _swap_parts(settings: SplitSettings, speakers: Sequence[str]) -> dict[str, str]:
    if settings.tested_voice not in VOICES:
        raise PipelineError(f"split.tested_voice '{settings.tested_voice}' does not exist; take {' or '.join(VOICES)}")
    valid = _actors(TESS_SWAP_VALID_ACTORS)
    _require("tess_swap", [*(f"tess/{voice}" for voice in VOICES), *valid], speakers)
    return _parts(speakers, valid=valid, test=[f"tess/{settings.tested_voice}"])


def _parts(speakers: Sequence[str], *, valid: Collection[str], test: Collection[str]) -> dict[str, str]:
    return {speaker: "test" if speaker in test else "valid" if speaker in valid else "train" for speaker in speakers}


def _actors(numbers: Collection[int]) -> list[str]:
    return [f"ravdess/{number:02d}" for number in numbers]


def _require(protocol: str, needed: Collection[str], speakers: Sequence[str]) -> None:
    missing = sorted(set(needed) - set(speakers))
    if missing:
        raise PipelineError(
            f"{protocol} names {', '.join(missing)}, but no clip of the labels is theirs; "
            "fetch the whole corpus, or take another protocol"
        )


SPEAKER_PROTOCOLS: Mapping[str, Callable[[SplitSettings, Sequence[str]], Mapping[str, str]]] = {
    "speakers": _listed_parts,
    "luna_jimenez": _fold_parts,
    "emobox": _fold_parts,
    "tess_swap": _swap_parts,
}
