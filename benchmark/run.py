"""Run the cells several at a time, for instance on one GPU: `python -m benchmark.run --jobs 7`.

The commands are those of `benchmark/dvc.yaml`, so that `dvc commit -f benchmark/dvc.yaml:cell` can take the results;
neither DVC nor anything that reads audio is needed here. What was finished before an interruption is kept.
"""

import argparse
import shlex
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from multiprocessing import get_context
from pathlib import Path

from speech_emotion.command import run
from speech_emotion.errors import PipelineError, itemised
from speech_emotion.params import read_section

DVC_YAML = Path(__file__).with_name("dvc.yaml")


def commands(dvc_yaml: Path) -> dict[str, list[str]]:
    """Return the arguments of `benchmark.cell` by the names of the cells."""
    names = read_section(dvc_yaml, "stages.cell.foreach")
    command: str = read_section(dvc_yaml, "stages.cell.do.cmd")
    return {name: shlex.split(command.replace("${item}", name))[3:] for name in names}  # python -m benchmark.cell


def main(argv: Sequence[str] | None = None) -> None:
    """Run the cells that are named, or all, each in one of `--jobs` processes.

    Raises:
        PipelineError: a name is no cell; a cell failed, after all others have run.
    """
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("cells", nargs="*", help="names as in benchmark/dvc.yaml; all unless given")
    parser.add_argument("--jobs", type=int, default=1, help="cells at a time")
    parser.add_argument("--force", action="store_true", help="run again what is there: the code has changed")
    args = parser.parse_args(argv)
    known = commands(DVC_YAML)
    unknown = sorted(set(args.cells) - set(known))
    if unknown:
        raise PipelineError(f"{unknown[0]} is no cell; take some of {', '.join(known)}")
    run_all({name: known[name] for name in args.cells or known}, jobs=args.jobs, force=args.force)


def run_all(chosen: dict[str, list[str]], *, jobs: int, force: bool) -> None:
    """Run the cells with their arguments; a failure lets the others go on.

    Raises:
        PipelineError: names the cells that failed, and why.
    """
    failures = []
    # A forked process cannot use CUDA, and imports take seconds: a spawned one imports once and takes cell after cell.
    with ProcessPoolExecutor(jobs, mp_context=get_context("spawn")) as pool:
        names = {pool.submit(_run_cell, arguments, force): name for name, arguments in chosen.items()}
        for future in as_completed(names):
            error = future.exception()
            if error is not None:
                failures.append(f"{names[future]}: {' '.join(str(error).split()) or type(error).__name__}")
                print(f"failed: {failures[-1]}", flush=True)
    if failures:
        raise PipelineError(
            itemised(f"{len(failures)} of {len(chosen)} cells failed; run this again for them", failures)
        )


def _run_cell(arguments: Sequence[str], force: bool) -> None:
    from benchmark import cell  # torch and fastai: in the processes that train, not in the one that waits

    if not force and cell.is_there(arguments):
        print(f"{arguments[0]}: is there already", flush=True)
    else:
        cell.main(arguments)


if __name__ == "__main__":
    run(main)
