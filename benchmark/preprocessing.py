"""Cost of the cache beside the tutorial's pictures: `SPEECH_CORPORA=... python -m benchmark.preprocessing`.

One run measures both, so that the ratios mean something where the seconds depend on the machine.
"""

import argparse
import os
import subprocess
import sys
import tempfile
import time
import warnings
from collections.abc import Callable
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

CORPORA = ("ravdess", "tess")


def tutorial_picture(clip: Path, picture: Path) -> None:
    """Load `clip` and save a JPEG of its mel spectrogram, with axes and colour bar as in librosa's documentation."""
    import librosa.display
    import matplotlib.pyplot as plt

    waveform, sample_rate = librosa.load(clip)
    mel = librosa.feature.melspectrogram(y=waveform, sr=sample_rate, fmax=8000)
    mel_db = librosa.power_to_db(mel, ref=np.max)
    figure, axes = plt.subplots(figsize=(6, 4), dpi=72)  # 432 x 288
    image = librosa.display.specshow(mel_db, x_axis="time", y_axis="mel", sr=sample_rate, fmax=8000, ax=axes)
    figure.colorbar(image, ax=axes, format="%+2.0f dB")
    axes.set_title(clip.stem)
    figure.tight_layout()
    figure.savefig(picture)
    plt.close(figure)


def seconds_a_clip(work: Callable[[Path], object], clips: list[Path]) -> float:
    """Return the mean time of `work` in one thread, after one clip that pays for imports and caches."""
    work(clips[0])
    began = time.perf_counter()
    with threadpool_limits(1):
        for clip in clips:
            work(clip)
    return (time.perf_counter() - began) / len(clips)


def stages_seconds(corpora: Path, folder: Path) -> float:
    """Return the time of the stage for both corpora, from start to end, with nothing to reuse.

    Raises:
        PipelineError: it failed.
    """
    began = time.perf_counter()
    for corpus in CORPORA:
        arguments = ("image", corpus, str(corpora / corpus), str(folder / corpus))
        if subprocess.run((sys.executable, "-m", "stages.spectrograms", *arguments)).returncode:
            raise PipelineError(f"spectrograms of {corpus}: failed; the stage's own message is above")
    return time.perf_counter() - began


def main() -> None:
    """Measure on the corpora that SPEECH_CORPORA names."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sample", type=int, default=100, help="clips for the figures of one process")
    count: int = parser.parse_args().sample
    corpora = Path(os.environ.get(VARIABLE, ""))
    clips = [clip for corpus in CORPORA if (corpora / corpus).is_dir() for clip in corpus_files(corpora / corpus)]
    if len(clips) < count:
        raise PipelineError(f"{VARIABLE}: {len(clips)} clips as files; name a folder with {' and '.join(CORPORA)}")
    os.environ["MPLBACKEND"] = "Agg"
    warnings.filterwarnings("ignore", category=FutureWarning, module="librosa")
    sample = clips[:: len(clips) // count][:count]
    settings = read_settings(Path("params.yaml"), "image.spectrograms", FrontendSettings)
    with tempfile.TemporaryDirectory() as folder:
        ways = {
            "tutorial's picture, one process": seconds_a_clip(
                lambda clip: tutorial_picture(clip, Path(folder, "picture.jpg")), sample
            ),
            "log-mel, one process": seconds_a_clip(lambda clip: clip_mel(clip, "image", settings), sample),
            f"both stages, {os.cpu_count()} cores": stages_seconds(corpora, Path(folder)) / len(clips),
        }
    tutorial, *_ = ways.values()
    for way, took in ways.items():
        print(f"{way}: {1e3 * took:.1f} ms a clip, {tutorial / took:.1f} times as fast as the first")


if __name__ == "__main__":
    run(main)
