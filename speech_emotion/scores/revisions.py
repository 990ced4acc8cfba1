"""The committed results of a Git revision, and those of the working tree."""

import json
import subprocess
from dataclasses import dataclass
from io import StringIO
from pathlib import Path
from typing import Any

import pandas as pd

from speech_emotion.core.errors import PipelineError

METRICS = "metrics/metrics.json"
PREDICTIONS = "metrics/predictions.csv"
COLUMNS = ["clip", "actual", "predicted", "confidence"]


@dataclass(frozen=True)
class Results:
    """What one run of `evaluate` said: `metrics.json`, and `predictions.csv` with one row a clip."""

    name: str
    metrics: dict[str, Any]
    predictions: pd.DataFrame


def base_revision() -> str:
    """Return what a branch is compared with: `main`, or the last commit when `main` is checked out.

    Raises:
        PipelineError: there is no `main`, or no repository.
    """
    if _git("branch", "--show-current").strip() == "main":
        return "HEAD"
    for revision in ("main", "origin/main"):
        if _exists(revision):
            return revision
    raise PipelineError("there is no branch main to compare with; name a revision: speech-emotion compare REV")


def read_revision(revision: str) -> Results:
    """Return the results that were committed in `revision`: a branch, a tag, a commit.

    Raises:
        PipelineError: there is no such revision, it holds no results, or they do not belong together.
    """
    if not _exists(revision):
        raise PipelineError(f"{revision}: is no revision here; `git fetch`, or name a branch, a tag or a commit")
    return _results(revision, *(_show(revision, path) for path in (METRICS, PREDICTIONS)))


def read_working_tree() -> Results:
    """Return the results in the working tree.

    Raises:
        PipelineError: there are none, or they do not belong together.
    """
    try:
        texts = [Path(path).read_text(encoding="utf-8") for path in (METRICS, PREDICTIONS)]
    except OSError as error:
        raise PipelineError(
            f"{error.filename}: cannot be read; run `dvc repro evaluate` in the project's root"
        ) from error
    return _results("working tree", *texts)


def _results(name: str, metrics: str, predictions: str) -> Results:
    try:
        scores = json.loads(metrics)
        table = pd.read_csv(StringIO(predictions))[COLUMNS]
        accuracy = float(scores["accuracy"])
    except (ValueError, KeyError, TypeError) as error:
        raise PipelineError(
            f"{name}: {METRICS} or {PREDICTIONS} is damaged ({error}); run `dvc repro evaluate`"
        ) from error
    found = (table["actual"] == table["predicted"]).mean()
    if table["clip"].duplicated().any():
        twice = table.loc[table["clip"].duplicated(), "clip"].iloc[0]
        raise PipelineError(f"{name}: {PREDICTIONS} has {twice} twice; run `dvc repro evaluate`")
    # metrics.json has four decimals.
    if abs(found - accuracy) > 1e-4:
        raise PipelineError(
            f"{name}: {METRICS} says accuracy {accuracy:.4f}, {PREDICTIONS} gives {found:.4f}: they are of two runs; "
            "run `dvc repro evaluate` and commit both"
        )
    return Results(name, scores, table)


def _show(revision: str, path: str) -> str:
    try:
        # "./": below the current folder, also where the project is not the root of its repository.
        return _git("show", f"{revision}:./{path}")
    except PipelineError as error:
        raise PipelineError(f"{revision}: has no {path}; compare with a revision that has run evaluate") from error


def _exists(revision: str) -> bool:
    try:
        _git("rev-parse", "--verify", "--quiet", "--end-of-options", f"{revision}^{{commit}}")
    except PipelineError:
        return False
    return True


def _git(*arguments: str) -> str:
    try:
        return subprocess.run(["git", *arguments], check=True, capture_output=True, encoding="utf-8").stdout
    except FileNotFoundError as error:
        raise PipelineError("git: is not installed; compare reads committed results with it") from error
    except subprocess.CalledProcessError as error:
        reason = " ".join(error.stderr.split()) or f"exit status {error.returncode}"
        raise PipelineError(f"git {arguments[0]}: {reason}; run in the project's root") from error
