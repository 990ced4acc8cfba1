"""What the cache costs beside the tutorial's pictures: `SPEECH_CORPORA=... python -m benchmark.preprocessing`.

One run measures both, so that the ratios mean something where the seconds depend on the machine. Busy neighbours
lengthen the time of what uses all cores most.
"""

import argparse
import os
import subprocess
import sys
import tempfile
import time
import warnings
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import soundfile
from threadpoolctl import threadpool_limits

from speech_emotion.cache.spectrograms import AUDIO_SUFFIXES, cache_spectrograms, clip_mel
from speech_emotion.core.command import run
from speech_emotion.core.errors import PipelineError
from speech_emotion.core.params import read_settings
from speech_emotion.encoders.image.frontend import MelSettings
from speech_emotion.fetching.mirror import VARIABLE

if TYPE_CHECKING:  # worker processes import this module, too
    from rich.table import Table

ROOT = Path(__file__).resolve().parents[1]
CORPORA = ("ravdess", "tess")
PICTURE_IN, PICTURE_DPI = (6, 4), 72  # 432 x 288
FMAX_HZ = 8000


def seconds(work: Callable[[], object]) -> float:
    """Return what `work` takes by the clock."""
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def seconds_a_clip(work: Callable[[Path], object], clips: Sequence[Path]) -> float:
    """Return the mean time of `work`, after one clip that pays for imports and caches."""
    work(clips[0])
    return seconds(lambda: [work(clip) for clip in clips]) / len(clips)


def tutorial_picture(clip: Path, picture: Path) -> None:
    """Load `clip` and save a JPEG of its mel spectrogram, with axes and colour bar as in librosa's documentation."""
    import librosa.display
    import matplotlib.pyplot as plt

    waveform, sample_rate = librosa.load(clip)
    mel = librosa.feature.melspectrogram(y=waveform, sr=sample_rate, fmax=FMAX_HZ)
    mel_db = librosa.power_to_db(mel, ref=np.max)
    figure, axes = plt.subplots(figsize=PICTURE_IN, dpi=PICTURE_DPI)
    image = librosa.display.specshow(mel_db, x_axis="time", y_axis="mel", sr=sample_rate, fmax=FMAX_HZ, ax=axes)
    figure.colorbar(image, ax=axes, format="%+2.0f dB")
    axes.set_title(clip.stem)
    figure.tight_layout()
    figure.savefig(picture)
    plt.close(figure)


def seconds_of_shards(corpora: Path, target: Path, settings: MelSettings) -> float:
    """Return the time of all corpora with a worker a core, after one corpus that pays for the start of the workers."""

    def cache(*names: str) -> None:
        for name in names:
            cache_spectrograms(name, corpora / name, target / name, settings, committed=[])

    cache(CORPORA[0])
    return seconds(lambda: cache(*CORPORA))


def clips_of(corpus: Path) -> list[Path]:
    """Return the recordings below `corpus`, sorted."""
    return sorted(path for path in corpus.rglob("*") if path.suffix.lower() in AUDIO_SUFFIXES)


class Workspace:
    """A repository of Git and DVC of its own, in which the stage runs as `dvc repro` would start it."""

    def __init__(self, folder: Path, corpora: Path) -> None:
        self.folder = folder
        for corpus in CORPORA:
            for clip in clips_of(corpora / corpus):
                link = folder / "raw" / clip.relative_to(corpora)
                link.parent.mkdir(parents=True, exist_ok=True)
                link.symlink_to(clip.resolve())
        self._run("git", "init", "-q")
        self._run(sys.executable, "-m", "dvc", "init", "-q")

    def stage(self, corpus: str) -> None:
        """Run the stage for one corpus, which says what it did."""
        arguments = (corpus, f"raw/{corpus}", f"mels/{corpus}", "--params", str(ROOT / "params.yaml"))
        self._run(sys.executable, "-m", "stages.spectrograms", *arguments)

    def commit(self) -> None:
        """Give the shards to DVC and to Git, where the stage looks for what it can reuse."""
        self._run(sys.executable, "-m", "dvc", "add", "-q", *(f"mels/{corpus}" for corpus in CORPORA))
        self._run("git", "add", "mels")
        self._run("git", "-c", "user.name=benchmark", "-c", "user.email=benchmark@localhost", "commit", "-qm", "Cache")

    def change_a_clip(self, corpus: str) -> None:
        """Replace one clip by half of itself."""
        clip = clips_of(self.folder / "raw" / corpus)[0]
        samples, sample_rate = soundfile.read(clip, dtype="int16")
        clip.unlink()
        soundfile.write(clip, samples[: len(samples) // 2], sample_rate)

    def _run(self, *command: str) -> None:
        environment = os.environ | {"PYTHONPATH": str(ROOT)}
        ended = subprocess.run(command, cwd=self.folder, env=environment)
        if ended.returncode:
            raise PipelineError(f"{' '.join(command)}: ended with {ended.returncode}; its own message is above")


def measure(corpora: Path, sample: int) -> None:
    """Print what each way costs, and how many times the tutorial's cost that is."""
    clips = [clip for corpus in CORPORA for clip in clips_of(corpora / corpus)]
    if len(clips) < sample:
        raise PipelineError(f"{corpora}: holds {len(clips)} clips as files; name a folder with {' and '.join(CORPORA)}")
    sampled = clips[:: len(clips) // sample][:sample]
    settings = read_settings(ROOT / "params.yaml", "spectrograms", MelSettings)
    ways: dict[str, float] = {}
    with tempfile.TemporaryDirectory() as temporary:
        picture, workspace = Path(temporary) / "picture.jpg", Workspace(Path(temporary) / "workspace", corpora)
        with threadpool_limits(1):
            ways["tutorial's picture, one process"] = seconds_a_clip(
                lambda clip: tutorial_picture(clip, picture), sampled
            )
        ways["log-mel, one process"] = seconds_a_clip(lambda clip: clip_mel(clip, settings), sampled)
        shards = seconds_of_shards(corpora, Path(temporary), settings)
        ways[f"log-mels in shards, {os.cpu_count()} cores"] = shards / len(clips)
        stages = {corpus: seconds(partial(workspace.stage, corpus)) for corpus in CORPORA}
        ways[f"both stages, {os.cpu_count()} cores"] = sum(stages.values()) / len(clips)
        workspace.commit()
        workspace.change_a_clip("tess")
        stages["tess again, after one changed clip"] = seconds(partial(workspace.stage, "tess"))
    from rich.console import Console

    console = Console()
    console.print(_table(ways, len(clips)))
    console.print(
        f"One process: mean of {len(sampled)} clips. The stages run from start to end, all else after a start."
    )
    for stage, took in stages.items():
        console.print(f"stage {stage}: {took:.1f} s")


def _table(ways: Mapping[str, float], clips: int) -> "Table":
    from rich.table import Table

    table = Table("", "ms a clip", f"s, {clips} clips", "times faster")
    tutorial, *_ = ways.values()
    for way, took in ways.items():
        table.add_row(way, *(f"{figure:.1f}" for figure in (1e3 * took, clips * took, tutorial / took)))
    return table


def main() -> None:
    """Measure on the corpora that SPEECH_CORPORA names."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sample", type=int, default=100, help="clips for the figures of one process")
    args = parser.parse_args()
    named = os.environ.get(VARIABLE)
    if not named:
        raise PipelineError(f"{VARIABLE} is not set; name a folder with {' and '.join(CORPORA)}")
    os.environ["MPLBACKEND"] = "Agg"
    warnings.filterwarnings("ignore", category=FutureWarning, module="librosa")
    measure(ROOT / named, args.sample)


if __name__ == "__main__":
    run(main)
