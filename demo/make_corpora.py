"""Speak the demo's corpora again: `python -m demo.make_corpora`. The archives and manifests in Git came from this."""

import io
import zipfile
from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np
import soundfile
import soxr
from numpy.typing import NDArray

from demo.manners import MANNERS, SPEAKERS, deliver
from demo.scripts import TESS_TOP, Recording, ravdess, tess
from demo.voice import Synthesiser
from speech_emotion.core.command import run
from speech_emotion.core.files import replacing
from speech_emotion.fetching.manifest import Published, published, write_manifest

HERE = Path(__file__).parent
# The last bits of a sample cost half of an archive and nobody hears them.
STEP = 2**4


class Studio:
    """Records: texts to 16-bit PCM."""

    def __init__(self) -> None:
        self._synthesiser = Synthesiser()
        self._takes: dict[str, NDArray[np.float32]] = {}

    def record(self, recording: Recording) -> NDArray[np.int16]:
        """Return `recording` as `[samples, channels]`; all channels are equal."""
        if recording.take not in self._takes:
            self._takes[recording.take] = self._speak(recording)
        spoken = soxr.resample(self._takes[recording.take], self._synthesiser.sample_rate, recording.sample_rate)
        padded = np.pad(spoken, round(recording.padding_s * recording.sample_rate))
        pcm = (np.round(padded * 2**15 / STEP) * STEP).clip(-(2**15), 2**15 - STEP).astype(np.int16)
        return np.repeat(pcm[:, None], recording.channels, axis=1)

    def _speak(self, recording: Recording) -> NDArray[np.float32]:
        speaker, manner = SPEAKERS[recording.speaker], MANNERS[recording.emotion]
        delivery, gain_db = deliver(recording.take, speaker, manner, recording.strength)
        waveform = self._synthesiser.say(recording.text + manner.mark, speaker.voice, delivery)
        return (waveform * 10 ** (gain_db / 20)).astype(np.float32)


def manifest_row(recording: Recording, pcm: NDArray[np.int16]) -> Published:
    """Return what a manifest says of `pcm`, `[samples, channels]`."""
    return published(recording.name.removeprefix(f"{TESS_TOP}/"), pcm, recording.sample_rate)


def write_corpus(studio: Studio, recordings: Iterable[Recording], archive: Path, manifest: Path) -> None:
    """Record a corpus into a zip of FLAC files, and describe it."""
    recorded = sorted(
        ((recording, studio.record(recording)) for recording in recordings), key=lambda pair: pair[0].name
    )
    with replacing(archive) as temporary:
        _write_archive(temporary, recorded)
    write_manifest(manifest, [manifest_row(*pair) for pair in recorded])


def _write_archive(path: Path, recorded: Sequence[tuple[Recording, NDArray[np.int16]]]) -> None:
    with zipfile.ZipFile(path, "w") as archive:
        for recording, pcm in recorded:
            # A ZipInfo of its own has a fixed date: the same recordings make the same bytes.
            archive.writestr(zipfile.ZipInfo(f"{recording.name}.flac"), _flac(pcm, recording.sample_rate))


def _flac(pcm: NDArray[np.int16], sample_rate: int) -> bytes:
    flac = io.BytesIO()
    soundfile.write(flac, pcm, sample_rate, format="FLAC", subtype="PCM_16", compression_level=1.0)
    return flac.getvalue()


def main() -> None:
    """Write both archives and both manifests."""
    studio = Studio()
    write_corpus(studio, ravdess(), HERE / "ravdess.zip", HERE / "manifests" / "ravdess.csv")
    write_corpus(studio, tess(), HERE / "tess.zip", HERE / "manifests" / "tess.csv")


if __name__ == "__main__":
    run(main)
