"""`dvc plots diff` for a review: a page that loads nothing from the network, and a picture of each plot.

DVC's own page loads Vega from a server; vl-convert brings the same library with it, and draws without a browser.
"""

import argparse
import json
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import vl_convert

from speech_emotion.core.command import run
from speech_emotion.core.errors import PipelineError
from speech_emotion.core.files import replacing, write_text

PAGE = """<!DOCTYPE html>
<meta charset="utf-8">
<title>Plots</title>
<style>img { max-width: 45vw }</style>
<script>{library}</script>
{plot_divs}
"""
SCALE = 2  # pixels of a picture for one of the plot


def write_page(revision: str, folder: Path) -> None:
    """Write `folder/index.html`: all plots of `revision` and of the working tree, overlaid or side by side.

    Raises:
        PipelineError: DVC fails, for instance because there is no such revision.
    """
    library = vl_convert.javascript_bundle("window.vegaEmbed = vegaEmbed;")
    template = folder / "template.html"
    write_text(template, PAGE.replace("{library}", library))
    _plots_diff(revision, "--html-template", str(template), "--out", str(folder))
    template.unlink()


def write_pictures(revision: str, folder: Path) -> None:
    """Write a PNG of each plot that compares `revision` with the working tree.

    Raises:
        PipelineError: DVC fails.
    """
    printed = _plots_diff(revision, "--json", "--out", str(folder / "static"))
    for name, specification in _specifications(json.loads(printed)):
        with replacing(folder / f"{name}.png") as temporary:
            temporary.write_bytes(vl_convert.vegalite_to_png(specification, scale=SCALE))


def _specifications(shown: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    for name, plots in shown["data"].items():
        yield from ((Path(name).stem, plot["content"]) for plot in plots if plot["type"] == "vega")


def _plots_diff(revision: str, *options: str) -> str:
    command = (sys.executable, "-m", "dvc", "plots", "diff", revision, *options)
    ended = subprocess.run(command, capture_output=True, text=True)
    if ended.returncode:
        raise PipelineError(f"`dvc plots diff {revision}` ended with {ended.returncode}: {ended.stderr.strip()}")
    return ended.stdout


def main(argv: Sequence[str] | None = None) -> None:
    """Compare the plots of a revision with those of the working tree."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("revision")
    parser.add_argument("folder", type=Path)
    arguments = parser.parse_args(argv)
    write_page(arguments.revision, arguments.folder)
    write_pictures(arguments.revision, arguments.folder)
    print(f"{arguments.folder / 'index.html'}, and each plot as a PNG beside it")


if __name__ == "__main__":
    run(main)
