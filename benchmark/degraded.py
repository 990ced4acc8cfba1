"""Stage `degraded`: clips of one corpus under known conditions to log-mels, one shard a condition."""

import argparse
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pandas as pd
from joblib import Parallel, delayed

from benchmark.conditions import CONDITIONS, degraded_mels
from speech_emotion.clips import read_labels
from speech_emotion.core.command import run
from speech_emotion.core.files import replacing
from speech_emotion.core.params import read_settings
from speech_emotion.core.progress import progress
from speech_emotion.encoders import protocol
from speech_emotion.shards import SUFFIX, shard_writer

ROUND = 48  # clips in memory at a time


def folder_name(condition: str) -> str:
    """Return the name of a condition's shard."""
    return condition.replace(",", "").replace("/", "_").replace(" ", "_")


def main(argv: Sequence[str] | None = None) -> None:
    """Read argv, params, labels and clips, write a folder of shards an encoder."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("corpus")
    parser.add_argument("labels", type=Path)
    parser.add_argument("raw", type=Path, help="folder of audio files")
    parser.add_argument("target", type=Path, help="folder to write, with a folder of shards an encoder")
    parser.add_argument("encoders", nargs="+")
    parser.add_argument("--params", type=Path, default=Path("params.yaml"))
    parser.add_argument("--jobs", type=int, default=-1, help="worker processes, -1 for one a core")
    args = parser.parse_args(argv)
    labels = read_labels(args.labels)
    clips = labels[labels["corpus"] == args.corpus].sort_values("clip")
    settings = {
        encoder: read_settings(args.params, f"{encoder}.spectrograms", protocol.settings(encoder).FrontendSettings)
        for encoder in args.encoders
    }
    with replacing(args.target) as temporary, progress("degraded", len(clips), "clips") as advance:
        _write(temporary, clips, args.raw, settings, args.jobs, advance)
    print(f"degraded: {len(clips)} clips, {len(CONDITIONS)} conditions, {args.target}")


def _write(target: Path, clips: pd.DataFrame, raw: Path, settings: dict[str, Any], jobs: int, advance: Any) -> None:
    paths = {clip: Path(path) for clip, path in zip(clips["clip"], clips["path"], strict=True)}
    speakers = {str(one): rows["clip"].tolist() for one, rows in clips.groupby("speaker")}
    with ExitStack() as stack, Parallel(n_jobs=jobs) as parallel:
        add = {
            (encoder, name): stack.enter_context(
                shard_writer(target / encoder / f"{folder_name(name)}{SUFFIX}", encoder, values)
            )
            for encoder, values in settings.items()
            for name in CONDITIONS
        }
        names = clips["clip"].tolist()
        speaker_of = dict(zip(clips["clip"], clips["speaker"], strict=True))
        for begin in range(0, len(names), ROUND):
            some = names[begin : begin + ROUND]
            work = (
                delayed(degraded_mels)(
                    clip,
                    raw,
                    paths,
                    {speaker: of for speaker, of in speakers.items() if speaker != speaker_of[clip]},
                    settings,
                )
                for clip in some
            )
            for clip, mels in zip(some, parallel(work), strict=True):
                for place, mel in mels.items():
                    add[place](clip, "", mel)
                advance(1)


if __name__ == "__main__":
    run(main)
