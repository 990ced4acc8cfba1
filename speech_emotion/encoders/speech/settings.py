"""Settings of Whisper's log-mels, and of a training on them."""

from dataclasses import dataclass
from typing import Annotated, ClassVar

from speech_emotion.core.params import Checked, OneOf, Range

Share = Annotated[float, Range(0, 1)]


@dataclass(frozen=True)
class FrontendSettings(Checked):
    """Section `speech.spectrograms` of params.yaml; the encoder's weights were trained with these values."""

    AMIN: ClassVar[float] = 1e-16  # power below which a bin counts as silent
    OFFSET: ClassVar[int] = 4  # a stored value is (log10 of power + OFFSET) / DECADES
    DECADES: ClassVar[int] = 4

    sample_rate_hz: Annotated[int, Range(1000, 384_000)]
    trim_db: Annotated[float, Range(10, 200)]
    n_fft: Annotated[int, Range(16, 2**16)]
    hop_samples: Annotated[int, Range(1, 2**16)]
    n_mels: Annotated[int, Range(1, 512)]
    floor_decades: Annotated[float, Range(1, 16)]  # the floor, below the clip's maximum

    def __post_init__(self) -> None:
        """Refuse, with a ValueError, values that do not go together."""
        super().__post_init__()
        if self.hop_samples > min(self.n_fft, self.sample_rate_hz / 20):
            raise ValueError(
                f"hop_samples is {self.hop_samples}; it must be at most n_fft, and a 20th of sample_rate_hz"
            )

    @property
    def frames_per_s(self) -> float:
        """Frames in one second of audio."""
        return self.sample_rate_hz / self.hop_samples


@dataclass(frozen=True)
class AugmentSettings(Checked):
    """Extent of each change of a training clip; 0 switches it off."""

    speed: Annotated[float, Range(0, 0.9)]  # rate drawn from [1 - speed, 1 + speed]
    gain_db: Annotated[float, Range(0, 60)]  # level drawn from [-gain_db, gain_db]
    shift_mels: Annotated[int, Range(0, 64)]  # whole mel bins up or down: a higher or a lower voice
    room_share: Share  # of the clips, with reverberation
    noise_share: Share  # of the clips, with noise
    noise_snr_db: Annotated[float, Range(-20, 60)]  # the loudest noise; the softest is 30 dB below it
    band_share: Share  # of the clips, without the lowest and highest frequencies, as on a telephone
    # Of the clips, with other voices of the batch in the background. Models from before do not name it.
    babble_share: Share = 0.0


@dataclass(frozen=True)
class MaskSettings(Checked):
    """Stripes that a training clip loses (SpecAugment): good for all of the encoder, bad for the head alone."""

    time_masks: Annotated[int, Range(0, 32)]
    time_mask_s: Annotated[float, Range(0, 60)]  # longest time mask
    mel_masks: Annotated[int, Range(0, 32)]
    mel_mask_bins: Annotated[int, Range(0, 512)]  # widest frequency mask


@dataclass(frozen=True)
class EncoderSettings(Checked):
    """Keys of `speech.training`, `speech.head` and `speech.all` that other encoders do not have."""

    window_s: Annotated[float, Range(0.05, 30)]  # what a training sees of a clip; scores are of whole clips
    level_normalised: bool  # each clip's maximum is brought to one level: no cue, and no matter of the microphone
    normalise_layers: bool  # to mean 0 and deviation 1 before they are summed: the upper ones are 100 times the lower
    pooling: Annotated[str, OneOf("mean", "mean_deviation", "attention")]  # over time
    dropout: Annotated[float, Range(0, below=1)]  # of the pooled embedding
    body_rate: Annotated[float, Range(0, 10)]  # the encoder's last layer's learning rate as a share of the head's
    layer_decay: Annotated[float, Range(0.01, 1)]  # rate of each layer as a share of the one above it
    augment: AugmentSettings
    masks: MaskSettings
    layers: Annotated[int, Range(0, 64)] = 0  # of the encoder, from below; 0: all. Models from before do not name it.
