"""Stage `split`: the table of clips to train, valid and test parts."""

import argparse
from collections.abc import Sequence
from pathlib import Path

from speech_emotion.clips import read_labels
from speech_emotion.core.command import run
from speech_emotion.core.files import write_csv
from speech_emotion.core.params import read_settings
from speech_emotion.splits.leaks import refuse_leaks
from speech_emotion.splits.protocols import SPEAKER_PROTOCOLS, SplitSettings, count_parts, split_clips


def main(argv: Sequence[str] | None = None) -> None:
    """Read arguments and parameters, write the split, print how many clips each part has."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("labels", type=Path, help="the table of clips")
    parser.add_argument("split", type=Path, help="the table to write")
    parser.add_argument("--params", type=Path, default=Path("params.yaml"))
    arguments = parser.parse_args(argv)
    settings = read_settings(arguments.params, "split", SplitSettings)
    labels = read_labels(arguments.labels)
    split = split_clips(labels, settings)
    refuse_leaks(labels, split, by_speaker=settings.protocol in SPEAKER_PROTOCOLS)
    write_csv(arguments.split, split)
    print(count_parts(split))


if __name__ == "__main__":
    run(main)
