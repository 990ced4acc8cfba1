"""Stage `cell`: one split of one protocol, trained and tested: `python -m benchmark.cell NAME ...`."""

import argparse
import time
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from benchmark.answers import Answers, input_md5s, read_made_from, write_answers
from benchmark.cells import CELLS
from benchmark.nested import Recipe, nested_answers
from speech_emotion.clips import read_labels
from speech_emotion.core.command import run
from speech_emotion.core.params import read_settings
from speech_emotion.shards import read_shards
from speech_emotion.splits.leaks import refuse_leaks
from speech_emotion.splits.protocols import SPEAKER_PROTOCOLS, split_clips
from speech_emotion.training.settings import TrainSettings


def main(argv: Sequence[str] | None = None) -> None:
    """Read argv, params, labels and shards, split, train twice, test, write the answers."""
    args, began = _parser().parse_args(argv), time.monotonic()
    settings, recipe = CELLS[args.cell].split_settings, _recipe(args)
    labels = read_labels(args.labels)
    split = split_clips(labels, settings)
    refuse_leaks(labels, split, by_speaker=settings.protocol in SPEAKER_PROTOCOLS)
    mels, mel_settings = read_shards(args.spectrograms)
    logits, temperatures = nested_answers(recipe, split, mels, mel_settings, label=args.cell)
    clips = split[split["part"] == "test"]
    write_answers(args.answers, Answers(clips, logits, temperatures, _made_from(args, recipe)))
    print(f"{args.cell}: {len(clips)} test clips answered, {time.monotonic() - began:.0f} s", flush=True)


def is_there(argv: Sequence[str]) -> bool:
    """Say whether the answers that `main` would write are there, made from the same data and parameters.

    The code is not compared: DVC does that.
    """
    args = _parser().parse_args(argv)
    return read_made_from(args.answers) == _made_from(args, _recipe(args))


def _recipe(args: argparse.Namespace) -> Recipe:
    low, high = (read_settings(args.params, section, TrainSettings) for section in ("finetune_low", "finetune_high"))
    return Recipe(start=args.start, low=low, high=high, crops=args.crops)


def _made_from(args: argparse.Namespace, recipe: Recipe) -> dict[str, Any]:
    data = input_md5s(args.labels, args.start, args.spectrograms)
    return {"data": data, "low": asdict(recipe.low), "high": recipe.high and asdict(recipe.high), "crops": recipe.crops}


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("cell", choices=CELLS)
    parser.add_argument("labels", type=Path)
    parser.add_argument("start", type=Path, help="pretrained weights")
    parser.add_argument("answers", type=Path, help="folder to write")
    parser.add_argument("spectrograms", type=Path, nargs="+", help="folders of shards")
    parser.add_argument("--crops", type=int, required=True, help="windows a clip in the view high_crops")
    parser.add_argument("--params", type=Path, default=Path("params.yaml"))
    return parser


if __name__ == "__main__":
    run(main)
