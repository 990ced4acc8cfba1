"""Stage `remade`: the spectrograms of a row that changes them."""

import argparse
from collections.abc import Sequence
from pathlib import Path

from benchmark.recipe import SPECTROGRAMS, merged, read_changes
from speech_emotion.cache.spectrograms import cache_spectrograms
from speech_emotion.core.command import run
from speech_emotion.core.files import replacing
from speech_emotion.core.params import read_section, to_settings
from speech_emotion.encoders import protocol


def main(argv: Sequence[str] | None = None) -> None:
    """Read argv, params and the row, compute the shards of every corpus."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("encoder")
    parser.add_argument("row")
    parser.add_argument("rows", type=Path)
    parser.add_argument("target", type=Path, help="folder to write, a folder a corpus in it")
    parser.add_argument("raw", type=Path, nargs="+", help="folders of audio files, each named after its corpus")
    parser.add_argument("--params", type=Path, default=Path("params.yaml"))
    args = parser.parse_args(argv)
    changes = read_changes(args.rows, args.encoder, args.row)[SPECTROGRAMS]
    values = merged(read_section(args.params, f"{args.encoder}.{SPECTROGRAMS}"), changes)
    settings = to_settings(values, protocol.settings(args.encoder).FrontendSettings, f"{args.rows}: row '{args.row}'")
    with replacing(args.target) as folder:
        for raw in args.raw:
            counts = cache_spectrograms(args.encoder, raw.name, raw, folder / raw.name, settings, committed=[])
            print(f"{args.row}, {raw.name}: {counts}", flush=True)


if __name__ == "__main__":
    run(main)
