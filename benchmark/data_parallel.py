"""Seconds an epoch on one GPU and on all of a machine: `python -m benchmark.data_parallel image.low speech.all`.

Each training runs for some epochs on the project's own spectrograms, through torchrun as docs/corpora_and_gpus.md has
it; without a GPU, in one and in two processes on the CPU.
"""

import argparse
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from statistics import median

import torch
import yaml

from speech_emotion.core.command import run
from speech_emotion.core.errors import PipelineError

PARAMS = Path("params.yaml")
EPOCHS, WARMING_UP = 8, 2  # in the first ones kernels are chosen and steps recorded
LINES = 5  # of what a failed training said


def main() -> None:
    """Train with one process and with several; print seconds an epoch and their ratio."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("trainings", nargs="+", metavar="training", help="section of params.yaml, such as image.low")
    args, count = parser.parse_args(), torch.cuda.device_count() or 2
    for training in args.trainings:
        one, several = seconds_an_epoch(training, 1), seconds_an_epoch(training, count)
        faster = f"{one / several:.2f} times as fast"
        print(f"{training}: {one:.2f} s an epoch, {several:.2f} on {count}: {faster}", flush=True)


def seconds_an_epoch(training: str, count: int) -> float:
    """Return the median over the epochs of `training` with `count` processes, but for the first ones.

    Raises:
        PipelineError: it failed; the end of what it said is in the text.
    """
    encoder, part = training.split(".")
    params = yaml.safe_load(PARAMS.read_text(encoding="utf-8"))
    params[encoder][part] |= {"frozen_epochs": 0, "epochs": EPOCHS, "runs": 1}
    shards = sorted(map(str, Path("data/spectrograms", encoder).iterdir()))
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, PARAMS.name).write_text(yaml.safe_dump(params), encoding="utf-8")
        torchrun = (sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", str(count), "-m")
        written = (f"{folder}/model.safetensors", f"{folder}/curve.csv")
        command = (*torchrun, "stages.finetune", training, "data/split.csv", f"models/{encoder}/pretrained.safetensors")
        return median(_gaps([*command, *written, *shards, "--params", f"{folder}/{PARAMS.name}"]))


def _gaps(command: Sequence[str]) -> list[float]:
    ended, said = [], []
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as process:
        for line in process.stdout or ():
            said.append(line.strip())
            ended += [time.perf_counter()] if ": epoch " in line else []
    if process.returncode:
        raise PipelineError(f"{' '.join(command)}: ended with {process.returncode}: {' | '.join(said[-LINES:])}")
    return [after - before for before, after in zip(ended[WARMING_UP:], ended[WARMING_UP + 1 :], strict=False)]


if __name__ == "__main__":
    run(main)
