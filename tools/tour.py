"""`python -m tools.tour`: runs `docs/tour.ipynb` in this fresh process and writes what it prints and draws into it.

A notebook is JSON and its cells are Python, so that matplotlib is all that this takes; nbclient with a Jupyter kernel
would be 23 more packages. What a cell leaves here is what it leaves there.
"""

import argparse
import ast
import base64
import io
import json
import warnings
from collections.abc import Sequence
from contextlib import chdir, redirect_stdout
from pathlib import Path
from typing import Any

import matplotlib
from PIL import Image

from speech_emotion.core.command import run
from speech_emotion.core.errors import PipelineError, one_line
from speech_emotion.core.files import write_text

TOUR = Path(__file__).resolve().parents[1] / "docs" / "tour.ipynb"

Notebook = dict[str, Any]  # nbformat 4.5
Output = dict[str, Any]


def read(path: Path) -> Notebook:
    """Return the notebook in `path`.

    Raises:
        PipelineError: there is none.
    """
    try:
        notebook: Notebook = json.loads(path.read_text(encoding="utf-8"))
        notebook["cells"]  # any other JSON has none
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise PipelineError(f"{path}: is no notebook ({one_line(error)}); take that of the last commit") from error
    return notebook


def executed(path: Path) -> Notebook:
    """Return the notebook in `path` with the outputs of its code cells, which ran in order, in its own folder.

    Raises:
        PipelineError: there is none, or a cell fails, or ends in a value, which Jupyter alone would show.
    """
    notebook, names = read(path), {"__name__": "__main__"}
    matplotlib.use("Agg")  # no window opens
    cells = [cell for cell in notebook["cells"] if cell["cell_type"] == "code"]
    with chdir(path.parent):  # a cell may go elsewhere
        for number, cell in enumerate(cells, 1):
            try:
                cell |= {"execution_count": number, "outputs": _outputs("".join(cell["source"]), names)}
            except Exception as error:
                raise PipelineError(f"{path}: code cell {number} failed ({one_line(error)}); mend it") from error
    return notebook


def pictures(notebook: Notebook) -> list[bytes]:
    """Return the PNGs that the code cells drew, in order."""
    outputs = [one for cell in notebook["cells"] for one in cell.get("outputs", ()) if "data" in one]
    return [base64.b64decode(one["data"]["image/png"]) for one in outputs]


def write(path: Path, notebook: Notebook) -> None:
    """Write `notebook` as Jupyter does."""
    write_text(path, json.dumps(notebook, indent=1, ensure_ascii=False, sort_keys=True) + "\n")


def _outputs(source: str, names: dict[str, Any]) -> list[Output]:
    import matplotlib.pyplot as plt

    with redirect_stdout(io.StringIO()) as printed, warnings.catch_warnings():
        warnings.filterwarnings("ignore", ".*non-interactive, and thus cannot be shown")
        _run_cell(source, names)
    lines = printed.getvalue().splitlines(keepends=True)
    drawn = [_picture(plt.figure(number)) for number in plt.get_fignums()]
    plt.close("all")
    return ([{"output_type": "stream", "name": "stdout", "text": lines}] if lines else []) + drawn


def _run_cell(source: str, names: dict[str, Any]) -> None:
    cell = ast.parse(source)
    last = cell.body.pop() if cell.body and isinstance(cell.body[-1], ast.Expr) else None
    exec(compile(cell, "<cell>", "exec"), names)
    if isinstance(last, ast.Expr) and eval(compile(ast.Expression(last.value), "<cell>", "eval"), names) is not None:
        raise PipelineError(f"it ends in the value of {ast.unparse(last)[:40]}, which Jupyter alone would show")


def _picture(figure: Any) -> Output:
    drawn, png = io.BytesIO(), io.BytesIO()
    figure.savefig(drawn, format="png")
    # A palette of 256 colours takes less than half of the bytes.
    Image.open(drawn).convert("RGB").quantize(dither=Image.Dither.NONE).save(png, format="PNG", optimize=True)
    data = {"image/png": base64.b64encode(png.getvalue()).decode(), "text/plain": [str(figure)]}
    return {"output_type": "display_data", "data": data, "metadata": {}}


def main(argv: Sequence[str] | None = None) -> None:
    """Run the tour and write its outputs."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("notebook", type=Path, nargs="?", default=TOUR)
    parser.add_argument("--to", type=Path, help="another file; the notebook stays as it is")
    arguments = parser.parse_args(argv)
    notebook = executed(arguments.notebook)
    write(arguments.to or arguments.notebook, notebook)
    print(f"{arguments.to or arguments.notebook}: {len(pictures(notebook))} pictures")


if __name__ == "__main__":
    run(main)
