"""`make demo`: the whole pipeline on two small corpora spoken by a synthesiser."""

import argparse
import json
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import pandas as pd
from rich import box
from rich.console import Console
from rich.table import Table

from demo.workspace import Workspace
from speech_emotion.core.command import run

CLIPS_SHOWN = 8
# The second training starts from the first one's weights: only it and the scores run again.
NEXT = """\
Change something and compare (about a minute on 2 free cores):
  cd {folder} && export PATH="{programs}:$PATH"
  git switch -c shorter
  sed -i 's/    epochs: 4$/    epochs: 1/' params.yaml    # image.high.epochs
  dvc repro
  speech-emotion compare main
  dvc plots diff main
Name the emotion in recordings, with the model that was trained here:
  speech-emotion predict --model models/emotion.int8.onnx data/raw/tess"""
NOTICE = "The voices are synthetic: these scores show that everything works and say nothing about people."


def report(folder: Path, console: Console) -> None:
    """Print what the demo in `folder` found: scores in percent by corpus, and a few of the test clips."""
    style = box.SIMPLE_HEAD if console.is_terminal else None
    for path in sorted((folder / "metrics").glob("*/metrics.json")):
        metrics, clips = json.loads(path.read_text(encoding="utf-8")), pd.read_csv(path.parent / "predictions.csv")
        corpora = {name: scores for name, scores in metrics.items() if isinstance(scores, dict) and "clips" in scores}
        table = Table("encoder", "test clips of", "clips", "accuracy", "unweighted average recall", box=style)
        for name, scores in {"all corpora": metrics, **corpora}.items():
            rates = (f"{scores[rate]:.1%}" for rate in ("accuracy", "uar"))
            table.add_row(path.parent.name, name, str(scores["clips"]), *rates)
        console.print(table)
        table = Table("test clip", "actual", "predicted", "confidence", box=style)
        for row in clips.iloc[:: max(1, len(clips) // CLIPS_SHOWN)].head(CLIPS_SHOWN).itertuples():
            table.add_row(row.clip, row.actual, row.predicted, f"{row.confidence:.0%}")
        console.print(table)
        console.print(f"Confusion matrix: {path.parent / 'confusion.png'}", soft_wrap=True)
    console.print(NOTICE, soft_wrap=True)


def main(argv: Sequence[str] | None = None) -> None:
    """Run the demo in a folder that later runs reuse."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("workspace", type=Path)
    folder: Path = parser.parse_args(argv).workspace
    workspace, started = Workspace(folder), time.monotonic()
    workspace.update()
    print(f"Running the pipeline in {folder}; the two trainings take most of the time", flush=True)
    workspace.repro()
    minutes, seconds = divmod(round(time.monotonic() - started), 60)
    print(f"Done in {minutes} min {seconds} s.\n")
    report(folder, Console())
    print("\n" + NEXT.format(folder=folder, programs=Path(sys.prefix) / "bin"))


if __name__ == "__main__":
    run(main)
