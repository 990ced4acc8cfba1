"""The committed results of a Git revision, and those of the working tree."""

import json
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from io import StringIO
from pathlib import Path
from typing import Any

import pandas as pd

from speech_emotion.core.errors import PipelineError

FOLDER, METRICS, PREDICTIONS = Path("metrics"), "metrics.json", "predictions.csv"
COLUMNS = ["clip", "corpus", "speaker", "sex", "intensity", "actual", "predicted", "confidence"]


@dataclass(frozen=True)
class Results:
    """One run of `evaluate@<encoder>`: `metrics.json`, and `predictions.csv` with one row a clip.

    `name` is that of the revision, or `working tree`.
    """

    name: str
    encoder: str
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


def common_encoders(revision: str) -> list[str]:
    """Return the encoders of which both the working tree and `revision` hold results.

    Raises:
        PipelineError: there is none, or no such revision.
    """
    _require(revision)
    files = _git("ls-tree", "-r", "--name-only", revision, f"./{FOLDER}").splitlines()
    there = {Path(file).parent.name for file in files}
    if not (common := [encoder for encoder in encoders() if encoder in there]):
        raise PipelineError(
            f"{revision}: has no {FOLDER}/ENCODER/{PREDICTIONS} of {', '.join(encoders())}; "
            "compare with a revision in which evaluate has run"
        )
    return common


def encoders() -> list[str]:
    """Return the encoders of which the working tree holds results.

    Raises:
        PipelineError: there is none.
    """
    found = sorted(path.parent.name for path in FOLDER.glob(f"*/{PREDICTIONS}"))
    if not found:
        raise PipelineError(f"{FOLDER}: holds no results; run `dvc repro` in the project's root")
    return found


def read_revision(revision: str, encoder: str) -> Results:
    """Return the results that were committed in `revision`: a branch, a tag, a commit.

    Raises:
        PipelineError: there is no such revision, it holds no results, or they do not belong together.
    """

    def show(path: Path) -> str:
        try:
            # "./": below the current folder, also where the project is not the root of its repository.
            return _git("show", f"{revision}:./{path}")
        except PipelineError as error:
            way_out = "compare with a revision in which evaluate has run"
            raise PipelineError(f"{revision}: has no {path}; {way_out}") from error

    _require(revision)
    return _results(revision, encoder, show)


def read_working_tree(encoder: str) -> Results:
    """Return the results in the working tree.

    Raises:
        PipelineError: there are none, or they do not belong together.
    """
    try:
        return _results("working tree", encoder, lambda path: path.read_text(encoding="utf-8"))
    except OSError as error:
        way_out = f"run `dvc repro evaluate@{encoder}` in the project's root"
        raise PipelineError(f"{error.filename}: cannot be read; {way_out}") from error


def _results(name: str, encoder: str, read: Callable[[Path], str]) -> Results:
    folder, way_out = FOLDER / encoder, f"run `dvc repro evaluate@{encoder}`"
    metrics, predictions = (read(folder / file) for file in (METRICS, PREDICTIONS))
    try:
        scores = json.loads(metrics)
        # A corpus without intensities has empty cells.
        table = pd.read_csv(StringIO(predictions), keep_default_na=False)
        accuracy = float(scores["accuracy"])
    except (ValueError, KeyError, TypeError) as error:
        raise PipelineError(f"{name}: {folder}: {METRICS} or {PREDICTIONS} is damaged ({error}); {way_out}") from error
    if missing := [column for column in COLUMNS if column not in table]:
        raise PipelineError(f"{name}: {folder}/{PREDICTIONS}: has no column {', '.join(missing)}; {way_out}")
    if len(twice := table.loc[table["clip"].duplicated(), "clip"]):
        raise PipelineError(f"{name}: {folder}/{PREDICTIONS}: has {twice.iloc[0]} twice; {way_out}")
    found = (table["actual"] == table["predicted"]).mean()
    if abs(found - accuracy) > 1e-4:  # metrics.json has four decimals
        raise PipelineError(
            f"{name}: {folder}: {METRICS} says accuracy {accuracy:.4f}, {PREDICTIONS} gives {found:.4f}: "
            f"they are of two runs; {way_out} and commit both"
        )
    return Results(name, encoder, scores, table)


def _require(revision: str) -> None:
    if not _exists(revision):
        raise PipelineError(f"{revision}: is no revision here; `git fetch`, or name a branch, a tag or a commit")


def _exists(revision: str) -> bool:
    try:
        return bool(_git("rev-parse", "--verify", "--quiet", "--end-of-options", f"{revision}^{{commit}}"))
    except PipelineError:
        return False


def _git(*arguments: str) -> str:
    try:
        return subprocess.run(["git", *arguments], check=True, capture_output=True, encoding="utf-8").stdout
    except FileNotFoundError as error:
        raise PipelineError("git: is not installed; compare reads committed results with it") from error
    except subprocess.CalledProcessError as error:
        reason = " ".join(error.stderr.split()) or f"exit status {error.returncode}"
        raise PipelineError(f"git {arguments[0]}: {reason}; run in the project's root") from error
