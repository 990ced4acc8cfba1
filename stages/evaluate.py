"""Stage `evaluate`: both models, the test clips and their spectrograms to scores and pictures."""

import argparse
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path

from speech_emotion.answers import evaluate
from speech_emotion.command import run
from speech_emotion.evaluation import read_test_clips
from speech_emotion.files import replacing, write_csv, write_text
from speech_emotion.pictures import plot_means, plot_mistakes
from speech_emotion.plots import plot_confusion, plot_reliability
from speech_emotion.provenance import data_files, file_md5s
from speech_emotion.scores import metrics, to_json
from speech_emotion.split_table import read_split
from speech_emotion.store import read_shards, shard_paths


def main(argv: Sequence[str] | None = None) -> None:
    """Read argv, split, labels and shards, ask both models, write scores and pictures."""
    args = _parser().parse_args(argv)
    mels, settings = read_shards(args.spectrograms)
    present = file_md5s(data_files(args.split, shard_paths(args.spectrograms)))
    evaluation = evaluate(read_test_clips(args.split, args.labels), mels, args.low, args.high, present)
    predictions, scores = evaluation.predictions(), metrics(evaluation)
    with ExitStack() as outputs:  # none of them in place before all are written

        def written(target: Path) -> Path:
            return outputs.enter_context(replacing(target))

        write_csv(written(args.metrics / "predictions.csv"), predictions)
        plot_confusion(written(args.metrics / "confusion.png"), evaluation)
        plot_reliability(written(args.metrics / "reliability.png"), evaluation)
        pictures = written(args.pictures)
        plot_mistakes(pictures / "mistakes.png", predictions, mels, settings)
        plot_means(pictures / "mean_spectrograms.png", read_split(args.split), mels, settings)
        write_text(written(args.metrics / "metrics.json"), to_json(scores))
    print(f"evaluate: {scores['clips']} clips, accuracy {scores['accuracy']:.1%}, UAR {scores['uar']:.1%}")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("split", type=Path)
    parser.add_argument("labels", type=Path)
    parser.add_argument("low", type=Path, help="model of stage one")
    parser.add_argument("high", type=Path, help="model of stage two")
    parser.add_argument("metrics", type=Path, help="folder for scores, predictions and their plots")
    parser.add_argument("pictures", type=Path, help="folder for pictures that show spectrograms")
    parser.add_argument("spectrograms", type=Path, nargs="+", help="folders of shards")
    return parser


if __name__ == "__main__":
    run(main)
