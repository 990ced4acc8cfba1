"""Figures whose bytes do not depend on the day, the display or the reader's matplotlib settings."""

from collections.abc import Callable
from pathlib import Path

import matplotlib.style
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from speech_emotion.core.files import replacing

DPI = 120


def save(target: Path, draw: Callable[[Figure], None], *, width_in: float, height_in: float) -> None:
    """Write what `draw` draws as a PNG of `width_in` by `height_in` inches."""
    with matplotlib.style.context(["default", {"font.size": 10, "axes.titlesize": 11}]):
        figure = Figure(figsize=(width_in, height_in), dpi=DPI, layout="constrained")
        FigureCanvasAgg(figure)
        draw(figure)
        with replacing(target) as temporary:
            # The only metadata that matplotlib adds by itself is its own version.
            figure.savefig(temporary, format="png", metadata={"Software": None})
