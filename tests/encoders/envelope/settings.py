"""What can be set about it."""

from dataclasses import dataclass
from typing import Annotated

from speech_emotion.core.params import Checked, Range


@dataclass(frozen=True)
class FrontendSettings(Checked):
    """Section `envelope.spectrograms`."""

    sample_rate_hz: Annotated[int, Range(1000, 48_000)]
    frames_per_s: Annotated[int, Range(1, 1000)]
    n_mels: Annotated[int, Range(1, 1)]


@dataclass(frozen=True)
class EncoderSettings(Checked):
    """Keys of the sections `envelope.training`, `envelope.once` and `envelope.again`."""

    width: Annotated[int, Range(1, 1024)]
    jitter_db: Annotated[float, Range(0, 60)]
