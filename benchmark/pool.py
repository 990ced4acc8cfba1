"""Stage `pool`: the answers of all cells to figures, a page and a picture."""

import argparse
import json
from collections.abc import Sequence
from functools import partial
from pathlib import Path

from benchmark.pooling import benchmark, pooled_views, read_cells, read_published
from benchmark.scoring import Pooled, bins
from benchmark.table import to_markdown
from speech_emotion.core.command import run
from speech_emotion.core.files import write_text
from speech_emotion.scores.figures import save
from speech_emotion.scores.plots import draw_reliability

DRAWN = "luna_jimenez"  # new voices, the most clips


def main(argv: Sequence[str] | None = None) -> None:
    """Read argv, cells and published figures, pool, write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("published", type=Path, help="table of published figures")
    parser.add_argument("figures", type=Path, help="JSON to write")
    parser.add_argument("page", type=Path, help="Markdown to write")
    parser.add_argument("picture", type=Path, help="reliability diagram to write")
    parser.add_argument("cells", type=Path, nargs="+", help="folders of answers")
    args = parser.parse_args(argv)
    cells = read_cells(args.cells)
    figures = benchmark(cells, read_published(args.published))
    drawn = DRAWN if DRAWN in figures["protocols"] else next(iter(figures["protocols"]))
    draw(args.picture, drawn, pooled_views(cells, drawn)["high"])
    write_text(args.page, to_markdown(figures))
    write_text(args.figures, json.dumps(figures, indent=2) + "\n")
    for protocol, views in figures["protocols"].items():
        print(f"{protocol}: accuracy {views['high']['accuracy']:.1%}, UAR {views['high']['uar']:.1%}, one crop")


def draw(picture: Path, protocol: str, pooled: Pooled) -> None:
    """Draw accuracy against confidence, before and after the cells' temperatures."""
    panels = {
        f"{protocol}, before": bins(pooled, calibrated=False),
        f"{protocol}, after": bins(pooled, calibrated=True),
    }
    save(picture, partial(draw_reliability, panels=panels), width_in=9.6, height_in=5.6)


if __name__ == "__main__":
    run(main)
