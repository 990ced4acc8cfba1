"""Stages `finetune_low` and `finetune_high`: one script, two sections of params.yaml."""

import argparse
from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from speech_emotion.command import run
from speech_emotion.files import write_csv
from speech_emotion.model import save_model
from speech_emotion.params import read_settings
from speech_emotion.provenance import data_files, file_md5s
from speech_emotion.split_table import read_split
from speech_emotion.store import read_shards, shard_paths
from speech_emotion.train_settings import TrainSettings
from speech_emotion.training import describe, fine_tune, starting_network


def main(argv: Sequence[str] | None = None) -> None:
    """Read argv, params, shards and split, train, write the model and its learning curve."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("section", help="of params.yaml: finetune_low or finetune_high")
    parser.add_argument("split", type=Path)
    parser.add_argument("start", type=Path, help="weights to start from: pretrained, or the model of the stage before")
    parser.add_argument("model", type=Path, help="model to write")
    parser.add_argument("curve", type=Path, help="learning curve to write")
    parser.add_argument("spectrograms", type=Path, nargs="+", help="folders of shards")
    parser.add_argument("--params", type=Path, default=Path("params.yaml"))
    args = parser.parse_args(argv)
    settings = read_settings(args.params, args.section, TrainSettings)
    split = read_split(args.split)
    mels, mel_settings = read_shards(args.spectrograms)
    trained_on = file_md5s(data_files(args.split, shard_paths(args.spectrograms)))
    network, backbone = starting_network(args.start, settings, trained_on)
    description = describe(backbone, settings, mel_settings, trained_on)
    description, curve = fine_tune(network, description, settings, split, mels, label=args.section)
    save_model(args.model, network, description)
    write_csv(args.curve, pd.DataFrame(curve))
    print(f"{args.section}: {args.model}, temperature {description.temperature:.3f}")


if __name__ == "__main__":
    run(main)
