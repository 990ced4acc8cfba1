"""Stage `page`: the answers of all rows of an encoder to its table."""

import argparse
from collections.abc import Mapping, Sequence
from pathlib import Path

import pandas as pd

from benchmark.answers import ADAPTED, LAST, read_answers
from benchmark.recipe import SAYS
from benchmark.scoring import brief, difference, scored
from speech_emotion.core.command import run
from speech_emotion.core.errors import PipelineError
from speech_emotion.core.files import write_text
from speech_emotion.core.params import read_section
from speech_emotion.scores import confusion
from tools.report.markdown import percent, table, with_interval

INTRODUCTION = """\
# Ablation: {encoder}

What each lever of the recipe gives: every row changes one thing, and is trained and tested like the first. Tested are
the {speakers} actors that the protocol `speakers` does not test, each once: seed by seed other ones, the rest and TESS
are there to train on. {says}
Nothing here is a result: levers are chosen on these figures. All in percent; brackets hold 95 % bootstrap intervals
over actors. "Difference" is that of the UAR to the first row, on the same draws of actors; "over seeds" is the
difference of each seed, whose actors differ, too. A row that lacks a seed is compared on the actors that it has.
"Adapted" is the UAR after the embeddings of each tested actor were moved to the statistics of the training speakers."""
HEADER = ("what changed", "seeds", "accuracy", "UAR", "difference", "over seeds", "UAR, adapted")

Row = Mapping[str, pd.DataFrame]  # scored clips by track, with the `seed` of each


def read_row(folder: Path) -> Row:
    """Return the clips of all seeds in `folder` by track.

    Raises:
        PipelineError: there are none.
    """
    seeds = {int(path.name): read_answers(path) for path in sorted(folder.glob("[0-9]*"))}
    if not seeds:
        raise PipelineError(f"{folder}: holds no answers; run `python -m benchmark.run 'row_*'`")
    return {
        track: pd.concat([scored(one.track(track)).assign(seed=seed) for seed, one in seeds.items()])
        for track in (LAST, ADAPTED)
    }


def to_markdown(encoder: str, says: str, rows: Mapping[str, Row]) -> str:
    """Return the page.

    Args:
        encoder: whose recipe it is.
        says: what all rows change of it.
        rows: by what they change; the first is compared with.
    """
    first = next(iter(rows.values()))[LAST]
    introduction = INTRODUCTION.format(encoder=encoder, speakers=first["speaker"].nunique(), says=says)
    lines = [[name, *_line(row, first)] for name, row in rows.items()]
    return f"{introduction}\n\n{table(HEADER, lines)}\n"


def _line(row: Row, first: pd.DataFrame) -> list[str]:
    clips, seeds = row[LAST], sorted(set(row[LAST]["seed"]))
    rates, adapted = brief(clips), brief(row[ADAPTED])
    shown = [str(len(seeds)), *(with_interval(rates, name) for name in ("accuracy", "uar"))]
    gaps = ["", ""]
    if clips is not first:
        pairs = [(first[first["seed"].isin(some)], clips[clips["seed"].isin(some)]) for some in (seeds, *zip(seeds))]
        whole, *each = (difference(*pair, confusion.uar) for pair in pairs)
        gaps = [with_interval(whole, "gap"), ", ".join(f"{100 * one['gap']:+.1f}" for one in each)]
    return [*shown, *gaps, percent(adapted["uar"])]


def main(argv: Sequence[str] | None = None) -> None:
    """Read argv, rows and answers, write the page."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("encoder")
    parser.add_argument("rows", type=Path, help="YAML of the rows")
    parser.add_argument("answers", type=Path, help="folder with a folder a row")
    parser.add_argument("page", type=Path, help="Markdown to write")
    args = parser.parse_args(argv)
    ablation = read_section(args.rows, args.encoder)
    there = {name: row for name, row in ablation["rows"].items() if (args.answers / name).exists()}
    rows = {row[SAYS]: read_row(args.answers / name) for name, row in there.items()}
    missing = [row[SAYS] for name, row in ablation["rows"].items() if name not in there]
    says = f"{ablation[SAYS]} Not run: {', '.join(missing)}." if missing else ablation[SAYS]
    write_text(args.page, to_markdown(args.encoder, says, rows))
    print(f"{args.page}: {len(rows)} rows")


if __name__ == "__main__":
    run(main)
