"""Cost of the cache beside the tutorial's pictures: `SPEECH_CORPORA=... python -m benchmark.preprocessing`.

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
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

import numpy as np
from threadpoolctl import threadpool_limits

from speech_emotion.cache.spectrograms import clip_mel
from speech_emotion.core.command import run
from speech_emotion.core.errors import PipelineError
from speech_emotion.core.params import read_settings
from speech_emotion.corpora.clip_files import corpus_files
from speech_emotion.encoders.image.settings import FrontendSettings
from speech_emotion.fetching.mirror import VARIABLE

ROOT = Path(__file__).resolve().parents[1]
PARAMS = ROOT / "params.yaml"
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
    with threadpool_limits(1):
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


def run_stage(corpora: Path, corpus: str, folder: Path) -> None:
    """Run the stage for one corpus from start to end, in a process of its own, with nothing to reuse.

    Raises:
        PipelineError: it failed.
    """
    arguments = ("image", corpus, str(corpora / corpus), str(folder / corpus), "--params", str(PARAMS))
    command = (sys.executable, "-m", "stages.spectrograms", *arguments)
    ended = subprocess.run(command, cwd=folder, env=os.environ | {"PYTHONPATH": str(ROOT)})
    if ended.returncode:
        raise PipelineError(f"{' '.join(command)}: ended with {ended.returncode}; its own message is above")


def measure(corpora: Path, sample: int) -> dict[str, float]:
    """Return the seconds that a clip takes, by way."""
    clips = [clip for corpus in CORPORA for clip in corpus_files(corpora / corpus)]
    if len(clips) < sample:
        raise PipelineError(f"{corpora}: holds {len(clips)} clips as files; name a folder with {' and '.join(CORPORA)}")
    sampled = clips[:: len(clips) // sample][:sample]
    settings = read_settings(PARAMS, "image.spectrograms", FrontendSettings)
    with tempfile.TemporaryDirectory() as folder:
        picture = Path(folder) / "picture.jpg"
        stages = [seconds(partial(run_stage, corpora, corpus, Path(folder))) for corpus in CORPORA]
        return {
            "tutorial's picture, one process": seconds_a_clip(lambda clip: tutorial_picture(clip, picture), sampled),
            "log-mel, one process": seconds_a_clip(lambda clip: clip_mel(clip, "image", settings), sampled),
            f"both stages from start to end, {os.cpu_count()} cores": sum(stages) / len(clips),
        }


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
    ways = measure(ROOT / named, args.sample)
    tutorial, *_ = ways.values()
    for way, took in ways.items():
        print(f"{way}: {1e3 * took:.1f} ms a clip, {tutorial / took:.1f} times as fast as the first")


if __name__ == "__main__":
    run(main)
