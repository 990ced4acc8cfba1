"""The cache as pictures, a folder an emotion: for people to look at, and for tools that want image folders."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import matplotlib
import numpy as np
import pandas as pd
from joblib import Parallel, delayed
from PIL import Image

from speech_emotion.emotions import EMOTIONS
from speech_emotion.errors import PipelineError
from speech_emotion.files import replacing
from speech_emotion.mel_settings import LEVELS, Mel, MelSettings
from speech_emotion.progress import progress
from speech_emotion.store import require_mels

WIDTH_PX, HEIGHT_PX = 432, 288
PX_PER_S = 100
WINDOW_S = WIDTH_PX / PX_PER_S
PALETTE = matplotlib.colormaps["magma"](np.arange(LEVELS + 1), bytes=True)[:, :3].tobytes()  # perceptually uniform
README = "README.txt"
TITLE = "Log-mel spectrograms as pictures, written by `speech-emotion export-images`, which replaces this folder."
LICENCES = {
    "ravdess": "RAVDESS: CC BY-NC-SA 4.0, Livingstone & Russo 2018, doi:10.1371/journal.pone.0196391",
    "tess": "TESS: CC BY-NC-ND 4.0, doi:10.5683/SP2/E8H2MF; do not share its pictures, they are derived from it",
}


def export_images(target: Path, labels: pd.DataFrame, mels: Mapping[str, Mel], settings: MelSettings) -> int:
    """Write `<emotion>/<corpus>_<clip>.png` for every clip to the folder `target`, which is replaced as a whole.

    Args:
        target: a new or empty folder, or one that this function wrote.
        labels: columns `clip`, `corpus`, `emotion`.
        mels: spectrogram of each clip, uint8 `[n_mels, frames]`.
        settings: of the spectrograms.

    Returns:
        How many clips are longer than a picture's 4.32 s: of those the end is cut off.

    Raises:
        PipelineError: `target` holds something else or cannot be written, or a clip has no spectrogram.
    """
    _refuse_foreign(target)
    require_mels(labels["clip"], mels)
    try:
        with replacing(target.resolve()) as folder:
            _write(folder, labels, mels, settings)
    except OSError as error:
        raise PipelineError(f"{target}: cannot be written ({error.strerror}); name another folder") from error
    longest = WINDOW_S * settings.frames_per_s
    return sum(mels[clip].shape[1] > longest for clip in labels["clip"])


def of_corpora(labels: pd.DataFrame, corpora: Sequence[str] | None) -> pd.DataFrame:
    """Return the rows of `corpora`, all rows without any.

    Raises:
        PipelineError: a corpus has no clips.
    """
    known = sorted(labels["corpus"].unique())
    for corpus in corpora or ():
        if corpus not in known:
            raise PipelineError(f"corpus '{corpus}': has no clips in the labels; name one of {', '.join(known)}")
    return labels[labels["corpus"].isin(corpora or known)]


def licences(labels: pd.DataFrame) -> list[str]:
    """Return what to know before passing on the pictures of these clips."""
    return [LICENCES.get(corpus, f"{corpus}: see its own licence") for corpus in sorted(labels["corpus"].unique())]


def draw(mel: Mel, settings: MelSettings) -> Image.Image:
    """Return `mel` as a picture with low frequencies at the bottom and 100 pixels a second.

    A shorter clip is followed by silence (the floor's black), a longer one cut off: time is never stretched.
    """
    width = max(1, round(mel.shape[1] / settings.frames_per_s * PX_PER_S))
    scaled = Image.fromarray(np.flipud(mel)).resize((width, HEIGHT_PX), Image.Resampling.BILINEAR)
    picture = Image.new("L", (WIDTH_PX, HEIGHT_PX))
    picture.paste(scaled)
    picture.putpalette(PALETTE)
    return picture


def _refuse_foreign(target: Path) -> None:
    if target.exists() and not target.is_dir():
        raise PipelineError(f"{target}: is a file; name a folder")
    readme = target / README
    ours = readme.is_file() and readme.read_text(encoding="utf-8", errors="replace").startswith(TITLE)
    if target.is_dir() and any(target.iterdir()) and not ours:
        raise PipelineError(f"{target}: holds other files, which would be lost; name a new or empty folder")


def _write(folder: Path, labels: pd.DataFrame, mels: Mapping[str, Mel], settings: MelSettings) -> None:
    for emotion in EMOTIONS:
        (folder / emotion).mkdir(parents=True)
    (folder / README).write_text(_readme(labels, settings), encoding="utf-8", newline="\n")
    # Threads: Pillow works without the interpreter's lock, and nothing has to be sent to another process.
    work = (
        delayed(_save)(folder / emotion / f"{clip.replace('/', '_')}.png", mels[clip], settings)
        for clip, emotion in zip(labels["clip"], labels["emotion"], strict=True)
    )
    with progress("export-images", len(labels), "pictures") as advance:
        for _ in Parallel(n_jobs=-1, prefer="threads", return_as="generator")(work):
            advance(1)


def _readme(labels: pd.DataFrame, settings: MelSettings) -> str:
    axes = (
        f"{PX_PER_S} pixels a second, {WINDOW_S} s a picture (silence behind shorter clips, longer ones cut off); "
        f"{settings.n_mels} mel bins from {settings.fmin_hz:g} Hz (bottom) to {settings.fmax_hz:g} Hz; "
        f"{settings.floor_db:g} dB (black) to {settings.ceiling_db:g} dB (light)."
    )
    return "\n".join([TITLE, axes, *licences(labels), ""])


def _save(path: Path, mel: Mel, settings: MelSettings) -> None:
    draw(mel, settings).save(path, compress_level=1)  # more takes longer and saves nothing
