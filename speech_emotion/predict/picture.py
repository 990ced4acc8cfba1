"""A picture of a recording: waveform, spectrogram, and its emotions over time as coloured bands."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Patch
from matplotlib.ticker import FuncFormatter

from speech_emotion.core.errors import PipelineError
from speech_emotion.core.files import scratch
from speech_emotion.predict.sketch import Sketch
from speech_emotion.predict.timeline import Segment

SUFFIXES = (".png", ".svg", ".pdf")
# After Paul Tol's bright scheme: told apart with every kind of colour vision. White is for no answer.
COLOURS = {
    "neutral": "#bbbbbb", "calm": "#66ccee", "happy": "#ccbb44", "sad": "#4477aa", "angry": "#ee6677",
    "fearful": "#aa3377", "disgust": "#228833", "surprised": "#ee8833", "uncertain": "#e8e8e8",
}  # fmt: skip
NO_COLOUR = "#ffffff"
DARK = ("sad", "fearful", "disgust")
LETTER_SHARE = 0.009  # of the picture's width


def require_writable(path: Path) -> None:
    """Refuse a picture that could not be written, before the work.

    Raises:
        PipelineError: the format is unknown, or there is no such folder.
    """
    if path.suffix.lower() not in SUFFIXES:
        raise PipelineError(f"{path}: a picture is {', '.join(SUFFIXES)}; end its name so")
    if not path.absolute().parent.is_dir():
        raise PipelineError(f"{path}: there is no folder {path.absolute().parent}; make it")


def draw(path: Path, title: str, sketch: Sketch, segments: Sequence[Segment]) -> None:
    """Draw waveform, spectrogram and bands to `path`, whole or not at all.

    Raises:
        PipelineError: it cannot be written.
    """
    figure = Figure(figsize=(12, 5.5), layout="constrained")
    upper, middle, lower = figure.subplots(3, sharex=True, height_ratios=[2, 3, 1])
    length_s = max(segments[-1].end_s, len(sketch.extents()[0]) * sketch.stretch_s) if segments else 1.0
    upper.set_title(title, loc="left", parse_math=False)
    _draw_waveform(upper, sketch)
    _draw_spectrogram(middle, sketch)
    _colour(upper, segments, opacity=0.3)
    _draw_bands(lower, segments, length_s)
    lower.set_xlim(0, length_s)
    lower.xaxis.set_major_formatter(FuncFormatter(_clock))
    labels = [label for label in COLOURS if any(one.label == label for one in segments)]
    figure.legend(
        handles=[Patch(facecolor=COLOURS[label], label=label) for label in labels],
        loc="outside lower center", ncols=len(COLOURS), frameon=False,
    )  # fmt: skip
    _save(figure, path)


def _draw_waveform(axes: Axes, sketch: Sketch) -> None:
    low, high = sketch.extents()
    axes.fill_between((np.arange(len(low)) + 0.5) * sketch.stretch_s, low, high, color="0.25", linewidth=0.4)
    axes.set_ylabel("waveform")
    axes.set_yticks([])


def _draw_spectrogram(axes: Axes, sketch: Sketch) -> None:
    decibels = sketch.decibels()
    extent = (0, decibels.shape[1] * sketch.stretch_s, 0, sketch.highest_hz / 1000)
    axes.imshow(decibels, origin="lower", aspect="auto", extent=extent, cmap="magma", interpolation="nearest")
    axes.set_ylabel("kHz")


def _draw_bands(axes: Axes, segments: Sequence[Segment], length_s: float) -> None:
    _colour(axes, segments, opacity=1)
    for one in segments:
        if one.end_s - one.start_s > LETTER_SHARE * length_s * len(one.label):
            ink = "white" if one.label in DARK else "black"
            axes.text((one.start_s + one.end_s) / 2, 0.5, one.label, ha="center", va="center", fontsize=9, color=ink)
    axes.set(ylim=(0, 1), yticks=[], ylabel="emotion", xlabel="time, minutes:seconds")


def _colour(axes: Axes, segments: Sequence[Segment], *, opacity: float) -> None:
    for one in segments:
        colour = COLOURS.get(one.label, NO_COLOUR)
        axes.axvspan(one.start_s, one.end_s, color=colour, alpha=opacity, linewidth=0)


def _clock(seconds: float, _: object) -> str:
    minutes, rest = divmod(round(seconds, 1), 60)
    return f"{minutes:.0f}:{rest:04.1f}" if rest % 1 else f"{minutes:.0f}:{rest:02.0f}"


def _save(figure: Figure, path: Path) -> None:
    # `core.files.replacing` needs more than the base; `scratch` takes away what killed runs left, too.
    try:
        with scratch(path.absolute()) as folder:
            temporary = folder / f"picture{path.suffix.lower()}"
            figure.savefig(temporary, dpi=150)
            temporary.replace(path)
    except OSError as error:
        raise PipelineError(
            f"{path}: cannot be written ({error.strerror}); check the path, space and rights"
        ) from error
