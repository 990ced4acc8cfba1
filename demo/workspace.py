"""A copy of the project with the demo's corpora and parameters, and with a Git and a DVC of its own."""

import filecmp
import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from speech_emotion.core.errors import PipelineError
from speech_emotion.core.files import write_text

ROOT = Path(__file__).resolve().parents[1]
# What the demo lays over the project's own.
INSTEAD = {
    "params.yaml": "demo/params.yaml",
    "data/manifests/ravdess.csv": "demo/manifests/ravdess.csv",
    "data/manifests/tess.csv": "demo/manifests/tess.csv",
}
# What each workspace has for itself: written by DVC and the stages.
OWN = ("dvc.lock", "metrics/", ".dvc/config", "benchmark/")
# With autostage DVC does not say how to add dvc.lock to Git.
DVC_CONFIG = "[core]\n    analytics = false\n    check_update = false\n    autostage = true\n[cache]\n    dir = cache\n"
PUSH_HINT = "Use `dvc push`"  # there is no remote
AUTHOR = ("-c", "user.name=demo", "-c", "user.email=demo@localhost", "-c", "commit.gpgsign=false")


class Workspace:
    """A folder in which the pipeline runs on the demo's corpora."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def update(self) -> None:
        """Bring the project's files as they are now, uncommitted changes included, to the branch main.

        What was computed is kept, and what was tried on another branch is committed there.

        Raises:
            PipelineError: the project is no Git checkout.
        """
        self.folder.mkdir(parents=True, exist_ok=True)
        if not (self.folder / ".dvc" / "config").exists():
            self._run("git", "init", "-q", "-b", "main")
            write_text(self.folder / ".dvc" / "config", DVC_CONFIG)
        elif _printed(self.folder, "git", "branch", "--show-current").strip() != "main":
            self._commit("What was tried here")
            self._run("git", "switch", "-q", "main")
        files = _project_files()
        for file in sorted(_listed(self.folder, "--cached") - files):
            (self.folder / file).unlink(missing_ok=True)
        for file in sorted(files):
            _copy(ROOT / INSTEAD.get(file, file), self.folder / file)

    def repro(self) -> None:
        """Run what changed, and commit it, so that the next run finds this one's spectrograms.

        Raises:
            PipelineError: a stage failed.
        """
        command = (sys.executable, "-m", "dvc", "repro")
        with subprocess.Popen(
            command, cwd=self.folder, env=_environment(), stdout=subprocess.PIPE, text=True
        ) as process:
            for line in process.stdout or ():
                if not line.startswith(PUSH_HINT):
                    print(line, end="", flush=True)
        self._require(process.returncode, command)
        self._commit("Demo run")

    def _commit(self, message: str) -> None:
        self._run("git", "add", "--all")
        self._run("git", *AUTHOR, "commit", "-q", "--no-verify", "--allow-empty", "-m", message)

    def _run(self, *command: str) -> None:
        self._require(subprocess.run(command, cwd=self.folder, env=_environment()).returncode, command)

    def _require(self, code: int, command: Sequence[str]) -> None:
        if code:
            raise PipelineError(f"{self.folder}: '{' '.join(command[-2:])}' ended with {code}; see the lines above")


def _environment() -> dict[str, str]:
    # Neither the user's corpora nor a hook's or an outer pipeline's settings belong in the demo.
    kept = {key: value for key, value in os.environ.items() if not key.startswith(("SPEECH_", "GIT_", "DVC_"))}
    # Threads that wait asleep: where other programs share the cores, spinning made training several times slower.
    return {"OMP_WAIT_POLICY": "PASSIVE"} | kept | {"PYTHONUNBUFFERED": "1"}


def _project_files() -> set[str]:
    # A new module counts before it is added; whatever else lies beside the project, corpora perhaps, does not.
    tracked = _listed(ROOT, "--cached")
    folders = {file.partition("/")[0] for file in tracked if "/" in file}
    new = {file for file in _listed(ROOT, "--others") if file.partition("/")[0] in folders and (ROOT / file).is_file()}
    return tracked | new


def _listed(folder: Path, *which: str) -> set[str]:
    listed = _printed(folder, "git", "ls-files", "-z", "--exclude-standard", *which)
    return {file for file in listed.split("\0") if file and not file.startswith(OWN)}


def _printed(folder: Path, *command: str) -> str:
    try:
        ended = subprocess.run(command, cwd=folder, env=_environment(), check=True, capture_output=True, text=True)
    except subprocess.CalledProcessError as error:
        raise PipelineError(f"{folder}: is no Git checkout ({error.stderr.strip()}); clone the project") from error
    return ended.stdout


def _copy(source: Path, target: Path) -> None:
    if not source.exists():  # deleted, but not yet committed
        target.unlink(missing_ok=True)
    elif not target.exists() or not filecmp.cmp(source, target, shallow=False):
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(source, target)
