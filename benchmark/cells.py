"""The cells of the benchmark: every split of every protocol that has published figures."""

from collections.abc import Mapping
from dataclasses import dataclass

from speech_emotion.splits.protocols import FOLDS, RANDOM, VOICES, SpeakerLists, SplitSettings

# Part of the protocol's definition, as the folds of the others are: `split.seed` in params.yaml may change.
RANDOM_SEED = 42
# The ablation, on which the recipe was chosen, leaves these out: what the protocol `speakers` tests.
UNSEEN = ("ravdess/21", "ravdess/22", "ravdess/23", "ravdess/24")
NEW_VOICES = ("luna_jimenez", "emobox")  # protocols that test them, and the actors that the ablation tested


@dataclass(frozen=True)
class Cell:
    """One split: `fold` counts for the protocols that have folds, `tested_voice` for `tess_swap`."""

    protocol: str
    fold: int = 1
    tested_voice: str = VOICES[0]

    @property
    def split_settings(self) -> SplitSettings:
        """What `splits.split_clips` wants."""
        nobody = SpeakerLists(train=(), valid=(), test=())  # the protocol `speakers` is no cell
        return SplitSettings(self.protocol, self.fold, self.tested_voice, RANDOM_SEED, nobody)


CELLS: Mapping[str, Cell] = {
    RANDOM: Cell(RANDOM),
    **{f"{name}_{fold}": Cell(name, fold) for name, folds in FOLDS.items() for fold in range(1, len(folds) + 1)},
    **{f"tess_swap_{voice}": Cell("tess_swap", tested_voice=voice) for voice in VOICES},
}
PROTOCOLS: Mapping[str, tuple[str, ...]] = {
    protocol: tuple(name for name, cell in CELLS.items() if cell.protocol == protocol)
    for protocol in dict.fromkeys(cell.protocol for cell in CELLS.values())
}
