"""What can be set about training."""

from collections.abc import Mapping
from dataclasses import dataclass
from math import inf

from speech_emotion.augment import AugmentSettings

RANGES = {
    "image_size": (1, inf),
    "window_s": (0.01, inf),
    "deviation": (0.001, inf),
    "batch_size": (2, inf),  # one clip has no deviation for batch norm to divide by
    "frozen_epochs": (0, inf),
    "epochs": (1, inf),
    "learning_rate": (0, inf),
    "dropout": (0, 1),
    "label_smoothing": (0, 1),
    "mixup": (0, inf),
    "average": (0, 1),
    "threads": (1, inf),
}


@dataclass(frozen=True)
class TrainSettings:
    """Sections `finetune_low` and `finetune_high` of params.yaml."""

    image_size: int  # pixels
    window_s: float
    mean: float  # of levels in [0, 1], taken off before the network
    deviation: float
    batch_size: int
    frozen_epochs: int
    epochs: int
    learning_rate: float  # of the head, at the top of the cycle
    body_rate: float  # the body's learning rate as a share of the head's
    weight_decay: float
    dropout: float
    label_smoothing: float
    mixup: float  # alpha of the Beta distribution; 0: none
    average: float  # decay of the moving average of the weights; 0: none
    shares: Mapping[str, float]  # corpus -> share of its clips in an epoch; 1 if unnamed
    augment: AugmentSettings
    seed: int
    threads: int  # of the CPU; another number gives other weights

    def __post_init__(self) -> None:
        """Refuse, with a ValueError, what would end in the middle of training, or train nothing."""
        for name, (lowest, below) in RANGES.items():
            if not lowest <= getattr(self, name) < below:
                raise ValueError(f"{name} is {getattr(self, name)}; it must be at least {lowest} and below {below}")
