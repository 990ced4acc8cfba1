"""Pictures of scores: the confusion matrix and the reliability diagram. They show no clip, so Git may hold them."""

from functools import partial
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure

from speech_emotion.clips import EMOTIONS
from speech_emotion.scores import confusion
from speech_emotion.scores.evaluation import Evaluation
from speech_emotion.scores.figures import save
from speech_emotion.scores.reliability import Reliability, reliability

# One hue from light to dark: told apart by everybody, and in print.
SHADES = "Blues"
BAR, MEAN_CONFIDENCE = "#4477aa", "#ee7733"


def plot_confusion(target: Path, evaluation: Evaluation) -> None:
    """Draw the confusion matrix, each row the clips of one actual emotion, as percent of the row and as counts."""
    matrix = confusion.count(evaluation.actual, evaluation.predicted)
    save(target, partial(_draw_confusion, matrix=matrix), width_in=8.2, height_in=6.8)


def plot_reliability(target: Path, evaluation: Evaluation) -> None:
    """Draw accuracy against confidence, before and after temperature scaling."""
    right = evaluation.predicted == evaluation.actual
    panels = {
        "before temperature": reliability(evaluation.confidence(temperature=1.0), right),
        f"after temperature {evaluation.temperature:.2f}": reliability(evaluation.confidence(), right),
    }
    save(target, partial(draw_reliability, panels=panels), width_in=9.6, height_in=5.6)


def _draw_confusion(figure: Figure, matrix: confusion.Counts) -> None:
    axes, clips = figure.add_subplot(), matrix.sum(axis=1)
    accuracy, uar = (100 * float(score(matrix)) for score in (confusion.accuracy, confusion.uar))
    title = f"{matrix.sum():.0f} test clips: accuracy {accuracy:.1f} %, unweighted average recall {uar:.1f} %"
    # A row without clips stays white: dividing by 1 leaves its zeros.
    percent = 100 * matrix / np.maximum(clips, 1)[:, None]
    image = axes.imshow(percent, cmap=SHADES, vmin=0, vmax=100)
    for row, column in np.argwhere(matrix > 0):
        text = f"{percent[row, column]:.0f}%\n{matrix[row, column]:.0f}"
        color = "white" if percent[row, column] > 55 else "black"
        axes.text(column, row, text, ha="center", va="center", color=color, fontsize=9)
    axes.set_xticks(range(len(EMOTIONS)), EMOTIONS, rotation=30, ha="right", rotation_mode="anchor")
    axes.set_yticks(range(len(EMOTIONS)), [f"{name}  (n = {n:.0f})" for name, n in zip(EMOTIONS, clips, strict=True)])
    axes.set(xlabel="predicted", ylabel="actual", title=title)
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_ticks(np.arange(-0.5, len(EMOTIONS)), minor=True)
    axes.grid(which="minor", color="0.85", linewidth=0.8)
    axes.tick_params(which="minor", length=0)
    figure.colorbar(image, ax=axes, label="% of the actual emotion's clips", shrink=0.8)


def draw_reliability(figure: Figure, panels: dict[str, Reliability]) -> None:
    """Draw a column for each of `panels`: accuracy against confidence, and below how many clips have it."""
    grid = figure.subplots(2, len(panels), sharex=True, sharey="row", height_ratios=(3, 1))
    for (upper, lower), (title, bins) in zip(grid.T, panels.items(), strict=True):
        left, width = bins.edges[:-1], np.diff(bins.edges)
        upper.bar(left, bins.accuracy, width=width, align="edge", color=BAR, ec="white", label="accuracy")
        upper.hlines(bins.confidence, left, bins.edges[1:], color=MEAN_CONFIDENCE, linewidth=3, label="mean confidence")
        upper.plot([0, 1], [0, 1], color="0.3", linestyle="--", linewidth=1, label="as it should be")
        upper.set(xlim=(0, 1), ylim=(0, 1.02), title=f"{title}: expected calibration error {100 * bins.ece:.1f} %")
        lower.bar(left, bins.clips, width=width, align="edge", color="0.6", ec="white")
        lower.set_xlabel("confidence")
    grid[0, 0].set_ylabel("part of clips")
    grid[1, 0].set_ylabel("clips")
    grid[0, 0].legend(loc="upper left", frameon=False)
