"""What can be set about a training, whatever the encoder."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Annotated, Any

from speech_emotion.core.params import Checked, OneOf, Range, read_merged, to_settings
from speech_emotion.encoders import protocol

ALL, CORPUS = "all", "corpus"  # which emotions a loss is over


@dataclass(frozen=True)
class TrainSettings(Checked):
    """Sections `<encoder>.training`, which both trainings share, and `<encoder>.<training>` of params.yaml."""

    batch_size: Annotated[int, Range(2, 4096)]  # one clip has no deviation for batch norm to divide by
    frozen_epochs: Annotated[int, Range(0, 10_000)]
    epochs: Annotated[int, Range(0, 10_000)]
    learning_rate: Annotated[float, Range(1e-9, 1000)]  # of the head, at the top of the cycle
    weight_decay: Annotated[float, Range(0, 10)]
    label_smoothing: Annotated[float, Range(0, below=1)]
    mixup: Annotated[float, Range(0, 100)]  # alpha of the Beta distribution; 0: none
    average: Annotated[float, Range(0, below=1)]  # decay of the moving average of the weights; 0: none
    shares: Mapping[str, float]  # corpus -> share of its clips in an epoch; 1 if unnamed
    seed: Annotated[int, Range(0, below=2**32)]
    threads: Annotated[int, Range(1, 1024)]  # of the CPU; another number gives other weights
    encoder: Any  # the encoder's own `EncoderSettings`
    # Of all eight emotions, or of those that the clip's corpus has in training. Models from before do not name it.
    loss_over: Annotated[str, OneOf(ALL, CORPUS)] = ALL
    # From one start with other seeds; their weights are averaged, which batch norm below the head would not bear.
    runs: Annotated[int, Range(1, 100)] = 1

    def __post_init__(self) -> None:
        """Refuse, with a ValueError, what would end in the middle of training, or train nothing."""
        super().__post_init__()
        if not self.frozen_epochs + self.epochs:
            raise ValueError("frozen_epochs and epochs are 0; train for one at least")
        for corpus, share in self.shares.items():
            if not 0 <= share <= 1:
                raise ValueError(f"shares: {corpus} is {share}; it must be from 0 to 1")


def read_train_settings(params: Path, encoder: str, training: str) -> TrainSettings:
    """Return the settings of one training, such as `low` of the encoder `image`.

    Raises:
        PipelineError: a section is missing, or a key is unknown, missing, in both, or out of its range.
    """
    sections = (f"{encoder}.training", f"{encoder}.{training}")
    return train_settings(read_merged(params, *sections), encoder, f"{params}: sections {' and '.join(sections)}")


def train_settings(values: Mapping[str, Any], encoder: str, where: str) -> TrainSettings:
    """Return flat `values`, as params.yaml has them, as settings; `where` begins the text of an error.

    Raises:
        PipelineError: as `core.params.to_settings`.
    """
    kind = protocol.settings(encoder).EncoderSettings
    names = {one.name for one in fields(kind)}
    own = to_settings({name: value for name, value in values.items() if name in names}, kind, where)
    shared = {name: value for name, value in values.items() if name not in names}
    return to_settings(shared | {"encoder": own}, TrainSettings, where)


def flat(settings: TrainSettings) -> dict[str, Any]:
    """Return what `train_settings` takes."""
    shared = asdict(settings)
    own: dict[str, Any] = shared.pop("encoder")
    return {**shared, **own}
