"""Stage `evaluate`: the models of both trainings, the test clips and their spectrograms to scores and pictures."""

import argparse
from collections.abc import Sequence
from pathlib import Path

from speech_emotion.clips import read_labels, read_split
from speech_emotion.core.command import run
from speech_emotion.core.files import replacing, write_csv, write_text
from speech_emotion.model.provenance import data_files, file_md5s
from speech_emotion.scores.evaluation import evaluate, held_out_clips
from speech_emotion.scores.metrics import metrics, to_json
from speech_emotion.scores.pictures import plot_means, plot_mistakes
from speech_emotion.scores.plots import plot_confusion, plot_reliability
from speech_emotion.shards import read_shards, shard_paths


def main(argv: Sequence[str] | None = None) -> None:
    """Read argv, split, labels and shards, ask both models, write scores and pictures."""
    args = _parser().parse_args(argv)
    split, mels = read_split(args.split), read_shards(args.spectrograms)
    present = file_md5s(data_files(args.split, shard_paths(args.spectrograms)))
    clips = held_out_clips(split, read_labels(args.labels))
    evaluation = evaluate(clips, mels, args.first, args.last, present)
    predictions, scores = evaluation.predictions(), metrics(evaluation)
    write_csv(args.metrics / "predictions.csv", predictions)
    plot_confusion(args.metrics / "confusion.png", evaluation)
    plot_reliability(args.metrics / "reliability.png", evaluation)
    with replacing(args.pictures) as pictures:
        plot_mistakes(pictures / "mistakes.png", predictions, mels)
        plot_means(pictures / "mean_spectrograms.png", split, mels)
    write_text(args.metrics / "metrics.json", to_json(scores))
    print(f"evaluate@{mels.encoder}: {scores['clips']} clips, {scores['accuracy']:.1%}, UAR {scores['uar']:.1%}")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("split", type=Path)
    parser.add_argument("labels", type=Path)
    parser.add_argument("first", type=Path, help="model of the first training")
    parser.add_argument("last", type=Path, help="model of the last training")
    parser.add_argument("metrics", type=Path, help="folder for scores, predictions and their plots")
    parser.add_argument("pictures", type=Path, help="folder for pictures that show spectrograms")
    parser.add_argument("spectrograms", type=Path, nargs="+", help="folders of shards")
    return parser


if __name__ == "__main__":
    run(main)
