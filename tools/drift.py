"""Whether dvc.lock describes the code, the parameters and the metrics beside it. Needs no data and no cache.

`dvc status` reports all data that are not there, and `dvc repro --dry` exits with 0 although stages would run.
"""

import json
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml

from speech_emotion.core.command import run
from speech_emotion.core.errors import PipelineError

PIPELINE, LOCK = "dvc.yaml", Path("dvc.lock")
SHOWN = 3


def find_drift() -> dict[str, list[str]]:
    """Return stage -> what changed since dvc.lock was written, such as `{"split": ["params.yaml: split"]}`.

    Counted is what Git holds (code, params, manifests, metrics), and data that a stage read in another version
    than the stage before it wrote.

    Raises:
        PipelineError: DVC or Git fails.
    """
    status = json.loads(_printed(sys.executable, "-m", "dvc", "status", PIPELINE, "--json"))
    found = {stage: list(_changes(entries)) for stage, entries in status.items()}
    ignored = _ignored_by_git({change for changes in found.values() for change in changes})
    for stage, path in _mismatches(_locked_stages()):
        found.setdefault(stage, []).append(f"{path} of another run")
    kept = {stage: [change for change in changes if change not in ignored] for stage, changes in found.items()}
    return {stage: changes for stage, changes in kept.items() if changes}


def _changes(entries: Sequence[str | Mapping[str, Mapping[str, Any]]]) -> Iterator[str]:
    for entry in entries:
        if isinstance(entry, str):
            yield entry
            continue
        for paths in entry.values():
            for path, state in paths.items():
                yield from (f"{path}: {key}" for key in state) if isinstance(state, dict) else (path,)


def _ignored_by_git(paths: set[str]) -> set[str]:
    if not paths:
        return set()
    return set(_printed("git", "check-ignore", "--", *sorted(paths), accepted=(0, 1)).splitlines())


def _locked_stages() -> dict[str, Any]:
    if not LOCK.exists():
        return {}
    stages: dict[str, Any] = yaml.safe_load(LOCK.read_text(encoding="utf-8"))["stages"]
    return stages


def _mismatches(stages: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Yield what a line-by-line merge leaves behind: (stage, input) where the stage before has another hash."""
    written = {out["path"]: out["md5"] for body in stages.values() for out in body.get("outs", ())}
    for stage, body in stages.items():
        for dep in body.get("deps", ()):
            if written.get(dep["path"], dep["md5"]) != dep["md5"]:
                yield stage, dep["path"]


def _printed(*command: str, accepted: tuple[int, ...] = (0,)) -> str:
    ended = subprocess.run(command, capture_output=True, text=True)
    if ended.returncode not in accepted:
        reason = ended.stderr.strip().split("\n")[0]
        raise PipelineError(f"`{' '.join(command[-3:])}` ended with {ended.returncode}: {reason}")
    return ended.stdout


def main() -> None:
    """Print the stages that dvc.lock does not describe.

    Raises:
        PipelineError: there are some.
    """
    drift = find_drift()
    for stage, changes in drift.items():
        more = f" and {len(changes) - SHOWN} more" if len(changes) > SHOWN else ""
        print(f"{stage}: changed since it ran: {', '.join(changes[:SHOWN])}{more}", flush=True)
    if drift:
        raise PipelineError(
            f"{LOCK} does not describe {', '.join(drift)}; run `dvc repro`, and commit {LOCK} and metrics/"
        )


if __name__ == "__main__":
    run(main)
