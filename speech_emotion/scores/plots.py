"""Pictures of scores: the confusion matrix and the reliability diagram. They show no clip, so Git may hold them."""

from functools import partial
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
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
    axes = figure.add_subplot()
    clips = matrix.sum(axis=1)
    # A row without clips stays white: dividing by 1 leaves its zeros.
    percent = 100 * matrix / np.maximum(clips, 1)[:, None]
    image = axes.imshow(percent, cmap=SHADES, vmin=0, vmax=100)
    for row, column in np.argwhere(matrix > 0):
        text = f"{percent[row, column]:.0f}%\n{matrix[row, column]:.0f}"
        color = "white" if percent[row, column] > 55 else "black"
        axes.text(column, row, text, ha="center", va="center", color=color, fontsize=9)
    axes.set_xticks(range(len(EMOTIONS)), EMOTIONS, rotation=30, ha="right", rotation_mode="anchor")
    axes.set_yticks(range(len(EMOTIONS)), [f"{name}  (n = {n:.0f})" for name, n in zip(EMOTIONS, clips, strict=True)])
    axes.set(xlabel="predicted", ylabel="actual", title=_confusion_title(matrix))
    axes.set_xticks(np.arange(-0.5, len(EMOTIONS)), minor=True)
    axes.set_yticks(np.arange(-0.5, len(EMOTIONS)), minor=True)
    axes.grid(which="minor", color="0.85", linewidth=0.8)
    axes.tick_params(which="minor", length=0)
    figure.colorbar(image, ax=axes, label="% of the actual emotion's clips", shrink=0.8)


def _confusion_title(matrix: confusion.Counts) -> str:
    accuracy, uar = (100 * float(score(matrix)) for score in (confusion.accuracy, confusion.uar))
    return f"{matrix.sum():.0f} test clips: accuracy {accuracy:.1f} %, unweighted average recall {uar:.1f} %"


def draw_reliability(figure: Figure, panels: dict[str, Reliability]) -> None:
    """Draw a column for each of `panels`: accuracy against confidence, and below how many clips have it."""
    axes = figure.subplots(2, len(panels), sharex=True, sharey="row", height_ratios=(3, 1))
    for column, (title, bins) in enumerate(panels.items()):
        _draw_bins(axes[0, column], bins)
        axes[0, column].set_title(f"{title}: expected calibration error {100 * bins.ece:.1f} %")
        axes[1, column].bar(
            bins.edges[:-1], bins.clips, width=np.diff(bins.edges), align="edge", color="0.6", ec="white"
        )
        axes[1, column].set_xlabel("confidence")
    axes[0, 0].set_ylabel("part of clips")
    axes[1, 0].set_ylabel("clips")
    axes[0, 0].legend(loc="upper left", frameon=False)


def _draw_bins(axes: Axes, bins: Reliability) -> None:
    left, right = bins.edges[:-1], bins.edges[1:]
    axes.bar(left, bins.accuracy, width=right - left, align="edge", color=BAR, ec="white", label="accuracy")
    axes.hlines(bins.confidence, left, right, color=MEAN_CONFIDENCE, linewidth=3, label="mean confidence")
    axes.plot([0, 1], [0, 1], color="0.3", linestyle="--", linewidth=1, label="as it should be")
    axes.set(xlim=(0, 1), ylim=(0, 1.02))
