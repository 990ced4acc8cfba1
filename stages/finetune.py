"""Stage `finetune`: one training of one encoder, such as `image.low`."""

import argparse
import shutil
import tempfile
from collections.abc import Sequence
from contextlib import ExitStack, suppress
from pathlib import Path

import pandas as pd

from speech_emotion.clips import read_split
from speech_emotion.core.command import run
from speech_emotion.core.errors import PipelineError
from speech_emotion.core.files import NotWrittenError, write_csv
from speech_emotion.model.checkpoint import Model, save_model
from speech_emotion.model.provenance import data_files, file_md5s, refuse_damaged
from speech_emotion.shards import read_shards, shard_paths
from speech_emotion.training.data_parallel import data_parallel
from speech_emotion.training.fine_tune import fine_tune, starting_model
from speech_emotion.training.settings import read_train_settings


def main(argv: Sequence[str] | None = None) -> None:
    """Read argv, params, shards and split, train, write the model and its learning curve."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("training", help="section of params.yaml: encoder and training, such as image.low")
    parser.add_argument("split", type=Path)
    parser.add_argument("start", type=Path, help="weights to start from: pretrained, or the model of the stage before")
    parser.add_argument("model", type=Path, help="model to write")
    parser.add_argument("curve", type=Path, help="learning curve to write")
    parser.add_argument("spectrograms", type=Path, nargs="+", help="folders of shards")
    parser.add_argument("--params", type=Path, default=Path("params.yaml"))
    args = parser.parse_args(argv)
    settings = read_train_settings(args.params, *args.training.split("."))
    files = data_files(args.split, shard_paths(args.spectrograms))
    refuse_damaged(files, trained_on := file_md5s(files))
    split, mels = read_split(args.split), read_shards(args.spectrograms)
    start = starting_model(args.start, settings, mels, trained_on)
    with data_parallel() as writes:
        model, curve = fine_tune(start, split, mels, label=args.training)
        if writes:
            save_training(args.model, args.curve, model, pd.DataFrame(curve))
            print(f"{args.training}: {args.model}, temperature {model.description.temperature:.3f}")


def save_training(path: Path, curve_path: Path, model: Model, curve: pd.DataFrame) -> None:
    """Write both; what cannot be written to its place is written elsewhere, so that hours of work are not lost.

    Raises:
        PipelineError: names the folder elsewhere, or there is none.
    """
    try:
        write_csv(curve_path, curve)
        save_model(path, model)
    except NotWrittenError as error:
        for place in (tempfile.gettempdir(), "/dev/shm", Path.home()):
            with suppress(OSError, NotWrittenError), ExitStack() as failed:
                folder = Path(tempfile.mkdtemp(prefix="speech-emotion-", dir=place))
                failed.callback(shutil.rmtree, folder, ignore_errors=True)
                write_csv(folder / curve_path.name, curve)
                save_model(folder / path.name, model)
                failed.pop_all()
                way_out = f"move its files to {path.parent} and {curve_path.parent}, then `dvc commit -f` the stage"
                raise PipelineError(f"{error}; the finished training is in {folder}: {way_out}") from error
        raise


if __name__ == "__main__":
    run(main)
