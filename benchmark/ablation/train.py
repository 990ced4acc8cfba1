"""Stages `row` and `remade_row`: one row of the ablation, trained with each seed, tested on development actors."""

import argparse
import json
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from functools import reduce
from pathlib import Path
from typing import Any

import pandas as pd

from benchmark.ablation.folds import development_split
from benchmark.ablation.rows import Changes, Row, changed, read_ablation, read_row
from benchmark.ablation.views import CROPS, ONE_CROP, OWN_LEVEL, OWN_MELS, VIEWS
from benchmark.answers import Answers, input_md5s, read_made_from, write_answers
from benchmark.nested import Logits, Model, Recipe, fit
from benchmark.tracks import adapted
from speech_emotion.clips import read_labels
from speech_emotion.core.command import run
from speech_emotion.core.params import read_settings
from speech_emotion.encoders.image.frontend import Mel
from speech_emotion.encoders.image.pretrained import BackboneSettings, backbone_weights
from speech_emotion.model.weights import save_tensors
from speech_emotion.shards import read_shards, require_mels
from speech_emotion.splits.protocols import SplitSettings
from speech_emotion.training.fine_tune import refit
from speech_emotion.training.settings import TrainSettings


def main(argv: Sequence[str] | None = None) -> None:
    """Read argv, the row, labels and shards; train and test with each seed, write the answers."""
    args = _parser().parse_args(argv)
    labels, row = read_labels(args.labels), read_row(args.rows, args.row)
    mels, mel_settings = read_shards(args.spectrograms)
    for seed in args.seeds or read_ablation(args.rows).seeds:
        began, split = time.monotonic(), _split(args, labels, seed)
        require_mels(split["clip"], mels)
        train, test = (split[split["part"] == part] for part in ("train", "test"))
        known = {clip: mels[clip] for clip in train["clip"]}
        with tempfile.TemporaryDirectory() as folder:
            recipe = _recipe(args, row, seed, Path(folder))
            models = fit(refit, recipe, train, known, mel_settings, f"{args.row} {seed}")
        *_, model = models.values()
        logits = _ask(model, test["clip"], mels, train["clip"], recipe.crops)
        unfitted = dict.fromkeys(VIEWS, 1.0)
        write_answers(args.answers / str(seed), Answers(test, logits, unfitted, _made_from(args, row, seed)))
        print(f"{args.row} {seed}: {len(test)} clips answered, {time.monotonic() - began:.0f} s", flush=True)


def _ask(model: Model, clips: pd.Series, mels: Mapping[str, Mel], known: pd.Series, crops: int) -> dict[str, Logits]:
    level, each_mel = (adapted(clips, mels, known, by_mel=by_mel) for by_mel in (False, True))
    return {
        ONE_CROP: model.logits(clips, mels),
        CROPS: model.logits(clips, mels, crops=crops),
        OWN_LEVEL: model.logits(clips, level),
        OWN_MELS: model.logits(clips, each_mel),
    }


def is_there(argv: Sequence[str]) -> bool:
    """Say whether the answers that `main` would write are there, made from the same data and parameters.

    The code is not compared: DVC does that.
    """
    args = _parser().parse_args(argv)
    row = read_row(args.rows, args.row)
    return all(
        read_made_from(args.answers / str(seed)) == _made_from(args, row, seed)
        for seed in args.seeds or read_ablation(args.rows).seeds
    )


def _split(args: argparse.Namespace, labels: pd.DataFrame, seed: int) -> pd.DataFrame:
    lists = read_settings(args.params, "split", SplitSettings).speakers
    seeds = read_ablation(args.rows).seeds
    return development_split(labels, lists, fold=seeds.index(seed), folds=len(seeds))


def _recipe(args: argparse.Namespace, row: Row, seed: int, folder: Path) -> Recipe:
    low, high = _settings(args, row, seed)
    start = args.start
    if row.backbone:
        backbone = changed(read_settings(args.params, "backbone", BackboneSettings), row.backbone)
        start = folder / "start.safetensors"
        save_tensors(start, backbone_weights(backbone), json.dumps(asdict(backbone), sort_keys=True))
    return Recipe(start=start, low=low, high=high, crops=read_ablation(args.rows).crops)


def _settings(args: argparse.Namespace, row: Row, seed: int) -> tuple[TrainSettings, TrainSettings | None]:
    def of(section: str, *changes: Changes) -> TrainSettings:
        settings = read_settings(args.params, section, TrainSettings)
        return replace(reduce(changed, changes, settings), seed=seed)

    low = of("finetune_low", read_ablation(args.rows).base.low, row.low)
    return low, None if row.high is None else of("finetune_high", row.high)


def _made_from(args: argparse.Namespace, row: Row, seed: int) -> dict[str, Any]:
    data = input_md5s(args.labels, args.start, args.spectrograms)
    low, high = _settings(args, row, seed)
    ablation = read_ablation(args.rows)
    drawn = {"backbone": row.backbone, "crops": ablation.crops, "seeds": list(ablation.seeds)}
    return {"data": data, "low": asdict(low), "high": high and asdict(high)} | drawn


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("row", help="of rows.yaml")
    parser.add_argument("rows", type=Path)
    parser.add_argument("labels", type=Path)
    parser.add_argument("start", type=Path, help="pretrained weights of the recipe")
    parser.add_argument("answers", type=Path, help="folder to write, a folder a seed in it")
    parser.add_argument("spectrograms", type=Path, nargs="+", help="folders of shards")
    parser.add_argument("--seeds", type=int, nargs="+", help="only these of rows.yaml")
    parser.add_argument("--params", type=Path, default=Path("params.yaml"))
    return parser


if __name__ == "__main__":
    run(main)
