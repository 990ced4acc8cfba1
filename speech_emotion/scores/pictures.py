"""Pictures that show spectrograms. They hold corpus data: DVC keeps them, Git does not.

Corpora whose licence forbids passing on what is derived from them are left out wherever there are others.
"""

from collections.abc import Sequence
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
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
    panels = [
        (f"{one.actual}, taken for {one.predicted} ({100 * one.confidence:.0f} %)\n{one.clip}", _decibels(mel, mels))
        for one, mel in zip(surest.itertuples(), mels.of(surest["clip"]), strict=True)
    ]
    title = f"The {len(surest)} most confident of {len(mistakes)} mistakes in {len(clips)} test clips ({note})"
    draw = partial(_draw, title=title, panels=panels, mels=mels, rows=3, fontsize=9)
    save(target, draw, width_in=12, height_in=8.6)


def plot_means(target: Path, clips: pd.DataFrame, mels: Mels) -> None:
    """Draw the mean spectrogram of each emotion: clips start together, and those that ended count as silence.

    Args:
        target: the PNG.
        clips: columns `clip`, `corpus`, `emotion`.
        mels: of every clip.
    """
    drawn, note = _shareable(clips)
    chosen = mels.of(drawn["clip"])
    silence = min(float(_decibels(mel, mels).min()) for mel in chosen)
    # Nearly all clips have ended by then; the last few would leave half of every picture dark.
    frames = int(np.percentile(chosen.frames(), 95))
    panels = []
    for emotion in EMOTIONS:
        cut = mels.of(drawn.loc[drawn["emotion"] == emotion, "clip"])
        total = sum((_padded(_decibels(mel, mels), frames, silence) for mel in cut), np.zeros(()))
        panels += [(f"{emotion} (n = {len(cut)})", total / len(cut))] if len(cut) else []
    title = f"Mean spectrogram of each emotion: {len(drawn)} clips that start together ({note})"
    draw = partial(_draw, title=title, panels=panels, mels=mels, rows=2, fontsize=11)
    save(target, draw, width_in=12, height_in=5.8)


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
    cut = decibels[:, :frames]
    return np.pad(cut, ((0, 0), (0, frames - cut.shape[1])), constant_values=silence)


def _draw(
    figure: Figure, title: str, panels: Sequence[tuple[str, Decibels]], mels: Mels, rows: int, fontsize: int
) -> None:
    figure.suptitle(title)
    if not panels:
        return
    grid, decibels = figure.subplots(rows, 4, sharex=True, sharey=True), [panel for _, panel in panels]
    low, high = min(one.min() for one in decibels), max(one.max() for one in decibels)
    a_second = mels.settings.frames_per_s
    for axes, (name, panel) in zip(grid.flat, panels, strict=False):
        _mark_frequencies(axes, protocol.frontend(mels.encoder).centres_hz(mels.settings))
        image = axes.imshow(
            panel, vmin=low, vmax=high, origin="lower", aspect="auto", cmap=COLOURS, interpolation="nearest",
            extent=(0, panel.shape[1] / a_second, -0.5, len(panel) - 0.5),
        )  # fmt: skip
        axes.set_xlim(0, max(one.shape[1] for one in decibels) / a_second)
        axes.set_facecolor("0.9")
        axes.set_title(name, fontsize=fontsize)
    for axes in grid.flat[len(panels) :]:
        axes.set_axis_off()
    for axes in grid[:, 0]:
        axes.set_ylabel("Hz")
    for axes in grid[-1]:
        axes.set_xlabel("s")
    figure.colorbar(image, ax=grid, label="dB", shrink=0.6)


def _mark_frequencies(axes: Axes, centres_hz: NDArray[np.float64]) -> None:
    ticks_hz = [hz for hz in TICKS_HZ if centres_hz[0] <= hz <= centres_hz[-1]]
    axes.set_yticks(np.interp(ticks_hz, centres_hz, np.arange(len(centres_hz))), [f"{hz:,}" for hz in ticks_hz])
