"""What was trained, validated and tested, in words."""

from collections.abc import Sequence

from speech_emotion.splits.protocols import FOLDS, RANDOM, TESS_SWAP_VALID_ACTORS, SplitSettings

SAME_VOICES = "Every tested voice was in training too, so the figures do not hold for a new voice."
NEW_VOICES = "No tested voice was in training, and no epoch or temperature was chosen by looking at one."


def protocol_in_words(split: SplitSettings) -> str:
    """Return which clips train, which give the temperature, which are tested, and what that means."""
    if split.protocol == RANDOM:
        return (
            f"Protocol `random`: tested on 20 % of RAVDESS's and TESS's clips, drawn with seed {split.seed}; "
            f"temperature from 10 %; trained on all others. {SAME_VOICES}"
        )
    tested, valid = _tested_and_valid(split)
    return f"{_name(split)}: tested on {tested}; temperature from {valid}; trained on all others. {NEW_VOICES}"


def _name(split: SplitSettings) -> str:
    details = {name: f", fold {split.fold} of {len(folds)}" for name, folds in FOLDS.items()}
    return f"Protocol `{split.protocol}`{details.get(split.protocol, '')}"


def _tested_and_valid(split: SplitSettings) -> tuple[str, str]:
    if split.protocol in FOLDS:
        folds = FOLDS[split.protocol]
        return _actors(folds[split.fold - 1]), _actors(folds[split.fold % len(folds)])
    if split.protocol == "tess_swap":
        return f"TESS's voice {split.tested_voice}", _actors(TESS_SWAP_VALID_ACTORS)
    return _speakers(split.speakers.test), _speakers(split.speakers.valid)


def _speakers(names: Sequence[str]) -> str:
    actors = [int(name.partition("/")[2]) for name in names if name.startswith("ravdess/")]
    voices = [name.partition("/")[2] for name in names if name.startswith("tess/")]
    parts = [_actors(actors)] if actors else []
    return " and ".join([*parts, *(f"TESS's voice {voice}" for voice in voices)])


def _actors(numbers: Sequence[int]) -> str:
    return f"RAVDESS's actors {', '.join(str(number) for number in sorted(numbers))}"
