"""Pictures that show spectrograms. They hold corpus data: DVC keeps them, Git does not.

Corpora whose licence forbids passing on what is derived from them are left out wherever there are others.
"""

from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.image import AxesImage
from numpy.typing import NDArray

from speech_emotion.clips import EMOTIONS
from speech_emotion.corpora.catalogue import licence
from speech_emotion.encoders import protocol
from speech_emotion.encoders.protocol import Mel
from speech_emotion.scores.figures import save
from speech_emotion.shards import Mels

MISTAKES = 12
COLOURS = "magma"
TICKS_HZ = (250, 500, 1000, 2000, 4000, 8000)

Decibels = NDArray[np.float64]  # [n_mels, frames]


def plot_mistakes(target: Path, predictions: pd.DataFrame, mels: Mels) -> None:
    """Draw the wrong answers that the model was surest of, at most 12.

    Args:
        target: the PNG.
        predictions: columns `clip`, `corpus`, `actual`, `predicted`, `confidence`.
        mels: of every clip.
    """
    clips, note = _shareable(predictions)
    mistakes = clips[clips["actual"] != clips["predicted"]]
    surest = mistakes.sort_values(["confidence", "clip"], ascending=[False, True]).head(MISTAKES)
    title = f"The {len(surest)} most confident of {len(mistakes)} mistakes in {len(clips)} test clips ({note})"
    save(target, partial(_draw_mistakes, mistakes=surest, mels=mels, title=title), width_in=12, height_in=8.6)


def plot_means(target: Path, clips: pd.DataFrame, mels: Mels) -> None:
    """Draw the mean spectrogram of each emotion: clips start together, and those that ended count as silence.

    Args:
        target: the PNG.
        clips: columns `clip`, `corpus`, `emotion`.
        mels: of every clip.
    """
    drawn, note = _shareable(clips)
    decibels = {clip: _decibels(mel, mels) for clip, mel in zip(drawn["clip"], mels.of(drawn["clip"]), strict=True)}
    silence = min(mel.min() for mel in decibels.values())
    # Nearly all clips have ended by then; the last few would leave half of every picture dark.
    frames = int(np.percentile([mel.shape[1] for mel in decibels.values()], 95))
    panels = {}
    for emotion, clip in drawn.groupby("emotion")["clip"]:
        cut = [decibels[one][:, :frames] for one in clip]
        panels[emotion] = np.mean([_padded(one, frames, silence) for one in cut], axis=0)
    title = f"Mean spectrogram of each emotion: {len(drawn)} clips that start together ({note})"
    counts = drawn["emotion"].value_counts()
    named = {f"{name} (n = {counts[name]})": panels[name] for name in EMOTIONS if name in panels}
    save(target, partial(_draw_means, panels=named, mels=mels, title=title), width_in=12, height_in=5.8)


def _shareable(clips: pd.DataFrame) -> tuple[pd.DataFrame, str]:
    corpora = sorted(set(clips["corpus"]))
    chosen = [corpus for corpus in corpora if licence(corpus).shareable]
    if chosen:
        note = f"{' and '.join(chosen)} only" if len(chosen) < len(corpora) else " and ".join(chosen)
        return clips[clips["corpus"].isin(chosen)], note
    return clips, f"{' and '.join(corpora)}: the licence forbids sharing this picture"


def _decibels(mel: Mel, mels: Mels) -> Decibels:
    return protocol.frontend(mels.encoder).decibels(mel, mels.settings)


def _padded(decibels: Decibels, frames: int, silence: float) -> Decibels:
    return np.pad(decibels, ((0, 0), (0, frames - decibels.shape[1])), constant_values=silence)


def _draw_mistakes(figure: Figure, mistakes: pd.DataFrame, mels: Mels, title: str) -> None:
    figure.suptitle(title)
    if mistakes.empty:
        return
    grid = figure.subplots(3, 4, sharex=True, sharey=True)
    panels = [_decibels(mel, mels) for mel in mels.of(mistakes["clip"])]
    longest, limits = max(mel.shape[1] for mel in panels), _limits(panels)
    for axes, mistake, panel in zip(grid.flat, mistakes.itertuples(), panels, strict=False):
        image = _draw_mel(axes, panel, mels, limits)
        axes.set_xlim(0, longest / mels.settings.frames_per_s)
        axes.set_facecolor("0.9")
        axes.set_title(
            f"{mistake.actual}, taken for {mistake.predicted} ({100 * mistake.confidence:.0f} %)\n{mistake.clip}",
            fontsize=9,
        )
    for axes in grid.flat[len(mistakes) :]:
        axes.set_axis_off()
    _label(figure, grid, image)


def _draw_means(figure: Figure, panels: dict[str, Decibels], mels: Mels, title: str) -> None:
    figure.suptitle(title)
    grid = figure.subplots(2, 4, sharex=True, sharey=True)
    limits = _limits(list(panels.values()))
    for axes, (name, mean) in zip(grid.flat, panels.items(), strict=False):
        image = _draw_mel(axes, mean, mels, limits)
        axes.set_title(name)
    for axes in grid.flat[len(panels) :]:
        axes.set_axis_off()
    _label(figure, grid, image)


def _limits(panels: list[Decibels]) -> tuple[float, float]:
    return min(panel.min() for panel in panels), max(panel.max() for panel in panels)


def _draw_mel(axes: Axes, decibels: Decibels, mels: Mels, limits: tuple[float, float]) -> AxesImage:
    _mark_frequencies(axes, protocol.frontend(mels.encoder).centres_hz(mels.settings))
    return axes.imshow(
        decibels, vmin=limits[0], vmax=limits[1],
        origin="lower", aspect="auto", cmap=COLOURS, interpolation="nearest",
        extent=(0, decibels.shape[1] / mels.settings.frames_per_s, -0.5, len(decibels) - 0.5),
    )  # fmt: skip


def _mark_frequencies(axes: Axes, centres_hz: NDArray[np.float64]) -> None:
    ticks_hz = [hz for hz in TICKS_HZ if centres_hz[0] <= hz <= centres_hz[-1]]
    axes.set_yticks(np.interp(ticks_hz, centres_hz, np.arange(len(centres_hz))), [f"{hz:,}" for hz in ticks_hz])


def _label(figure: Figure, grid: NDArray[np.object_], image: AxesImage) -> None:
    for axes in grid[:, 0]:
        axes.set_ylabel("Hz")
    for axes in grid[-1]:
        axes.set_xlabel("s")
    figure.colorbar(image, ax=grid, label="dB", shrink=0.6)
