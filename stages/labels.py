"""Stage `labels`: the corpora's folders to one table of clips."""

import argparse
from collections.abc import Sequence
from pathlib import Path

from speech_emotion.core.command import run
from speech_emotion.core.files import write_csv
from speech_emotion.core.params import read_section
from speech_emotion.labels import check_emotion_map, count_emotions, label_corpora


def main(argv: Sequence[str] | None = None) -> None:
    """Read arguments and parameters, write the table, print how many clips each emotion has."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("corpora", nargs="+", type=Path, help="data/raw/<corpus>, each named after its corpus")
    parser.add_argument("labels", type=Path, help="the table to write")
    parser.add_argument("--params", type=Path, default=Path("params.yaml"))
    arguments = parser.parse_args(argv)
    emotions = check_emotion_map(read_section(arguments.params, "labels"))
    labels = label_corpora(arguments.corpora, emotions)
    write_csv(arguments.labels, labels)
    print(count_emotions(labels))


if __name__ == "__main__":
    run(main)
