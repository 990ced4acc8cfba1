"""The tour: it runs in a fresh process, and what Git holds of it is what comes out."""

import io
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import matplotlib.image
import numpy as np
import pytest

from speech_emotion.core.errors import PipelineError
from tools import tour

ROOT = Path(__file__).resolve().parents[1]
PICTURES, MOST_BYTES = 11, 500_000


def text_outputs(notebook: tour.Notebook) -> list[str]:
    """Return what each code cell printed. Pictures are left out: another processor draws other last bits."""
    cells = [cell for cell in notebook["cells"] if cell["cell_type"] == "code"]
    return ["".join(line for one in cell["outputs"] for line in one.get("text", ())) for cell in cells]


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    target = tmp_path_factory.mktemp("tour") / "tour.ipynb"
    command = [sys.executable, "-m", "tools.tour", "--to", str(target)]
    ended = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert (ended.returncode, ended.stderr) == (0, "")
    return target


def test_the_committed_text_is_what_the_cells_print(written: Path) -> None:
    committed, fresh = tour.read(tour.TOUR), tour.read(written)
    assert text_outputs(committed) == text_outputs(fresh), "run `python -m tools.tour`"
    without_outputs = [[{**cell, "outputs": []} for cell in one["cells"]] for one in (committed, fresh)]
    assert without_outputs[0] == without_outputs[1], "run `python -m tools.tour`"


def test_every_picture_is_drawn_and_committed(written: Path) -> None:
    committed, fresh = ([_pixels(png) for png in tour.pictures(tour.read(path))] for path in (tour.TOUR, written))
    assert [one.shape for one in committed] == [one.shape for one in fresh]
    assert len(fresh) == PICTURES
    assert min(float(one.std()) for one in fresh) > 0.05, "a picture is empty"


def test_it_is_small_and_says_nothing_of_where_it_ran(written: Path) -> None:
    assert max(path.stat().st_size for path in (tour.TOUR, written)) < MOST_BYTES
    python = {"display_name": "Python 3", "language": "python", "name": "python3"}
    assert tour.read(tour.TOUR)["metadata"] == {"kernelspec": python, "language_info": {"name": "python"}}
    assert str(ROOT) not in written.read_text(encoding="utf-8")


def test_jupyter_can_read_it() -> None:
    notebook = tour.read(tour.TOUR)
    assert (notebook["nbformat"], notebook["nbformat_minor"]) == (4, 5)
    ids = [cell["id"] for cell in notebook["cells"]]  # what format 4.5 wants of a cell, and wants once
    assert len(set(ids)) == len(ids)
    for cell in notebook["cells"]:
        wanted = {"cell_type", "id", "metadata", "source"}
        assert set(cell) == wanted | ({"execution_count", "outputs"} if cell["cell_type"] == "code" else set())


def test_outputs_are_as_in_jupyter(tmp_path: Path) -> None:
    draw = "import matplotlib.pyplot as plt\nplt.plot([1, 2])\nprint('drawn')\nplt.show()"
    path = _notebook(tmp_path, "here = 'a'\nprint(here)", "", draw)
    notebook = tour.executed(path)
    assert text_outputs(notebook) == ["a\n", "", "drawn\n"]
    assert [len(cell["outputs"]) for cell in notebook["cells"]] == [1, 0, 2]
    assert len(tour.pictures(notebook)) == 1


@pytest.mark.parametrize(
    ("cell", "complaint"),
    [
        ("1 / 0", r"code cell 2 failed \(division by zero\)"),
        ("if", r"code cell 2 failed \(invalid syntax"),
        ("print('a')\nsorted('ba')", r"code cell 2 failed \(it ends in the value of sorted\('ba'\)"),
    ],
)
def test_a_cell_that_fails_is_named_and_nothing_is_written(tmp_path: Path, cell: str, complaint: str) -> None:
    path = _notebook(tmp_path, "print('fine')", cell)
    before = path.read_bytes()
    with pytest.raises(PipelineError, match=complaint):
        tour.main([str(path)])
    assert path.read_bytes() == before


@pytest.mark.parametrize("text", ["no JSON", "[]", "{}"])
def test_what_is_no_notebook_is_refused(tmp_path: Path, text: str) -> None:
    path = tmp_path / "tour.ipynb"
    path.write_text(text)
    with pytest.raises(PipelineError, match=r"tour\.ipynb: is no notebook"):
        tour.main([str(path)])


def _notebook(folder: Path, *sources: str) -> Path:
    cells = [{"cell_type": "code", "source": one.splitlines(keepends=True), "outputs": []} for one in sources]
    path = folder / "small.ipynb"
    path.write_text(json.dumps({"cells": cells}))
    return path


def _pixels(png: bytes) -> np.ndarray[Any, Any]:
    return np.asarray(matplotlib.image.imread(io.BytesIO(png)))
