"""Pictures that show spectrograms. They hold corpus data: DVC keeps them, Git does not.

TESS's licence forbids passing on what is derived from it, so RAVDESS clips are drawn wherever there are any.
"""

from functools import partial
from pathlib import Path

import librosa
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.image import AxesImage
from numpy.typing import NDArray

from speech_emotion.emotions import EMOTIONS
from speech_emotion.figures import save
from speech_emotion.mel_settings import LEVELS, Mel, MelSettings

MISTAKES = 12
SHAREABLE = "ravdess/"
COLOURS = "magma"
TICKS_HZ = (250, 500, 1000, 2000, 4000, 8000)


def plot_mistakes(target: Path, predictions: pd.DataFrame, mels: dict[str, Mel], settings: MelSettings) -> None:
    """Draw the wrong answers that the model was surest of, at most 12.

    Args:
        target: the PNG.
        predictions: columns `clip`, `actual`, `predicted`, `confidence`.
        mels: spectrogram of each clip, uint8 `[n_mels, frames]`.
        settings: of the spectrograms.
    """
    clips, note = _shareable(predictions)
    mistakes = clips[clips["actual"] != clips["predicted"]]
    surest = mistakes.sort_values(["confidence", "clip"], ascending=[False, True]).head(MISTAKES)
    title = f"The {len(surest)} most confident of {len(mistakes)} mistakes in {len(clips)} test clips ({note})"
    draw = partial(_draw_mistakes, mistakes=surest, mels=mels, settings=settings, title=title)
    save(target, draw, width_in=12, height_in=8.6)


def plot_means(target: Path, clips: pd.DataFrame, mels: dict[str, Mel], settings: MelSettings) -> None:
    """Draw the mean spectrogram of each emotion: clips start together, and those that ended count as silence.

    Args:
        target: the PNG.
        clips: columns `clip`, `emotion`.
        mels: spectrogram of each clip, uint8 `[n_mels, frames]`.
        settings: of the spectrograms.
    """
    drawn, note = _shareable(clips)
    # Nearly all clips have ended by then; the last few would leave half of every picture dark.
    frames = int(np.percentile([mels[clip].shape[1] for clip in drawn["clip"]], 95))
    means = {emotion: _mean(mels, drawn.loc[drawn["emotion"] == emotion, "clip"], frames) for emotion in EMOTIONS}
    counts = drawn["emotion"].value_counts()
    title = f"Mean spectrogram of each emotion: {len(drawn)} clips that start together ({note})"
    panels = {f"{name} (n = {counts[name]})": mean for name, mean in means.items() if mean is not None}
    save(target, partial(_draw_means, panels=panels, settings=settings, title=title), width_in=12, height_in=5.8)


def _shareable(clips: pd.DataFrame) -> tuple[pd.DataFrame, str]:
    shareable = clips[clips["clip"].str.startswith(SHAREABLE)]
    if len(shareable):
        return shareable, "RAVDESS only"
    return clips, "TESS: its licence forbids sharing this picture"


def _mean(mels: dict[str, Mel], clips: pd.Series, frames: int) -> NDArray[np.float64] | None:
    if clips.empty:
        return None
    first = [mels[clip][:, :frames] for clip in clips]
    return np.asarray(np.mean([np.pad(mel, ((0, 0), (0, frames - mel.shape[1]))) for mel in first], axis=0))


def _draw_mistakes(
    figure: Figure, mistakes: pd.DataFrame, mels: dict[str, Mel], settings: MelSettings, title: str
) -> None:
    figure.suptitle(title)
    if mistakes.empty:
        return
    grid = figure.subplots(3, 4, sharex=True, sharey=True)
    longest = max(mels[clip].shape[1] for clip in mistakes["clip"])
    for axes, mistake in zip(grid.flat, mistakes.itertuples(), strict=False):
        image = _draw_mel(axes, mels[mistake.clip], settings)
        axes.set_xlim(0, longest / settings.frames_per_s)
        axes.set_facecolor("0.9")
        axes.set_title(
            f"{mistake.actual}, taken for {mistake.predicted} ({100 * mistake.confidence:.0f} %)\n{mistake.clip}",
            fontsize=9,
        )
    for axes in grid.flat[len(mistakes) :]:
        axes.set_axis_off()
    _label(figure, grid, image)


def _draw_means(figure: Figure, panels: dict[str, NDArray[np.float64]], settings: MelSettings, title: str) -> None:
    figure.suptitle(title)
    grid = figure.subplots(2, 4, sharex=True, sharey=True)
    loudest = max(mean.max() for mean in panels.values())
    for axes, (name, mean) in zip(grid.flat, panels.items(), strict=False):
        image = _draw_mel(axes, mean, settings, loudest)
        axes.set_title(name)
    for axes in grid.flat[len(panels) :]:
        axes.set_axis_off()
    _label(figure, grid, image)


def _draw_mel(
    axes: Axes, levels: Mel | NDArray[np.float64], settings: MelSettings, loudest: float = LEVELS
) -> AxesImage:
    mel = settings.floor_db + levels * settings.step_db
    _mark_frequencies(axes, settings)
    return axes.imshow(
        mel, vmin=settings.floor_db, vmax=settings.floor_db + loudest * settings.step_db,
        origin="lower", aspect="auto", cmap=COLOURS, interpolation="nearest",
        extent=(0, mel.shape[1] / settings.frames_per_s, -0.5, settings.n_mels - 0.5),
    )  # fmt: skip


def _mark_frequencies(axes: Axes, settings: MelSettings) -> None:
    centres_hz = librosa.mel_frequencies(settings.n_mels + 2, fmin=settings.fmin_hz, fmax=settings.fmax_hz)[1:-1]
    ticks_hz = [hz for hz in TICKS_HZ if centres_hz[0] <= hz <= centres_hz[-1]]
    axes.set_yticks(np.interp(ticks_hz, centres_hz, np.arange(settings.n_mels)), [f"{hz:,}" for hz in ticks_hz])


def _label(figure: Figure, grid: NDArray[np.object_], image: AxesImage) -> None:
    for axes in grid[:, 0]:
        axes.set_ylabel("Hz")
    for axes in grid[-1]:
        axes.set_xlabel("s")
    figure.colorbar(image, ax=grid, label="dB", shrink=0.6)
