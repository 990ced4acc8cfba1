"""Pictures of the benchmark: how far a confidence can be believed, and what other clips of the voice give."""

from collections.abc import Mapping
from math import ceil
from pathlib import Path
from typing import Any

import pandas as pd
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from benchmark.scoring import bins
from speech_emotion.scores.figures import save
from speech_emotion.scores.plots import draw_reliability

COLOURS = ("#4477aa", "#ee7733")
COLUMNS, PANEL_IN = 4, (3.0, 3.2)
RELIABILITY_IN = (9.6, 4.2)  # of one system


def save_reliability(path: Path, answers: Mapping[str, pd.DataFrame]) -> None:
    """Draw accuracy against confidence, a row a system, before and after its temperature."""

    def draw(figure: Figure) -> None:
        rows = figure.subfigures(len(answers), squeeze=False)[:, 0]
        for row, (name, table) in zip(rows, answers.items(), strict=True):
            columns = (("before", "raw_confidence"), ("after", "confidence"))
            draw_reliability(row, {f"{name}, {when}": bins(table, column) for when, column in columns})

    save(path, draw, width_in=RELIABILITY_IN[0], height_in=RELIABILITY_IN[1] * len(answers))


def save_enrolment(path: Path, figures: Mapping[str, Any]) -> None:
    """Draw accuracy by number of clips, a panel a protocol, a line a system, with 95 % intervals."""
    panels = figures["enrolment"]
    columns = min(COLUMNS, len(panels))
    rows = ceil(len(panels) / columns)
    names = dict.fromkeys(name for systems in panels.values() for name in systems)
    colours = dict(zip(names, COLOURS, strict=False))

    def draw(figure: Figure) -> None:
        grid = figure.subplots(rows, columns, squeeze=False)
        for axes, (protocol, systems) in zip(grid.flat, panels.items(), strict=False):
            for name, curve in systems.items():
                rates = [100 * rate["accuracy"] for rate in curve.values()]
                low, high = ([100 * rate["accuracy_ci"][end] for rate in curve.values()] for end in ("low", "high"))
                axes.plot(list(curve), rates, marker="o", color=colours[name])
                axes.fill_between(list(curve), low, high, color=colours[name], alpha=0.15, linewidth=0)
            axes.set_title(protocol, fontsize=10)
            axes.set_xlabel("other clips of the voice")
        for axes in list(grid.flat)[len(panels) :]:
            axes.set_visible(False)
        for axes in grid[:, 0]:
            axes.set_ylabel("accuracy, %")
        lines = [Line2D([], [], marker="o", color=colour, label=name) for name, colour in colours.items()]
        figure.legend(handles=lines, loc="outside upper left", ncols=len(lines), frameon=False)

    save(path, draw, width_in=PANEL_IN[0] * columns, height_in=PANEL_IN[1] * rows)
