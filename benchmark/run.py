"""Run the cells several at a time, for instance on one GPU: `python -m benchmark.run --jobs 7`; or the ablation's rows.

The commands are those of `benchmark/dvc.yaml`, so that `dvc commit -f benchmark/dvc.yaml:cell` can take the results
(`benchmark/ablation/dvc.yaml` with `--ablation`, a process a seed); neither DVC nor anything that reads audio is needed
here. What was finished before an interruption is kept.
"""

import argparse
import importlib
import shlex
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from multiprocessing import get_context
from pathlib import Path

from speech_emotion.core.command import run
from speech_emotion.core.errors import PipelineError, itemised
from speech_emotion.core.params import read_section

CELLS_YAML = Path(__file__).with_name("dvc.yaml")
ABLATION_YAML = Path(__file__).parent / "ablation" / "dvc.yaml"
ROWS_YAML = ABLATION_YAML.with_name("rows.yaml")


def commands(dvc_yaml: Path, *stages: str) -> dict[str, list[str]]:
    """Return the module and its arguments by the names that `stages` of `dvc_yaml` run over."""
    return {name: command for stage in stages for name, command in _commands(dvc_yaml, stage)}


def _commands(dvc_yaml: Path, stage: str) -> Iterator[tuple[str, list[str]]]:
    command: str = read_section(dvc_yaml, f"stages.{stage}.do.cmd")
    for name in read_section(dvc_yaml, f"stages.{stage}.foreach"):
        yield name, shlex.split(command.replace("${item}", name))[2:]  # python -m


def main(argv: Sequence[str] | None = None) -> None:
    """Run the cells or rows that are named, or all, each in one of `--jobs` processes.

    Raises:
        PipelineError: a name is none; one failed, after all others have run.
    """
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*", help="as in dvc.yaml; all unless given")
    parser.add_argument("--ablation", action="store_true", help="rows of the ablation instead of cells")
    parser.add_argument("--jobs", type=int, default=1, help="processes at a time")
    parser.add_argument("--force", action="store_true", help="run again what is there: the code has changed")
    args = parser.parse_args(argv)
    dag = (ABLATION_YAML, "row", "remade_row") if args.ablation else (CELLS_YAML, "cell")
    known = commands(*dag)
    unknown = sorted(set(args.names) - set(known))
    if unknown:
        raise PipelineError(f"{unknown[0]} is no {dag[1]}; take some of {', '.join(known)}")
    chosen = {name: known[name] for name in args.names or known}
    run_all(seed_by_seed(chosen) if args.ablation else chosen, jobs=args.jobs, force=args.force)


def seed_by_seed(rows: dict[str, list[str]]) -> dict[str, list[str]]:
    """Return a command for each seed of each row, all rows of the first seed first."""
    seeds = read_section(ROWS_YAML, "ablation.seeds")
    return {f"{name} {seed}": [*row, "--seeds", str(seed)] for seed in seeds for name, row in rows.items()}


def run_all(chosen: dict[str, list[str]], *, jobs: int, force: bool) -> None:
    """Run the commands, each a module and its arguments; a failure lets the others go on.

    Raises:
        PipelineError: names those that failed, and why.
    """
    failures = []
    # A forked process cannot use CUDA, and imports take seconds: a spawned one imports once and takes cell after cell.
    with ProcessPoolExecutor(jobs, mp_context=get_context("spawn")) as pool:
        names = {pool.submit(_run, name, command, force): name for name, command in chosen.items()}
        for future in as_completed(names):
            error = future.exception()
            if error is not None:
                failures.append(f"{names[future]}: {' '.join(str(error).split()) or type(error).__name__}")
                print(f"failed: {failures[-1]}", flush=True)
    if failures:
        raise PipelineError(itemised(f"{len(failures)} of {len(chosen)} failed; run this again for them", failures))


def _run(name: str, command: Sequence[str], force: bool) -> None:
    # torch and fastai: in the processes that train, not in the one that waits
    module, arguments = importlib.import_module(command[0]), command[1:]
    if not force and module.is_there(arguments):
        print(f"{name}: is there already", flush=True)
    else:
        module.main(arguments)


if __name__ == "__main__":
    run(main)
