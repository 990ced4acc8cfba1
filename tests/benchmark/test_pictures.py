"""Pictures of the benchmark."""

from collections.abc import Callable
from pathlib import Path

import pytest
from matplotlib.colors import to_hex
from matplotlib.figure import Figure

from benchmark import pictures


def test_a_system_has_one_colour_also_where_it_is_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    curve = {count: {"accuracy": 0.5, "accuracy_ci": {"low": 0.4, "high": 0.6}} for count in ("0", "all")}
    enrolment = {"random": {"image": curve, "speech": curve}, "luna_jimenez_nemo": {"speech": curve}}
    figure = Figure(layout="constrained")

    def draw_here(path: Path, draw: Callable[[Figure], None], **size: float) -> None:
        draw(figure)

    monkeypatch.setattr(pictures, "save", draw_here)
    pictures.save_enrolment(Path("curves.png"), {"enrolment": enrolment})
    both, alone = ([to_hex(line.get_color()) for line in axes.lines] for axes in figure.axes)
    assert alone == [both[1]] != [both[0]]
    named = {line.get_label(): to_hex(line.get_color()) for line in figure.legends[0].get_lines()}
    assert named == dict(zip(("image", "speech"), both, strict=True))
