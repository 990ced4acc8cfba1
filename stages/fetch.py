"""Get a corpus, check it clip by clip, lay it out as published."""

import argparse
from collections.abc import Sequence
from pathlib import Path

from speech_emotion.core.command import run
from speech_emotion.fetching.fetch import fetch
from speech_emotion.fetching.sources import read_source


def main(argv: Sequence[str] | None = None) -> None:
    """Fetch one corpus; `--help` lists the arguments."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("corpus", help="a name below params.corpora")
    parser.add_argument("manifest", type=Path, help="what the files hold, clip by clip")
    parser.add_argument("target", type=Path, help="folder to write")
    parser.add_argument("--params", type=Path, default=Path("params.yaml"))
    arguments = parser.parse_args(argv)
    source = read_source(arguments.params, arguments.corpus)
    fetch(arguments.corpus, source, arguments.manifest, arguments.target)


if __name__ == "__main__":
    run(main)
