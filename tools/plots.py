"""`make plots`: the plots of a revision beside those of the working tree, as a page and a picture each, offline.

DVC's own page loads Vega from a server; vl-convert brings the same library with it, and draws without a browser.
"""

import argparse
import json
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import vl_convert

from speech_emotion.core.command import run
from speech_emotion.core.errors import PipelineError
from speech_emotion.core.files import write_text

PAGE = """<!DOCTYPE html>
<meta charset="utf-8">
<title>Plots</title>
<style>img { max-width: 45vw }</style>
<script>{library}</script>
{plot_divs}
"""
SCALE = 2  # pixels of a picture for one of the plot


def draw(revision: str, folder: Path) -> None:
    """Write `index.html` and a PNG of each plot of `revision` and the working tree to `folder`.

    Raises:
        PipelineError: DVC fails, for instance because there is no such revision.
    """
    template, library = folder / "template.html", vl_convert.javascript_bundle("window.vegaEmbed = vegaEmbed;")
    write_text(template, PAGE.replace("{library}", library))
    _plots_diff(revision, folder, "--html-template", str(template))
    template.unlink()
    for name, plots in json.loads(_plots_diff(revision, folder / "static", "--json"))["data"].items():
        for plot in plots:
            if plot["type"] == "vega":
                (folder / _file(name)).write_bytes(vl_convert.vegalite_to_png(plot["content"], scale=SCALE))


def _file(name: str) -> str:
    # Of the encoders' plots `metrics/image/predictions.csv` and `loss`: image_predictions.png, loss.png.
    return "_".join(Path(name).with_suffix(".png").parts[-2:])


def _plots_diff(revision: str, folder: Path, *options: str) -> str:
    command = (sys.executable, "-m", "dvc", "plots", "diff", revision, "--out", str(folder), *options)
    ended = subprocess.run(command, capture_output=True, text=True)
    if ended.returncode:
        raise PipelineError(f"`dvc plots diff {revision}` failed: {' '.join(ended.stderr.split())}")
    return ended.stdout


def main(argv: Sequence[str] | None = None) -> None:
    """Draw the plots of a revision and of the working tree."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("revision")
    parser.add_argument("folder", type=Path)
    arguments = parser.parse_args(argv)
    draw(arguments.revision, arguments.folder)
    print(f"{arguments.folder / 'index.html'}, and each plot as a PNG beside it")


if __name__ == "__main__":
    run(main)
