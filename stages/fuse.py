"""Stage `fuse`: the last models of two encoders, as one system: scores, and who is right where the other errs."""

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import pandas as pd

from speech_emotion.clips import indices, read_labels, read_split
from speech_emotion.core.command import run
from speech_emotion.core.errors import PipelineError
from speech_emotion.core.files import write_csv, write_text
from speech_emotion.model.calibration import fit_temperature
from speech_emotion.model.inference import clip_logits
from speech_emotion.model.provenance import data_files, file_md5s, load_trained
from speech_emotion.scores import fusion
from speech_emotion.scores.evaluation import Evaluation, held_out_clips
from speech_emotion.scores.metrics import metrics, to_json
from speech_emotion.scores.plots import plot_confusion, plot_reliability
from speech_emotion.shards import read_shards, shard_paths


class System(NamedTuple):
    """An encoder's answers: log probabilities `[clips, emotions]` of both parts, calibrated."""

    encoder: str
    valid: fusion.Logits
    test: fusion.Logits


def main(argv: Sequence[str] | None = None) -> None:
    """Read argv, split and labels, ask both models, fit a weight and a temperature on the part valid, write scores."""
    args = _parser().parse_args(argv)
    if len(args.model) != 2:
        raise PipelineError(f"fuse: {len(args.model)} models are named, two are fused; give --model twice")
    split = read_split(args.split)
    clips = held_out_clips(split, read_labels(args.labels))
    valid = split[split["part"] == "valid"]
    actual = indices(valid["emotion"])
    first, second = (
        _ask(Path(model), [Path(folder) for folder in folders], args.split, valid, clips)
        for model, *folders in args.model
    )
    weight = fusion.fit_weight(first.valid, second.valid, actual)
    temperature = fit_temperature(fusion.mixed(first.valid, second.valid, weight), actual)
    fused = Evaluation(clips, None, fusion.mixed(first.test, second.test, weight), temperature)
    scores = {**metrics(fused), "weight": {first.encoder: round(weight, 2), second.encoder: round(1 - weight, 2)}}
    of_first, of_second = (Evaluation(clips, None, system.test, 1.0).predictions() for system in (first, second))
    write_csv(args.metrics / "predictions.csv", fused.predictions())
    plot_confusion(args.metrics / "confusion.png", fused)
    plot_reliability(args.metrics / "reliability.png", fused)
    write_csv(
        args.metrics / "who_is_right.csv", fusion.who_is_right(of_first, of_second, (first.encoder, second.encoder))
    )
    write_text(args.metrics / "metrics.json", to_json(scores))
    print(
        f"fuse: {scores['clips']} clips, {scores['accuracy']:.1%}, UAR {scores['uar']:.1%}, weights {scores['weight']}"
    )


def _ask(path: Path, folders: Sequence[Path], split: Path, valid: pd.DataFrame, test: pd.DataFrame) -> System:
    mels = read_shards(folders)
    model = load_trained(path, file_md5s(data_files(split, shard_paths(folders))))
    answers = (
        fusion.log_probabilities(clip_logits(model, mels.of(clips["clip"])), model.description.temperature)
        for clips in (valid, test)
    )
    return System(mels.encoder, *answers)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("split", type=Path)
    parser.add_argument("labels", type=Path)
    parser.add_argument("metrics", type=Path, help="folder for scores, predictions and the table")
    parser.add_argument(
        "--model", nargs="+", action="append", required=True, metavar="PATH",
        help="a model, then the folders of shards that it was trained on; given twice",
    )  # fmt: skip
    return parser


if __name__ == "__main__":
    run(main)
