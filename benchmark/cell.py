"""Stages `cell` and `row`: one encoder on one split with one seed, trained and tested."""

import argparse
import tempfile
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path

import pandas as pd

from benchmark.answers import write_answers
from benchmark.cells import CELLS, DEVELOPMENT_CELLS, TRANSFER_CELLS
from benchmark.nested import nested_answers
from benchmark.recipe import TRAININGS, read_changes, read_trainings, starting_weights
from speech_emotion.clips import read_labels
from speech_emotion.core.command import run
from speech_emotion.shards import Mels, read_shard, read_shards, shard_paths

EVERY = {**CELLS, **DEVELOPMENT_CELLS, **TRANSFER_CELLS}


def main(argv: Sequence[str] | None = None) -> None:
    """Read argv, params, the row, labels and shards; split, train, test, write the answers."""
    args = parse(argv)
    cell = EVERY[args.cell]
    changes = read_changes(args.rows, args.encoder, args.row or cell.protocol)
    trainings = read_trainings(args.params, args.encoder, changes, seed=args.seed)
    tables, folders = [args.labels, *args.also[:1]], (*args.spectrograms, *args.also[1:])
    split = cell.split(pd.concat([read_labels(table) for table in tables], ignore_index=True))
    mels = _mels(*folders)
    with tempfile.TemporaryDirectory() as folder:
        start = starting_weights(args.params, args.encoder, changes, args.start, Path(folder))
        label = f"{args.encoder} {args.row or args.cell}"
        answers = nested_answers(start, trainings, split, mels, label=label, degraded=_degraded(args.degraded))
    write_answers(args.answers, answers, trainings)


def parse(argv: Sequence[str] | None = None) -> argparse.Namespace:
    """Return the arguments of a cell."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("encoder", choices=TRAININGS)
    parser.add_argument("cell", choices=EVERY, metavar="cell", help="of benchmark/cells.py")
    parser.add_argument("seed", type=int, help="of all trainings")
    parser.add_argument("rows", type=Path, help="YAML of what a row or a protocol changes of params.yaml")
    parser.add_argument("labels", type=Path)
    parser.add_argument("start", type=Path, help="pretrained weights")
    parser.add_argument("answers", type=Path, help="folder to write")
    parser.add_argument("spectrograms", type=Path, nargs="+", help="folders of shards")
    parser.add_argument(
        "--also", type=Path, nargs="+", default=[], metavar="PATH", help="another table of labels, and its shards"
    )
    parser.add_argument("--degraded", type=Path, help="folder of a shard a condition, of which the refit is asked, too")
    parser.add_argument("--row", help="of the file; the cell's protocol unless given")
    parser.add_argument("--params", type=Path, default=Path("params.yaml"))
    return parser.parse_args(argv)


@lru_cache(maxsize=1)  # the runner has cell after cell computed in one process
def _mels(*folders: Path) -> Mels:
    return read_shards(folders)


@lru_cache(maxsize=1)
def _degraded(folder: Path | None) -> dict[str, Mels]:
    shards = {path.stem: read_shard(path) for path in shard_paths([folder])} if folder else {}
    return {name: Mels(shard.encoder, shard.settings, shard.mels) for name, shard in shards.items()}


if __name__ == "__main__":
    run(main)
