"""Stage `spectrograms`: clips of one corpus to cached log-mels of one encoder, one shard a speaker."""

import argparse
from collections.abc import Sequence
from pathlib import Path

from speech_emotion.cache.spectrograms import cache_spectrograms
from speech_emotion.core.command import run
from speech_emotion.core.params import read_settings
from speech_emotion.encoders import protocol


def main(argv: Sequence[str] | None = None) -> None:
    """Read argv and params, compute what is not in the last commit, and say how much that was."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("encoder", help="a folder of speech_emotion/encoders")
    parser.add_argument("corpus")
    parser.add_argument("raw", type=Path, help="folder of audio files")
    parser.add_argument("target", type=Path, help="folder of shards")
    parser.add_argument("--params", type=Path, default=Path("params.yaml"))
    parser.add_argument("--jobs", type=int, default=-1, help="worker processes, -1 for one a core")
    args = parser.parse_args(argv)
    # Worker processes import this module again, and would load DVC for nothing if this stood at the top.
    from speech_emotion.cache.committed import committed_shards

    kind = protocol.settings(args.encoder).FrontendSettings
    settings = read_settings(args.params, f"{args.encoder}.spectrograms", kind)
    with committed_shards(args.target) as committed:
        counts = cache_spectrograms(
            args.encoder, args.corpus, args.raw, args.target, settings, committed=committed, jobs=args.jobs
        )
    print(f"spectrograms@{args.encoder}-{args.corpus}: {counts}")


if __name__ == "__main__":
    run(main)
