"""Stage `page`: the answers of all rows of an encoder to its table."""

import argparse
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from benchmark.answers import ADAPTED, LAST, read_answers
from benchmark.recipe import SAYS
from benchmark.scoring import brief, difference, scored
from speech_emotion.core.command import run
from speech_emotion.core.errors import PipelineError
from speech_emotion.core.files import write_text
from speech_emotion.core.params import read_section
from speech_emotion.scores import confusion
from tools.report.pages import render

PAGE = Path(__file__).with_name("page.md.j2")

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
    figures = {name: _figures(row, first) for name, row in rows.items()}
    values = {"encoder": encoder, "says": says, "speakers": first["speaker"].nunique(), "rows": figures}
    return render(PAGE, values)


def _figures(row: Row, first: pd.DataFrame) -> dict[str, Any]:
    clips, seeds = row[LAST], sorted(set(row[LAST]["seed"]))
    gaps = [  # of all seeds, then of each
        difference(first[first["seed"].isin(some)], clips[clips["seed"].isin(some)], confusion.uar)
        for some in ((seeds, *zip(seeds)) if clips is not first else ())
    ]
    return {"seeds": len(seeds), "rates": brief(clips), "adapted": brief(row[ADAPTED])["uar"], "gaps": gaps}


def what_ran(rows: Path, encoder: str, answers: Path) -> tuple[str, dict[str, Path]]:
    """Return what the page says of all `rows`, and the folder below `answers` of each that has run, by what it changes.

    Raises:
        PipelineError: none has run.
    """
    ablation = read_section(rows, encoder)
    there = {row[SAYS]: answers / name for name, row in ablation["rows"].items() if (answers / name).exists()}
    if not there:
        raise PipelineError(f"{answers}: holds no answers; run `python -m benchmark.run 'row_*'`")
    missing = [row[SAYS] for row in ablation["rows"].values() if row[SAYS] not in there]
    return f"{ablation[SAYS]} Not run: {', '.join(missing)}." if missing else ablation[SAYS], there


def main(argv: Sequence[str] | None = None) -> None:
    """Read argv, rows and answers, write the page."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("encoder")
    parser.add_argument("rows", type=Path, help="YAML of the rows")
    parser.add_argument("answers", type=Path, help="folder with a folder a row")
    parser.add_argument("page", type=Path, help="Markdown to write")
    args = parser.parse_args(argv)
    says, folders = what_ran(args.rows, args.encoder, args.answers)
    write_text(args.page, to_markdown(args.encoder, says, {name: read_row(folder) for name, folder in folders.items()}))
    print(f"{args.page}: {len(folders)} rows")


if __name__ == "__main__":
    run(main)
