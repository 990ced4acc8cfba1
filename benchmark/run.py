"""Several cells at a time: `python -m benchmark.run --jobs 16 'cell@image-*'`, on two GPUs eight on each.

No queue of DVC's: it copies the workspace for each experiment, and the machine with the GPU may have no DVC. None of
Dask's: on one machine it is the same processes behind a scheduler, and a second machine takes other names.

The commands are the stages' own, so that `dvc commit -f` takes the results. What is there is left: DVC says whether it
is up to date.
"""

import argparse
import io
import time
from concurrent.futures import ProcessPoolExecutor, as_completed
from contextlib import redirect_stdout
from fnmatch import fnmatch
from itertools import product
from multiprocessing import get_context
from multiprocessing.sharedctypes import Synchronized
from pathlib import Path

from speech_emotion.core.command import run
from speech_emotion.core.errors import PipelineError, itemised
from speech_emotion.core.params import read_section

PIPELINES = (Path("benchmark/dvc.yaml"), Path("benchmark/ablation/dvc.yaml"))
MODULE = "benchmark.cell "


def cells() -> dict[str, list[str]]:
    """Return the arguments of `benchmark.cell` by the name that DVC gives the stage."""
    found = {}
    for stage, body in (one for path in PIPELINES for one in read_section(path, "stages").items()):
        for values in product(*body["matrix"].values()) if MODULE in body.get("cmd", "") else ():
            command = body["cmd"].partition(MODULE)[2]
            for key, value in zip(body["matrix"], values, strict=True):
                command = command.replace(f"${{item.{key}}}", str(value))
            found[f"{stage}@{'-'.join(map(str, values))}"] = command.split()
    return found


def main() -> None:
    """Run the cells that are named, or all, each in one of `--jobs` processes, a failure after all others have run."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*", default=["*"], help="of stages, such as cell@image-*; all unless given")
    parser.add_argument("--jobs", type=int, default=1, help="processes at a time")
    parser.add_argument("--force", action="store_true", help="run again what is there")
    args = parser.parse_args()
    chosen = {name: words for name, words in cells().items() if any(fnmatch(name, one) for one in args.names)}
    if not chosen:
        raise PipelineError(f"no cell is called {' or '.join(args.names)}; take some of {', '.join(cells())}")
    failures = []
    # A forked process cannot use CUDA, and imports take seconds: a spawned one imports once and takes cell after cell.
    context = get_context("spawn")
    with ProcessPoolExecutor(args.jobs, context, take_gpu, (context.Value("i", 0),)) as pool:
        names = {pool.submit(_run, words, args.force): name for name, words in chosen.items()}
        for future in as_completed(names):
            error, name = future.exception(), names[future]
            failures += [f"{name}: {' '.join(str(error).split()) or type(error).__name__}"] if error else []
            print(f"failed: {failures[-1]}" if error else f"{name}: {future.result()}", flush=True)
    if failures:
        raise PipelineError(itemised(f"{len(failures)} of {len(chosen)} failed; run this again for them", failures))


def take_gpu(processes: "Synchronized[int]") -> None:
    """Make one GPU this process's, the next process's the next one; `processes` counts who has one."""
    import torch

    with processes.get_lock():
        number = processes.value
        processes.value += 1
    if torch.cuda.is_available():
        torch.cuda.set_device(number % torch.cuda.device_count())


def _run(words: list[str], force: bool) -> str:
    from benchmark import cell  # torch and fastai: in the processes that train, not in the one that waits

    began = time.monotonic()
    if not force and cell.parse(words).answers.exists():
        return "is there already"
    with redirect_stdout(io.StringIO()):  # a line an epoch of each process
        cell.main(words)
    return f"{time.monotonic() - began:.0f} s"


if __name__ == "__main__":
    run(main)
