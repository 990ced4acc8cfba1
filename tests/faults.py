"""Stages and `dvc repro` killed at random moments, and run again: `python -m tests.faults 200`, `... 20 --repro`.

A tiny project's stages run one by one, as `dvc repro` runs them: what a stage writes is taken away, then its command
starts. Its process group gets SIGKILL or SIGTERM at a random moment. After that each output must be absent or whole;
after the next run all must be as after an undisturbed one, with nothing temporary beside them.
With `--repro` the process group is that of DVC, which runs one stage; what its cache has of the outputs goes first, or
the next `dvc repro` would bring them from there.
"""

import argparse
import importlib
import json
import os
import random
import runpy
import shutil
import signal
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

import yaml

from tests.pipeline import read_stages
from tests.small_corpora import contents
from tests.warm_python import LIBRARIES
from tests.workspace import Workspace, create

ORDER = ("fetch", "labels", "split", "spectrograms", "pretrained", "finetune", "evaluate", "fuse", "export")
FIRST = ("low", "head")  # of each encoder's trainings
KILLED = (signal.SIGKILL, signal.SIGTERM)
SCRATCH = ".partial"
REPRO_S = 6.0  # what DVC and a short stage take, both from a cold start
MODEL, CLIP = "models/emotion.onnx", "data/raw/tess/OAF_sad/OAF_back_sad.wav"
PREDICT = f"python -m speech_emotion.cli predict --model {MODEL} --timeline --picture data/timeline.png {CLIP}"


@dataclass(frozen=True)
class Command:
    """What one stage runs, and the paths that it writes."""

    name: str
    argv: list[str]  # module and arguments
    outs: list[str]


def commands(root: Path) -> list[Command]:
    """Return the stages of the project at `root` in an order that they can run in, and a prediction."""
    stages = [Command(one.name, one.cmd.split()[2:], list(one.outs)) for one in read_stages(root / "dvc.yaml").values()]
    stages.sort(key=lambda one: (ORDER.index(one.name.partition("@")[0]), not one.name.endswith(FIRST)))
    return [*stages, Command("predict", PREDICT.split()[2:], ["data/timeline.png"])]


def run(command: Command, workspace: Workspace, *, kill_after_s: float | None = None, number: int = 0) -> int:
    """Run `command` in a fork with a session of its own; return its exit code, negative for a signal's number."""
    pid = os.fork()
    if not pid:
        _become(command, workspace)
    if kill_after_s is not None:
        time.sleep(kill_after_s)
        with suppress(ProcessLookupError):  # it has ended
            os.killpg(pid, number)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


def _become(command: Command, workspace: Workspace) -> NoReturn:
    code = 1
    try:
        os.setsid()
        log = os.open(workspace.folder / "log.txt", os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
        os.dup2(log, 1)
        os.dup2(log, 2)
        os.environ.clear()
        os.environ.update(workspace.environment)
        os.chdir(workspace.root)
        sys.path[0] = str(workspace.root)
        sys.argv = list(command.argv)
        runpy.run_module(command.argv[0], run_name="__main__", alter_sys=True)
    except SystemExit as ended:
        code = ended.code if isinstance(ended.code, int) else int(ended.code is not None)
    finally:
        with suppress(BaseException):
            sys.stdout.flush()
            sys.stderr.flush()
        os._exit(code)


def written(command: Command, root: Path) -> Mapping[str, Mapping[str, bytes]]:
    """Return the outputs that are there: their files' contents, by output and by path in it."""
    there = {out: root / out for out in command.outs if (root / out).exists()}
    return {out: contents(path) if path.is_dir() else {"": path.read_bytes()} for out, path in there.items()}


def delete(command: Command, root: Path) -> None:
    """Delete the outputs, as DVC does before a stage."""
    for out in command.outs:
        path = root / out
        shutil.rmtree(path) if path.is_dir() else path.unlink(missing_ok=True)


def temporary(root: Path) -> list[str]:
    """Return what the writing of outputs left below `root`."""
    return [str(path.relative_to(root)) for path in root.rglob(f".*{SCRATCH}")]


def killed_and_run_again(
    command: Command, workspace: Workspace, expected: Mapping[str, Mapping[str, bytes]], after_s: float, number: int
) -> tuple[bool, list[str]]:
    """Return whether the signal came in time, and what was not as it must be."""
    root, problems = workspace.root, []
    delete(command, root)
    code = run(command, workspace, kill_after_s=after_s, number=number)
    problems += [f"{out} is half" for out, found in written(command, root).items() if found != expected[out]]
    if code == 0 and written(command, root) != expected:
        problems.append(f"ended with 0, and has written {sorted(written(command, root))}")
    delete(command, root)
    if again := run(command, workspace):
        problems.append(f"the next run ended with {again}: {(workspace.folder / 'log.txt').read_text()[-300:]}")
    elif written(command, root) != expected:
        problems.append("the next run's outputs are others")
    problems += [f"{path} was left" for path in temporary(root)]
    for path in temporary(root):  # or each later command would be blamed for it
        shutil.rmtree(root / path)
    return code != 0, problems


def undisturbed(
    every: list[Command], workspace: Workspace
) -> tuple[dict[str, float], dict[str, Mapping[str, Mapping[str, bytes]]]]:
    """Run each command; return how many seconds it took, and what it wrote."""
    took_s, expected = {}, {}
    for command in every:
        for _ in range(2):  # the first may have to read libraries from disk
            began = time.monotonic()
            if code := run(command, workspace):
                sys.exit(f"{command.name}: ended with {code}: {(workspace.folder / 'log.txt').read_text()}")
            took_s[command.name] = time.monotonic() - began
        expected[command.name] = written(command, workspace.root)
        print(f"{command.name}: {took_s[command.name]:.1f} s undisturbed", flush=True)
    return took_s, expected


def forget(command: Command, root: Path) -> None:
    """Delete what DVC's cache has of the outputs, and its run-cache."""
    cache = root / ".dvc" / "cache"
    shutil.rmtree(cache / "runs", ignore_errors=True)
    locked = yaml.safe_load((root / "dvc.lock").read_text(encoding="utf-8"))["stages"][command.name]
    for md5 in [out["md5"] for out in locked["outs"]]:
        path = cache / "files" / "md5" / md5[:2] / md5[2:]
        listed = json.loads(path.read_bytes()) if md5.endswith(".dir") and path.exists() else []
        for one in (path, *(path.parent.parent / file["md5"][:2] / file["md5"][2:] for file in listed)):
            one.unlink(missing_ok=True)


def repro_killed_and_run_again(
    command: Command, workspace: Workspace, expected: Mapping[str, Mapping[str, bytes]], after_s: float, number: int
) -> tuple[bool, list[str]]:
    """Return the same for `dvc repro` of the stage, and `dvc repro` of all after it."""
    root, problems = workspace.root, []
    forget(command, root)
    one = Command("", ["dvc", "repro", "--force", "--single-item", command.name], [])
    code = run(one, workspace, kill_after_s=after_s, number=number)
    problems += [f"{out} is half" for out, found in written(command, root).items() if found != expected[out]]
    if again := run(Command("", ["dvc", "repro"], []), workspace):
        problems.append(f"the next run ended with {again}: {(workspace.folder / 'log.txt').read_text()[-600:]}")
    elif (changed := workspace.git("status", "--porcelain")) or written(command, root) != expected:
        problems.append(f"the next run's outputs are others: {changed}")
    problems += [f"{path} was left" for path in temporary(root)]
    for path in temporary(root):
        shutil.rmtree(root / path)
    return code != 0, problems


def main() -> None:
    """Kill, count, and print what went wrong; the exit code says whether something did."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("kills", type=int, nargs="?", default=200)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--repro", action="store_true", help="kill DVC and the stage that it runs")
    args = parser.parse_args()
    for library in LIBRARIES:
        importlib.import_module(library)
    rng, counts, late, wrong = random.Random(args.seed), Counter[str](), 0, 0
    with tempfile.TemporaryDirectory(prefix="faults-") as folder:
        workspace = create(Path(folder))
        every = commands(workspace.root)
        if args.repro:
            workspace.repro()
            workspace.commit()
            every = [one for one in every if one.name != "predict"]
            rng.shuffle(every)
            took_s = dict.fromkeys([one.name for one in every], REPRO_S)
            expected = {one.name: written(one, workspace.root) for one in every}
        else:
            took_s, expected = undisturbed(every, workspace)
        again = repro_killed_and_run_again if args.repro else killed_and_run_again
        while sum(counts.values()) < args.kills:
            command = every[(sum(counts.values()) + late) % len(every)]
            after_s, number = rng.uniform(0, took_s[command.name]), rng.choice(KILLED)
            hit, problems = again(command, workspace, expected[command.name], after_s, number)
            counts[f"{signal.Signals(number).name}, {command.name}"] += hit
            late += not hit
            wrong += bool(problems)
            for problem in problems:
                print(f"{command.name}, {signal.Signals(number).name} after {after_s:.2f} s: {problem}", flush=True)
            if args.repro or sum(counts.values()) % 20 == 0:
                print(f"{sum(counts.values())} killed, {late} had ended before, {wrong} wrong", flush=True)
    for name in sorted(counts):
        print(f"{name}: {counts[name]}")
    print(f"{sum(counts.values())} killed, {late} had ended before, {wrong} wrong")
    sys.exit(bool(wrong))


if __name__ == "__main__":
    main()
