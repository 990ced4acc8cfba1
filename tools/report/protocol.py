"""What was trained, validated and tested, in words."""

from collections.abc import Sequence
from itertools import groupby

from speech_emotion.corpora.ravdess import FOLDS
from speech_emotion.splits.protocols import RANDOM, TESS_SWAP_VALID_ACTORS, SplitSettings

SAME_VOICES = "Every tested voice was in training too, so the figures do not hold for a new voice."
NEW_VOICES = "No tested voice was in training, and no epoch or temperature was chosen by looking at one."


def protocol_in_words(split: SplitSettings) -> str:
    """Return which clips train, which give the temperature, which are tested, and what that means."""
    if split.protocol == RANDOM:
        return (
            f"Protocol `random`: tested on 20 % of all clips, drawn with seed {split.seed}; "
            f"temperature from 10 %; trained on all others. {SAME_VOICES}"
        )
    tested, valid = (_in_words(speakers) for speakers in _tested_and_valid(split))
    fold = f", fold {split.fold} of {len(FOLDS[split.protocol])}" if split.protocol in FOLDS else ""
    return (
        f"Protocol `{split.protocol}`{fold}: tested on {tested}; temperature from {valid}; "
        f"trained on all others. {NEW_VOICES}"
    )


def _tested_and_valid(split: SplitSettings) -> tuple[Sequence[str], Sequence[str]]:
    if split.protocol in FOLDS:
        folds = FOLDS[split.protocol]
        return _actors(folds[split.fold - 1]), _actors(folds[split.fold % len(folds)])
    if split.protocol == "tess_swap":
        return [f"tess/{split.tested_voice}"], _actors(TESS_SWAP_VALID_ACTORS)
    return split.speakers.test, split.speakers.valid


def _actors(numbers: Sequence[int]) -> list[str]:
    return [f"ravdess/{number:02d}" for number in numbers]


def _in_words(speakers: Sequence[str]) -> str:
    named = groupby(sorted(speaker.split("/", 1) for speaker in speakers), key=lambda pair: pair[0])
    return " and ".join(f"{corpus}'s speakers {', '.join(name for _, name in pairs)}" for corpus, pairs in named)
