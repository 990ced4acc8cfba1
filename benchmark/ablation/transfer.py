"""Stage `transfer`: rows that learned from one corpus and were asked about another, as a table."""

import argparse
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from benchmark.ablation.page import what_ran
from benchmark.answers import ADAPTED, LAST, read_answers
from benchmark.cells import TRANSFERS
from benchmark.scoring import among_own, brief, scored
from speech_emotion.core.command import run
from speech_emotion.core.files import write_text
from tools.report.pages import render

PAGE = Path(__file__).with_name("transfer.md.j2")
PAIRS = {f"{taught}_{asked}": f"{taught} to {asked}" for taught, asked in TRANSFERS}


def read_row(folder: Path) -> dict[str, dict[str, Any]]:
    """Return the rates among the emotions of the corpus that was asked about, by pair and track.

    Raises:
        PipelineError: a pair is missing, or its answers are damaged.
    """
    found = {}
    for pair in PAIRS:
        answers = read_answers(folder / pair)
        found[pair] = {track: brief(scored(among_own(answers.track(track)))) for track in (LAST, ADAPTED)}
    return found


def to_markdown(says: str, rows: Mapping[str, Mapping[str, Any]]) -> str:
    """Return the page; `rows` by what they change."""
    return render(PAGE, {"says": says, "rows": rows, "pairs": PAIRS})


def main(argv: Sequence[str] | None = None) -> None:
    """Read argv, rows and answers, write the page."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("encoder")
    parser.add_argument("rows", type=Path, help="YAML of the rows")
    parser.add_argument("answers", type=Path, help="folder with a folder a row")
    parser.add_argument("page", type=Path, help="Markdown to write")
    args = parser.parse_args(argv)
    says, folders = what_ran(args.rows, args.encoder, args.answers)
    write_text(args.page, to_markdown(says, {name: read_row(folder) for name, folder in folders.items()}))
    print(f"{args.page}: {len(folders)} rows")


if __name__ == "__main__":
    run(main)
