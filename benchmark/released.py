"""Stage `released`: the model that is handed out, trained on all clips of the corpora whose licences allow it.

None is held back: what it can do is known from the cells that left a corpus out, trained with the same recipe.
"""

import argparse
import tempfile
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pandas as pd

from benchmark.cells import CROSS_CORPUS
from benchmark.nested import fit
from benchmark.recipe import TRAININGS, read_changes, read_trainings, starting_weights
from speech_emotion.clips import read_labels
from speech_emotion.core.command import run
from speech_emotion.core.files import write_csv
from speech_emotion.model.checkpoint import save_model
from speech_emotion.model.provenance import data_files, file_md5s
from speech_emotion.shards import read_shards, shard_paths

ROW = f"{CROSS_CORPUS}_tess"  # the same corpora are in training there


def main(argv: Sequence[str] | None = None) -> None:
    """Read argv, params, labels and shards; write the split, all of which is trained on, and the model."""
    args = _parser().parse_args(argv)
    labels = pd.concat([read_labels(table) for table in args.labels], ignore_index=True)
    clips = labels[labels["corpus"].isin([folder.name for folder in args.spectrograms])]
    clips = clips.sort_values(["corpus", "clip"])[["clip", "corpus", "speaker", "emotion"]]
    write_csv(args.split, split := clips.assign(part="train"))
    changes = read_changes(args.rows, args.encoder, ROW)
    trainings = read_trainings(args.params, args.encoder, changes, seed=args.seed)
    mels = read_shards(args.spectrograms)
    with tempfile.TemporaryDirectory() as folder:
        start = starting_weights(args.params, args.encoder, changes, args.start, Path(folder))
        model = fit(start, trainings, split, mels, label="released").last
    trained_on = file_md5s(data_files(args.split, shard_paths(args.spectrograms)))
    save_model(args.model, replace(model, description=replace(model.description, trained_on=trained_on)))
    print(f"released: {args.model}, {len(split)} clips of {', '.join(sorted(set(split['corpus'])))}")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("encoder", choices=TRAININGS)
    parser.add_argument("seed", type=int, help="of all trainings")
    parser.add_argument("rows", type=Path, help="YAML of what a protocol changes of params.yaml")
    parser.add_argument("start", type=Path, help="pretrained weights")
    parser.add_argument("split", type=Path, help="table to write")
    parser.add_argument("model", type=Path, help="model to write")
    parser.add_argument("spectrograms", type=Path, nargs="+", help="folders of shards, each named after its corpus")
    parser.add_argument("--labels", type=Path, nargs="+", required=True)
    parser.add_argument("--params", type=Path, default=Path("params.yaml"))
    return parser


if __name__ == "__main__":
    run(main)
