"""Two corpora of a few tones under real names and folders, and their manifests."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import soundfile
from numpy.typing import NDArray

from speech_emotion.fetching import manifest
from speech_emotion.fetching.manifest import Published

STEREO = "Actor_01/03-01-02-02-01-01-01"
# As published: the folders' spelling, OA for OAF, the clip at 96 kHz.
RATES_HZ = {
    "ravdess": {"Actor_01/03-01-01-01-01-01-01": 48000, "Actor_01/03-01-02-01-01-01-01": 48000, STEREO: 48000},
    "tess": {
        "OAF_Fear/OAF_bite_fear": 24414,
        "OAF_Fear/OAF_food_fear": 96000,
        "OAF_neutral/OAF_food_neutral": 24414,
        "OAF_neutral/OA_bite_neutral": 24414,
        "YAF_fear/YAF_bite_fear": 24414,
        "YAF_fear/YAF_food_fear": 24414,
        "YAF_neutral/YAF_bite_neutral": 24414,
        "YAF_neutral/YAF_food_neutral": 24414,
    },
}


@dataclass(frozen=True)
class Tone:
    """A clip as its corpus would publish it: int16 `samples` `[frames, channels]`."""

    samples: NDArray[np.int16]
    sample_rate: int

    def published(self, clip: str) -> Published:
        return manifest.published(clip, self.samples, self.sample_rate)


def tone(pitch_hz: float, sample_rate: int, *, channels: int = 1, duration_s: float = 0.1) -> Tone:
    times_s = np.arange(round(duration_s * sample_rate)) / sample_rate
    wave = np.round(8000 * np.sin(2 * np.pi * pitch_hz * times_s)).astype("<i2")
    return Tone(np.repeat(wave[:, None], channels, axis=1), sample_rate)


def tones(corpus: str) -> dict[str, Tone]:
    """Return the clips of `corpus` by their published path, each with a pitch of its own."""
    return {
        clip: tone(300 + 20 * place, sample_rate, channels=2 if clip == STEREO else 1)
        for place, (clip, sample_rate) in enumerate(RATES_HZ[corpus].items())
    }


def write_manifest(corpus: str, path: Path) -> None:
    manifest.write_manifest(path, [clip.published(name) for name, clip in tones(corpus).items()])


def write_corpus(corpus: str, folder: Path, suffix: str = ".wav") -> Path:
    for name, clip in tones(corpus).items():
        write_clip(folder / f"{name}{suffix}", clip)
    return folder


def write_clip(path: Path, clip: Tone) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("wb") as file:  # libsndfile takes no name that is no UTF-8
        soundfile.write(file, clip.samples, clip.sample_rate, subtype="PCM_16", format=path.suffix[1:].upper())
    return path


def contents(folder: Path) -> Mapping[str, bytes]:
    """Return every file below `folder` by its relative path."""

    def walk() -> Iterator[tuple[str, bytes]]:
        for path in sorted(folder.rglob("*")):
            if path.is_file():
                yield path.relative_to(folder).as_posix(), path.read_bytes()

    return dict(walk())
