"""Stage `remade`: the spectrograms of a row that changes them."""

import argparse
from collections.abc import Sequence
from pathlib import Path

from benchmark.ablation.rows import changed, read_row
from speech_emotion.cache.spectrograms import cache_spectrograms
from speech_emotion.core.command import run
from speech_emotion.core.files import replacing
from speech_emotion.core.params import read_settings
from speech_emotion.encoders.image.frontend import MelSettings


def main(argv: Sequence[str] | None = None) -> None:
    """Read argv, params and the row, compute the shards of every corpus."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("row", help="of rows.yaml")
    parser.add_argument("rows", type=Path)
    parser.add_argument("target", type=Path, help="folder to write, a folder a corpus in it")
    parser.add_argument("raw", type=Path, nargs="+", help="folders of audio files, each named after its corpus")
    parser.add_argument("--params", type=Path, default=Path("params.yaml"))
    args = parser.parse_args(argv)
    row = read_row(args.rows, args.row)
    settings = changed(read_settings(args.params, "spectrograms", MelSettings), row.spectrograms)
    with replacing(args.target) as folder:
        for raw in args.raw:
            counts = cache_spectrograms(raw.name, raw, folder / raw.name, settings, committed=[])
            print(f"{args.row}, {raw.name}: {counts}", flush=True)


if __name__ == "__main__":
    run(main)
