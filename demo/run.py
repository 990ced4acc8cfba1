"""`make demo`: the whole pipeline on two small corpora spoken by a synthesiser."""

import argparse
import json
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd
from rich import box
from rich.console import Console
from rich.table import Table

from demo.workspace import Workspace
from speech_emotion.core.command import run

CLIPS_SHOWN = 8
# The second training starts from the first one's weights: only it and the scores run again.
NEXT = """\
Change something and compare (half a minute on 2 free cores):
  cd {folder} && export PATH="{programs}:$PATH"
  git switch -c shorter
  sed -i 's/    epochs: 4$/    epochs: 1/' params.yaml    # image.high.epochs
  dvc repro
  speech-emotion compare main
  dvc plots diff main"""
NOTICE = "The voices are synthetic: these scores show that everything works and say nothing about people."


def scores_table(encoder: str, metrics: Mapping[str, Any], style: box.Box | None) -> Table:
    """Return accuracy and unweighted average recall of all test clips and of each corpus, in percent."""
    table = Table("encoder", "test clips of", "clips", "accuracy", "unweighted average recall", box=style)
    corpora = {name: scores for name, scores in metrics.items() if isinstance(scores, dict) and "clips" in scores}
    for name, scores in {"all corpora": metrics, **corpora}.items():
        table.add_row(encoder, name, str(scores["clips"]), f"{scores['accuracy']:.1%}", f"{scores['uar']:.1%}")
    return table


def clips_table(predictions: pd.DataFrame, style: box.Box | None) -> Table:
    """Return a few rows of `predictions.csv`, evenly spread over the test clips."""
    table = Table("test clip", "actual", "predicted", "confidence", box=style)
    for row in predictions.iloc[:: max(1, len(predictions) // CLIPS_SHOWN)].head(CLIPS_SHOWN).itertuples():
        table.add_row(row.clip, row.actual, row.predicted, f"{row.confidence:.0%}")
    return table


def report(folder: Path, console: Console) -> None:
    """Print what the demo in `folder` found."""
    style = box.SIMPLE_HEAD if console.is_terminal else None
    for results in sorted((folder / "metrics").glob("*/metrics.json")):
        metrics = json.loads(results.read_text(encoding="utf-8"))
        console.print(scores_table(results.parent.name, metrics, style))
        console.print(clips_table(pd.read_csv(results.parent / "predictions.csv"), style))
        console.print(f"Confusion matrix: {results.parent / 'confusion.png'}", soft_wrap=True)
    console.print(NOTICE, soft_wrap=True)


def main(argv: Sequence[str] | None = None) -> None:
    """Run the demo in a folder that later runs reuse."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("workspace", type=Path)
    folder: Path = parser.parse_args(argv).workspace
    started = time.monotonic()
    workspace = Workspace(folder)
    workspace.update()
    print(f"Running the pipeline in {folder}; the two trainings take most of the time", flush=True)
    workspace.repro()
    minutes, seconds = divmod(round(time.monotonic() - started), 60)
    print(f"Done in {minutes} min {seconds} s.\n")
    report(folder, Console())
    print("\n" + NEXT.format(folder=folder, programs=Path(sys.prefix) / "bin"))


if __name__ == "__main__":
    run(main)
