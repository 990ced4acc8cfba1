"""The picture of speaker adaptation: scores against the number of other clips of the voice."""

from collections.abc import Mapping
from typing import Any

from matplotlib.figure import Figure

COLOURS = ("#4477aa", "#ee7733")


def draw_enrolment(figure: Figure, figures: Mapping[str, Any]) -> None:
    """Draw accuracy by number of clips, a panel a protocol, a line a system, with 95 % intervals."""
    grid = figure.subplots(1, len(figures["enrolment"]), squeeze=False)
    for axes, (protocol, systems) in zip(grid[0], figures["enrolment"].items(), strict=True):
        for colour, (name, curve) in zip(COLOURS, systems.items(), strict=False):
            rates = [100 * rate["accuracy"] for rate in curve.values()]
            low, high = ([100 * rate["accuracy_ci"][end] for rate in curve.values()] for end in ("low", "high"))
            axes.plot(list(curve), rates, marker="o", color=colour, label=name)
            axes.fill_between(list(curve), low, high, color=colour, alpha=0.15, linewidth=0)
        axes.set(title=protocol, xlabel="other clips of the voice")
    grid[0, 0].set_ylabel("accuracy, %")
    grid[0, 0].legend(loc="lower right", frameon=False)
