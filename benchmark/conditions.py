"""What a microphone, a line or a room makes of a clip: known changes of known size, the same on every run.

Waveforms are float64 `[samples]`, 1.0 is full scale; nothing is clipped but by `half_clipped`. A noise's level is that
of a signal-to-noise ratio over the whole clip. Random numbers are drawn from a generator that the clip's name seeds.
"""

import hashlib
import io
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache, partial
from pathlib import Path
from typing import Any

import numpy as np
import soundfile
import soxr
from numpy.typing import NDArray
from scipy.signal import butter, oaconvolve, sosfiltfilt

from speech_emotion.audio import decode, to_mono
from speech_emotion.encoders import protocol
from speech_emotion.encoders.protocol import Mel

Samples = NDArray[np.float64]

AS_RECORDED = "as recorded"
RATE_HZ = 16_000  # of the copy of RAVDESS; both front ends ask for it
VOICES = 6  # in babble
BAND_HZ = (300.0, 3400.0)
LINE_RATE_HZ = 8000
REVERBERATION_S = 0.6  # in which the room's sound falls by 60 dB
DIRECT_DB = 3.0  # the direct sound above the room's
SILENCE_S = 2.0
HISS_DB = -60.0  # of the clip's level: no microphone is silent
MP3_32_KBIT = 0.84  # libsndfile's compression level that takes 32 kbit/s at 16 kHz


@dataclass(frozen=True)
class Source:
    """What a condition may use besides the clip: random numbers, and the clips of other speakers."""

    rng: np.random.Generator
    others: Callable[[], Sequence[Samples]]  # `VOICES` clips of as many other speakers, at the clip's rate


Condition = Callable[[Samples, int, Source], Samples]


def gain(samples: Samples, rate: int, source: Source, *, decibels: float) -> Samples:
    """Return `samples` at another level."""
    return np.asarray(samples * 10 ** (decibels / 20))


def with_noise(samples: Samples, noise: Samples, snr_db: float) -> Samples:
    """Return `samples` and `noise`, of the same length, so that their mean powers are `snr_db` apart."""
    ratio = np.sqrt(np.mean(samples**2) / max(float(np.mean(noise**2)), 1e-30))
    return np.asarray(samples + noise * ratio * 10 ** (-snr_db / 20))


def white(samples: Samples, rate: int, source: Source, *, snr_db: float) -> Samples:
    """Add white Gaussian noise."""
    return with_noise(samples, source.rng.standard_normal(len(samples)), snr_db)


def babble(samples: Samples, rate: int, source: Source, *, snr_db: float) -> Samples:
    """Add other speakers of the corpus, all at once and at one level, each from a random place on, repeated."""
    voices = [np.resize(np.roll(one, source.rng.integers(len(one))), len(samples)) for one in source.others()]
    levels = [max(float(np.sqrt(np.mean(voice**2))), 1e-9) for voice in voices]
    together = np.sum([voice / level for voice, level in zip(voices, levels, strict=True)], axis=0)
    return with_noise(samples, together, snr_db)


def telephone(samples: Samples, rate: int, source: Source) -> Samples:
    """Take the band of a telephone line, at its sample rate."""
    band = butter(4, BAND_HZ, "bandpass", fs=rate, output="sos")
    line = soxr.resample(sosfiltfilt(band, samples), rate, LINE_RATE_HZ)
    return np.asarray(soxr.resample(line, LINE_RATE_HZ, rate), np.float64)


def mp3(samples: Samples, rate: int, source: Source) -> Samples:
    """Encode at 32 kbit/s and decode; what is above full scale would be clipped, so the level is halved meanwhile."""
    return 2 * decoded(encoded(samples / 2, rate))


def encoded(samples: Samples, rate: int) -> bytes:
    """Return an MP3 of 32 kbit/s."""
    file = io.BytesIO()
    how = {"format": "MP3", "subtype": "MPEG_LAYER_III", "bitrate_mode": "CONSTANT"}
    soundfile.write(file, samples, rate, compression_level=MP3_32_KBIT, **how)
    return file.getvalue()


def decoded(content: bytes) -> Samples:
    """Return what an MP3 says."""
    return np.asarray(soundfile.read(io.BytesIO(content))[0], np.float64)


def room(samples: Samples, rate: int, source: Source) -> Samples:
    """Add the sound of a room: noise that dies away exponentially, behind the direct sound.

    Source: Polack 1988, as in Habets 2007, the statistical model of late reverberation.
    """
    times = np.arange(round(REVERBERATION_S * rate)) / rate
    late = source.rng.standard_normal(len(times)) * 10 ** (-3 * times / REVERBERATION_S)
    response = late / np.sqrt(np.sum(late**2)) * 10 ** (-DIRECT_DB / 20)
    response[0] += 1.0
    return np.asarray(oaconvolve(samples, response))


def half_clipped(samples: Samples, rate: int, source: Source) -> Samples:
    """Cut off what is above half of the clip's peak."""
    most = np.abs(samples).max() / 2
    return np.clip(samples, -most, most)


def in_silence(samples: Samples, rate: int, source: Source) -> Samples:
    """Put silence before and behind the clip, with the hiss of a microphone in all of it."""
    around = np.pad(samples, round(SILENCE_S * rate))
    hiss = source.rng.standard_normal(len(around)) * np.sqrt(np.mean(samples**2)) * 10 ** (HISS_DB / 20)
    return np.asarray(around + hiss)


CONDITIONS: Mapping[str, Condition] = {
    AS_RECORDED: partial(gain, decibels=0),
    "6 dB softer": partial(gain, decibels=-6),
    "6 dB louder": partial(gain, decibels=6),
    "20 dB softer": partial(gain, decibels=-20),
    "20 dB louder": partial(gain, decibels=20),
    "white noise, 20 dB": partial(white, snr_db=20),
    "white noise, 10 dB": partial(white, snr_db=10),
    "white noise, 5 dB": partial(white, snr_db=5),
    "babble, 20 dB": partial(babble, snr_db=20),
    "babble, 10 dB": partial(babble, snr_db=10),
    "babble, 5 dB": partial(babble, snr_db=5),
    "telephone": telephone,
    "MP3, 32 kbit/s": mp3,
    "room": room,
    "clipped": half_clipped,
    "silence around": in_silence,
}


def degraded_mels(
    clip: str, raw: Path, paths: Mapping[str, Path], others: Mapping[str, Sequence[str]], settings: Mapping[str, Any]
) -> dict[tuple[str, str], Mel]:
    """Return the log-mels of a clip by encoder and condition.

    Args:
        clip: its id.
        raw: folder of the corpus.
        paths: of every clip, below `raw`.
        others: the clips of every other speaker.
        settings: each encoder's `FrontendSettings`.
    """
    samples, found = _samples(raw / paths[clip]), {}
    for name, condition in CONDITIONS.items():
        rng = np.random.default_rng(int.from_bytes(hashlib.sha256(f"{clip} {name}".encode()).digest()[:8], "little"))
        chosen = [str(rng.choice(others[one])) for one in rng.choice(sorted(others), VOICES, replace=False)]
        source = Source(rng, partial(_every, [raw / paths[one] for one in chosen]))
        changed = condition(samples, RATE_HZ, source).astype(np.float32)[:, None]
        for encoder, values in settings.items():
            found[encoder, name] = protocol.frontend(encoder).log_mel(changed, RATE_HZ, values)
    return found


def _every(paths: Sequence[Path]) -> list[Samples]:
    return [_samples(path) for path in paths]


@lru_cache(maxsize=64)
def _samples(path: Path) -> Samples:
    return to_mono(*decode(path), RATE_HZ).astype(np.float64)
