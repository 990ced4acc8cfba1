"""What can be set about log-mels as pictures, and about training on them."""

from dataclasses import dataclass
from typing import Annotated, ClassVar

from speech_emotion.core.params import Checked, Range


@dataclass(frozen=True)
class FrontendSettings(Checked):
    """Section `image.spectrograms` of params.yaml; 0 dB is a power of 1.0 in one mel bin."""

    LEVELS: ClassVar[int] = 255  # above the floor, in a uint8

    sample_rate_hz: Annotated[int, Range(1000, 384_000)]
    trim_db: Annotated[float, Range(10, 200)]
    n_fft: Annotated[int, Range(16, 2**16)]
    hop_samples: Annotated[int, Range(1, 2**16)]
    n_mels: Annotated[int, Range(1, 512)]
    fmin_hz: Annotated[float, Range(0, 192_000)]
    fmax_hz: Annotated[float, Range(1, 192_000)]
    floor_db: Annotated[float, Range(-200, 200)]
    ceiling_db: Annotated[float, Range(-200, 200)]

    def __post_init__(self) -> None:
        """Refuse, with a ValueError, values that do not go together."""
        super().__post_init__()
        if not self.fmin_hz < self.fmax_hz <= self.sample_rate_hz / 2:
            raise ValueError(
                f"fmin_hz is {self.fmin_hz}, fmax_hz {self.fmax_hz}, sample_rate_hz {self.sample_rate_hz}; "
                "the first must be below the second, and that at most half of the third"
            )
        if self.floor_db >= self.ceiling_db:
            raise ValueError(f"floor_db is {self.floor_db}; it must be below ceiling_db, which is {self.ceiling_db}")
        if self.hop_samples > min(self.n_fft, self.sample_rate_hz / 20):
            raise ValueError(
                f"hop_samples is {self.hop_samples}; it must be at most n_fft, and a 20th of sample_rate_hz"
            )

    @property
    def step_db(self) -> float:
        """Width of one uint8 level; the quantisation error is at most half of it."""
        return (self.ceiling_db - self.floor_db) / self.LEVELS

    @property
    def frames_per_s(self) -> float:
        """Frames in one second of audio."""
        return self.sample_rate_hz / self.hop_samples


@dataclass(frozen=True)
class AugmentSettings(Checked):
    """How far each change of a training clip goes; 0 switches it off."""

    speed: Annotated[float, Range(0, 0.9)]  # rate drawn from [1 - speed, 1 + speed]
    gain_db: Annotated[float, Range(0, 60)]  # level drawn from [-gain_db, gain_db]
    shift_mels: Annotated[int, Range(0, 64)]  # whole mel bins up or down: a higher or a lower voice
    time_masks: Annotated[int, Range(0, 32)]
    time_mask_share: Annotated[float, Range(0, 1)]  # longest time mask, share of the window
    mel_masks: Annotated[int, Range(0, 32)]
    mel_mask_share: Annotated[float, Range(0, 1)]  # widest frequency mask, share of the mel bins


@dataclass(frozen=True)
class EncoderSettings(Checked):
    """Keys of `image.training`, `image.low` and `image.high` that other encoders do not have."""

    image_size: Annotated[int, Range(16, 2048)]  # pixels
    window_s: Annotated[float, Range(0.05, 60)]  # what the network sees of a clip, on a fixed time scale
    mean: Annotated[float, Range(0, 1)]  # of levels in [0, 1], taken off before the network
    deviation: Annotated[float, Range(0.001, 1)]
    dropout: Annotated[float, Range(0, below=1)]
    body_rate: Annotated[float, Range(0, 10)]  # the body's learning rate as a share of the head's
    augment: AugmentSettings
