"""The picture of speaker adaptation: scores against the number of other clips of the voice."""

from collections.abc import Mapping
from math import ceil
from pathlib import Path
from typing import Any

from matplotlib.figure import Figure

from speech_emotion.scores.figures import save

COLOURS = ("#4477aa", "#ee7733")
COLUMNS, PANEL_IN = 4, (3.0, 3.2)


def save_enrolment(path: Path, figures: Mapping[str, Any]) -> None:
    """Draw accuracy by number of clips, a panel a protocol, a line a system, with 95 % intervals."""
    panels = figures["enrolment"]
    columns = min(COLUMNS, len(panels))
    rows = ceil(len(panels) / columns)

    def draw(figure: Figure) -> None:
        grid = figure.subplots(rows, columns, squeeze=False)
        for axes, (protocol, systems) in zip(grid.flat, panels.items(), strict=False):
            for colour, (name, curve) in zip(COLOURS, systems.items(), strict=False):
                rates = [100 * rate["accuracy"] for rate in curve.values()]
                low, high = ([100 * rate["accuracy_ci"][end] for rate in curve.values()] for end in ("low", "high"))
                axes.plot(list(curve), rates, marker="o", color=colour, label=name)
                axes.fill_between(list(curve), low, high, color=colour, alpha=0.15, linewidth=0)
            axes.set_title(protocol, fontsize=10)
            axes.set_xlabel("other clips of the voice")
        for axes in list(grid.flat)[len(panels) :]:
            axes.set_visible(False)
        for axes in grid[:, 0]:
            axes.set_ylabel("accuracy, %")
        grid[0, 0].legend(loc="upper right", frameon=False)

    save(path, draw, width_in=PANEL_IN[0] * columns, height_in=PANEL_IN[1] * rows)
