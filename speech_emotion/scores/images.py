"""The cache as pictures, a folder an emotion: for people to look at, and for tools that want image folders."""

from collections.abc import Sequence
from pathlib import Path

import matplotlib
import numpy as np
import pandas as pd
from joblib import Parallel, delayed
from PIL import Image

from speech_emotion.clips import EMOTIONS
from speech_emotion.core.errors import PipelineError
from speech_emotion.core.files import replacing, write_text
from speech_emotion.core.progress import progress
from speech_emotion.corpora.catalogue import licence
from speech_emotion.encoders.image.frontend import Mel
from speech_emotion.encoders.image.settings import FrontendSettings
from speech_emotion.shards import Mels

WIDTH_PX, HEIGHT_PX = 432, 288
PX_PER_S = 100
WINDOW_S = WIDTH_PX / PX_PER_S
COLOURS = matplotlib.colormaps["magma"](np.arange(FrontendSettings.LEVELS + 1), bytes=True)  # perceptually uniform
README = "README.txt"
TITLE = "Log-mel spectrograms as pictures, written by `speech-emotion export-images`, which replaces this folder."


def export_images(target: Path, labels: pd.DataFrame, mels: Mels) -> int:
    """Write `<emotion>/<corpus>_<clip>.png` for every clip to the folder `target`, which is replaced as a whole.

    Args:
        target: a new or empty folder, or one that this function wrote.
        labels: columns `clip`, `corpus`, `emotion`.
        mels: of the encoder `image`.

    Returns:
        How many clips are longer than a picture's 4.32 s: of those the end is cut off.

    Raises:
        PipelineError: `target` holds something else or cannot be written, or a clip has no spectrogram.
    """
    _refuse_foreign(target)
    cut = WINDOW_S * mels.settings.frames_per_s
    longer = sum(mel.shape[1] > cut for mel in mels.of(labels["clip"]))
    try:
        with replacing(target.resolve()) as folder:
            _write(folder, labels, mels)
    except OSError as error:
        raise PipelineError(f"{target}: cannot be written ({error.strerror}); name another folder") from error
    return int(longer)


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
    return [licence(corpus).text for corpus in sorted(labels["corpus"].unique())]


def draw(mel: Mel, settings: FrontendSettings) -> Image.Image:
    """Return `mel` as a picture with low frequencies at the bottom and 100 pixels a second.

    A shorter clip is followed by silence (the floor's black), a longer one cut off: time is never stretched.
    """
    width = max(1, round(mel.shape[1] / settings.frames_per_s * PX_PER_S))
    scaled = Image.fromarray(np.flipud(mel)).resize((width, HEIGHT_PX), Image.Resampling.BILINEAR)
    picture = Image.new("L", (WIDTH_PX, HEIGHT_PX))
    picture.paste(scaled)
    picture.putpalette(COLOURS[:, :3].tobytes())
    return picture


def _refuse_foreign(target: Path) -> None:
    if target.exists() and not target.is_dir():
        raise PipelineError(f"{target}: is a file; name a folder")
    readme = target / README
    ours = readme.is_file() and readme.read_text(encoding="utf-8", errors="replace").startswith(TITLE)
    if target.is_dir() and any(target.iterdir()) and not ours:
        raise PipelineError(f"{target}: holds other files, which would be lost; name a new or empty folder")


def _write(folder: Path, labels: pd.DataFrame, mels: Mels) -> None:
    settings = mels.settings
    for emotion in EMOTIONS:
        (folder / emotion).mkdir(parents=True)
    axes = (
        f"{PX_PER_S} pixels a second, {WINDOW_S} s a picture (silence behind shorter clips, longer ones cut off); "
        f"{settings.n_mels} mel bins from {settings.fmin_hz:g} Hz (bottom) to {settings.fmax_hz:g} Hz; "
        f"{settings.floor_db:g} dB (black) to {settings.ceiling_db:g} dB (light)."
    )
    write_text(folder / README, "\n".join([TITLE, axes, *licences(labels), ""]))

    def save(clip: str, emotion: str) -> None:
        picture = draw(mels.clips[clip], settings)
        # More compression takes longer and saves nothing.
        picture.save(folder / emotion / f"{clip.replace('/', '_')}.png", compress_level=1)

    # Threads: Pillow works without the interpreter's lock, and nothing has to be sent to another process.
    work = (delayed(save)(*row) for row in labels[["clip", "emotion"]].itertuples(index=False))
    with progress("export-images", len(labels), "pictures") as advance:
        for _ in Parallel(n_jobs=-1, prefer="threads", return_as="generator")(work):
            advance(1)
