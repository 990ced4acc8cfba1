"""Stage `split`: the table of clips to train, valid and test parts."""

import argparse
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from speech_emotion.clips import read_labels
from speech_emotion.core.command import run
from speech_emotion.core.files import write_csv
from speech_emotion.core.params import read_settings
from speech_emotion.splits.leaks import refuse_leaks
from speech_emotion.splits.protocols import SPEAKER_PROTOCOLS, SplitSettings, count_parts, split_clips


def main(argv: Sequence[str] | None = None) -> None:
    """Read arguments and parameters, write the split, print how many clips each part has."""
    arguments = _parser().parse_args(argv)
    named = {key: getattr(arguments, key) for key in ("protocol", "fold", "tested_voice")}
    overrides = {key: value for key, value in named.items() if value is not None}
    settings = replace(read_settings(arguments.params, "split", SplitSettings), **overrides)
    labels = read_labels(arguments.labels)
    split = split_clips(labels, settings)
    refuse_leaks(labels, split, by_speaker=settings.protocol in SPEAKER_PROTOCOLS)
    write_csv(arguments.split, split)
    print(count_parts(labels, split))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("labels", type=Path, help="the table of clips")
    parser.add_argument("split", type=Path, help="the table to write")
    parser.add_argument("--params", type=Path, default=Path("params.yaml"))
    parser.add_argument("--protocol", help="instead of split.protocol")
    parser.add_argument("--fold", type=int, help="instead of split.fold")
    parser.add_argument("--tested-voice", help="instead of split.tested_voice")
    return parser


if __name__ == "__main__":
    run(main)
