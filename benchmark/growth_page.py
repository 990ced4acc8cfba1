"""Figures of growth to a page and a picture: exponents, and a million clips on paper."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray
from scipy.optimize import curve_fit

from speech_emotion.core.files import write_text
from speech_emotion.scores.figures import save
from tools.report.pages import render

PAGE = Path(__file__).with_name("growth.md.j2")
ON_PAPER = 1_000_000  # clips
LAPTOP_MB = 16_000
MOST_EXPONENT = 1.05
CLEAR_S = 0.3  # beyond the start, less is noise: it is not fitted, and not drawn on a scale of logarithms
NOISE = 0.05  # of each time, as a share of it: an assumption
MOST_ERROR = 0.15  # of an exponent that says something


class Exponent(NamedTuple):
    """p of `start + factor * clips ** p`, and its standard error if each time has an error of `NOISE`."""

    p: float
    error: float

    @property
    def surely(self) -> float:
        """What the exponent is at least, with a certainty of 97.5 %."""
        return self.p - 2 * self.error

    def __str__(self) -> str:
        return f"{self.p:.2f} ± {self.error:.2f}"


@dataclass(frozen=True)
class Step:
    """A step's cost at each size: `clips`, the smallest first, whose time is the start's."""

    name: str
    clips: Sequence[int]
    wall_s: Sequence[float]
    cpu_s: Sequence[float]
    memory_mb: Sequence[float]

    def exponent(self, times_s: Sequence[float]) -> Exponent | None:
        """Return p of `start + factor * clips ** p` by least squares of relative errors; None where times do not tell.

        That is where its error would be more than `MOST_ERROR`: time has to rise at more than the last size.
        """
        clips, times = np.array(self.clips, float), np.array(times_s)
        if len(clips) < 3 or np.ptp(times) < CLEAR_S:
            return None

        def model(clips: NDArray[np.float64], start_s: float, last_s: float, p: float) -> NDArray[np.float64]:
            return np.asarray(start_s + last_s * (clips / clips[-1]) ** p)

        first, last = max(times[0], CLEAR_S), max(times[-1] - times[0], CLEAR_S)
        bounds = ([0, 0, 0], [np.inf, np.inf, 4])
        found, covariance = curve_fit(
            model, clips, times, (first, last, 1.0), sigma=NOISE * times, absolute_sigma=True, bounds=bounds
        )
        error = float(np.sqrt(covariance[2, 2]))
        return Exponent(float(found[2]), error) if error <= MOST_ERROR else None

    def wall_on_paper_s(self, clips: int) -> float:
        """Return the time at `clips`: from the largest size on in proportion, or by an exponent that is clearly more.

        What is measured where cores are shared can fall with the clips; nothing falls on the way to a million.
        """
        found = self.exponent(self.cpu_s)
        steeper = found.p if found and found.surely > 1 else 1.0
        growth = (clips / self.clips[-1]) ** steeper
        return float(self.wall_s[0] + max(0.0, self.wall_s[-1] - self.wall_s[0]) * growth)

    def memory_on_paper_mb(self, clips: int) -> float:
        """Return the memory at `clips`, on the line through the last two sizes."""
        return float(self.memory_mb[-1] + self._slope() * (clips - self.clips[-1]))

    def clips_in(self, memory_mb: float) -> float:
        """Return how many clips need `memory_mb`, on the same line; infinity where it does not rise."""
        slope = self._slope()
        return self.clips[-1] + (memory_mb - self.memory_mb[-1]) / slope if slope > 0 else np.inf

    def _slope(self) -> float:
        rise = (self.memory_mb[-1] - self.memory_mb[-2]) / (self.clips[-1] - self.clips[-2])
        return max(0.0, rise)


def read_steps(results: Mapping[str, Any]) -> list[Step]:
    """Return the steps of what `benchmark.growth` wrote."""
    sizes = results["sizes"]
    clips = [size["clips"] for size in sizes]
    return [
        Step(name, clips, *([size["costs"][name][kind] for size in sizes] for kind in ("wall_s", "cpu_s", "memory_mb")))
        for name in sizes[0]["costs"]
        if not name.startswith("pretrained")  # no clip comes near it
    ]


def write_page(results: Mapping[str, Any], page: Path, picture: Path) -> None:
    """Write the page and the picture."""
    steps = read_steps(results)
    exponents = {step.name: step.exponent(step.cpu_s) for step in steps}
    values = {
        "steps": steps,
        "sizes": results["sizes"],
        "cores": results["cores"],
        "picture": picture.name,
        "million": ON_PAPER,
        "laptop_mb": LAPTOP_MB,
        "most_exponent": MOST_EXPONENT,
        "noise": NOISE,
        "most_error": MOST_ERROR,
        "beyond": [name for name, found in exponents.items() if found and found.surely > MOST_EXPONENT],
        "not_told": [name for name, found in exponents.items() if not found],
        "first": min(steps, key=lambda step: step.clips_in(LAPTOP_MB)),
        "slowest": max(steps, key=lambda step: step.wall_on_paper_s(ON_PAPER)),
        "spectrograms_mb": max(max(step.memory_mb) for step in steps if step.name.startswith("spectrograms")),
        "training_mb": max(max(step.memory_mb) for step in steps if step.name.startswith("one epoch")),
    }
    write_text(page, render(PAGE, values))
    save(picture, lambda figure: draw(figure, steps), width_in=11, height_in=4.6)


def draw(figure: Figure, steps: Sequence[Step]) -> None:
    """Draw time beyond the start, and memory, by clips, a line a step."""
    time, memory = figure.subplots(1, 2)
    for number, step in enumerate(steps):
        style = {"color": f"C{number % 10}", "marker": "o" if number < 10 else "s", "label": step.name}
        beyond = [took_s - step.wall_s[0] for took_s in step.wall_s]
        # What is less than the noise of the start would only be noise on a scale of logarithms.
        shown = [place for place in range(1, len(beyond)) if beyond[place] > CLEAR_S]
        time.plot([step.clips[place] for place in shown], [beyond[place] for place in shown], **style)
        memory.plot(step.clips, step.memory_mb, **style)
    _label(time, "seconds beyond the start")
    time.set_yscale("log")
    _label(memory, "MB at most")
    memory.set_ylim(bottom=0)
    memory.legend(loc="center left", bbox_to_anchor=(1.02, 0.5), frameon=False, fontsize=8)


def _label(axes: Axes, what: str) -> None:
    axes.set(xlabel="clips", ylabel=what, xscale="log")
    axes.grid(alpha=0.3)
