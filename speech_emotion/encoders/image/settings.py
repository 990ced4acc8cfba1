"""What can be set about log-mels as pictures, and about training on them."""

from dataclasses import dataclass
from typing import Annotated, ClassVar

from speech_emotion.core.params import Checked, Range


@dataclass(frozen=True)
class FrontendSettings:
    """Section `image.spectrograms` of params.yaml; 0 dB is a power of 1.0 in one mel bin."""

    LEVELS: ClassVar[int] = 255  # above the floor, in a uint8

    sample_rate_hz: int
    trim_db: float
    n_fft: int
    hop_samples: int
    n_mels: int
    fmin_hz: float
    fmax_hz: float
    floor_db: float
    ceiling_db: float

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
