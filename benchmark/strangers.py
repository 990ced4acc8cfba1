"""Stage `strangers`: the cells that leave a corpus out to figures of confidence, a page and a picture."""

import argparse
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from benchmark.confidence import LEAST_COVERAGE, SHARES, TARGET, confidence_figures, coverage_curves
from benchmark.pool import FUSION, fused_system, read_systems
from speech_emotion.core.command import run
from speech_emotion.core.files import write_text
from speech_emotion.scores.figures import save
from speech_emotion.scores.metrics import rounded, to_json
from tools.report.pages import render

PAGE = Path(__file__).with_name("strangers.md.j2")
ALL = "#222222"
COLOURS = ("#4477aa", "#ee7733", "#228833", "#aa3377", "#66ccee")

Curves = Mapping[str, Sequence[NDArray[np.float64]]]  # coverage and accuracy by corpus


def page(systems: Mapping[str, Any]) -> str:
    """Return `metrics/strangers.md`."""
    values = {"target": TARGET, "least": LEAST_COVERAGE, "shares": [f"{share:.0%}" for share in SHARES]}
    return render(PAGE, {"systems": systems, **values})


def draw_coverage(figure: Figure, systems: Mapping[str, Curves], thresholds: Mapping[str, Any]) -> None:
    """Draw accuracy against coverage, a panel a system, a line a corpus; a dot is where the threshold lies."""
    grid = figure.subplots(1, len(systems), sharey=True, squeeze=False)
    for axes, (name, curves) in zip(grid[0], systems.items(), strict=True):
        colours = dict(zip([corpus for corpus in curves if corpus != "all"], COLOURS, strict=False))
        for corpus, (coverage, accuracy) in curves.items():
            shown = coverage >= LEAST_COVERAGE
            axes.plot(100 * coverage[shown], 100 * accuracy[shown], color=colours.get(corpus, ALL), label=corpus)
        axes.axhline(100 * TARGET, color="0.6", linestyle="--", linewidth=1)
        if threshold := thresholds[name]:
            axes.plot(100 * threshold["coverage"], 100 * threshold["accuracy"], "o", color=ALL)
        axes.set(title=name, xlabel="clips with an answer, %", xlim=(0, 100), ylim=(0, 100))
    grid[0, 0].set_ylabel("right, % of the answers")
    grid[0, 0].legend(loc="lower left", frameon=False)


def main(argv: Sequence[str] | None = None) -> None:
    """Read argv and cells, write figures, page and picture."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("metrics", type=Path, help="folder to write to")
    parser.add_argument("systems", type=Path, nargs="+", help="folders of cells, each named after its encoder")
    args = parser.parse_args(argv)
    systems = read_systems(args.systems)
    if len(systems) == 2:
        systems[FUSION] = fused_system(*systems.values())
    figures = {name: rounded(confidence_figures(system)) for name, system in systems.items()}
    curves = {name: coverage_curves(system) for name, system in systems.items()}
    thresholds = {name: of["threshold"] for name, of in figures.items()}
    draw = partial(draw_coverage, systems=curves, thresholds=thresholds)
    save(args.metrics / "strangers.png", draw, width_in=4.8 * len(systems), height_in=4)
    write_text(args.metrics / "strangers.md", page(figures))
    write_text(args.metrics / "strangers.json", to_json(figures))
    print(f"strangers: {', '.join(f'{name} from {of}' for name, of in _said(thresholds).items())}")


def _said(thresholds: Mapping[str, Any]) -> dict[str, str]:
    return {name: f"{of['confidence']:.1%}" if of else "no confidence" for name, of in thresholds.items()}


if __name__ == "__main__":
    run(main)
