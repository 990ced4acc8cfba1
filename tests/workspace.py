"""A small project to run DVC in: the code as it is now, corpora of tones, a training of seconds.

The fixture `workspace` (conftest.py) gives each test a copy of one in which `dvc repro` has run and is committed.
"""

import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

from tests.factorial_corpora import describe, ravdess_clips, record, tess_clips
from tests.warm_python import warm_folder

ROOT = Path(__file__).resolve().parents[1]
ACTORS = ("01", "02", "03", "04")
WORDS = ("back", "bite")
CORPORA = {"ravdess": ravdess_clips(ACTORS), "tess": tess_clips(WORDS)}
CLIPS = {corpus: len(clips) for corpus, clips in CORPORA.items()}
# What a workspace has of its own, what would only make its copies slower, and a DAG that the root's does not run.
LEFT_OUT = ("dvc.lock", "metrics/", "data/", "benchmark/", "demo/", "tests/")
NO_STAGE_READS = ("docs/", "space/", "speech_emotion/released/")

NOWHERE = {"kind": "archive", "path": "absent.zip", "md5": "0" * 32}
PARAMS: Mapping[str, Any] = {
    "corpora.ravdess.source": NOWHERE,
    "corpora.tess.source": NOWHERE,
    "split.speakers": {
        "train": ["ravdess/01", "ravdess/02", "tess/OAF"],
        "valid": ["ravdess/03"],
        "test": ["ravdess/04", "tess/YAF"],
    },
    "image.backbone": {"name": "test_efficientnet", "weights": "none", "seed": 0},
    "image.training.window_s": 0.4,
    "image.training.threads": 1,
    **{
        f"image.{training}.{key}": value
        for training, size in (("low", 32), ("high", 48))
        for key, value in {"image_size": size, "batch_size": 8, "frozen_epochs": 0, "epochs": 1}.items()
    },
    "image.training.mixup": 0.4,
    "speech.backbone": {"name": "whisper-test", "weights": "none", "revision": "none", "seed": 0},
    "speech.training.window_s": 0.4,
    "speech.training.batch_size": 8,
    "speech.training.threads": 1,
    "speech.head.frozen_epochs": 1,
    "speech.all.epochs": 1,
}


@dataclass(frozen=True)
class Workspace:
    """A project of its own Git, DVC, cache and settings, all of it below `folder`."""

    folder: Path

    @property
    def root(self) -> Path:
        """Root of the Git repository: `dvc.yaml`, `params.yaml`, `stages/` ..."""
        return self.folder / "project"

    @property
    def corpora(self) -> Path:
        """What SPEECH_CORPORA names: WAV files below `ravdess/` and `tess/`."""
        return self.folder / "corpora"

    @property
    def sections_read(self) -> Path:
        """What `tests/spy` wrote: a line for each section of params.yaml that a stage read."""
        return self.folder / "sections_read.tsv"

    @property
    def environment(self) -> dict[str, str]:
        """Variables for every command: this Python first on PATH, nothing of the user's DVC, Git and make."""
        foreign = ("SPEECH_", "GIT_", "DVC_", "MAKE", "MFLAGS")
        kept = {key: value for key, value in os.environ.items() if not key.startswith(foreign)}
        own = {name: str(self.folder / "settings") for name in ("DVC_GLOBAL_CONFIG_DIR", "DVC_SYSTEM_CONFIG_DIR")}
        identity = {
            f"GIT_{who}_{what}": "test@localhost" for who in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")
        }
        return {
            **kept,
            **own,
            **identity,
            "PATH": os.pathsep.join((str(Path(sys.executable).parent), kept.get("PATH", os.defpath))),
            "SPEECH_CORPORA": "../corpora",
            "LOKY_MAX_CPU_COUNT": "1",  # a worker process takes longer to start than 60 clips
            "PYTHONPATH": str(ROOT / "tests" / "spy"),
            "SECTIONS_READ": str(self.sections_read),
            "DVC_SITE_CACHE_DIR": str(self.folder / "site_cache"),
            "DVC_NO_ANALYTICS": "1",
            "GIT_CONFIG_GLOBAL": os.devnull,
            "GIT_CONFIG_SYSTEM": os.devnull,
        }

    def run(self, *command: str, code: int = 0) -> str:
        """Run `command` in the root; return what it printed, stdout and stderr together. It must exit with `code`.

        `sys.executable`, make's VENV, and each `python` and `dvc` that the command starts, are warm
        (tests/warm_python.py).
        """
        environment, warm = self.environment, warm_folder()
        environment["PATH"] = os.pathsep.join((f"{warm}/bin", environment["PATH"]))
        instead = {sys.executable: f"{warm}/bin/python", f"VENV={sys.prefix}": f"VENV={warm}"}
        ended = subprocess.run(
            [instead.get(part, part) for part in command],
            cwd=self.root,
            env=environment,
            text=True,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )
        assert ended.returncode == code, f"{' '.join(command)} exited with {ended.returncode}:\n{ended.stdout}"
        return ended.stdout

    def start(self, *command: str, **environment: str) -> "subprocess.Popen[str]":
        """Start `command` in a session of its own; what it prints, stdout and stderr together, comes line by line."""
        return subprocess.Popen(
            command,
            cwd=self.root,
            env=self.environment | {"PYTHONUNBUFFERED": "1"} | environment,
            text=True,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )

    def interrupt(self, *command: str, after: str, meanwhile: Callable[[], object] = lambda: None) -> tuple[int, str]:
        """Run `command`, `meanwhile` after a line that has `after`, and press Ctrl-C.

        Returns the exit code and all that it printed.
        """
        process = self.start(*command)
        with process:
            assert process.stdout
            try:
                printed = "".join(_through(process.stdout, after))
                meanwhile()
            finally:
                os.killpg(process.pid, signal.SIGINT)  # a terminal sends it to every process of the command
            printed += process.stdout.read()
        return process.returncode, printed

    def dvc(self, *arguments: str, code: int = 0) -> str:
        return self.run(sys.executable, "-m", "dvc", *arguments, code=code)

    def git(self, *arguments: str, code: int = 0) -> str:
        return self.run("git", *arguments, code=code)

    def stage(self, name: str, *arguments: str, code: int = 0) -> str:
        """Run `python -m stages.NAME` without DVC."""
        return self.run(sys.executable, "-m", f"stages.{name}", *arguments, code=code)

    def repro(self, *arguments: str) -> set[str]:
        """Run `dvc repro` and return the stages that ran, such as `{"split", "fetch@tess"}`."""
        return stages_run(self.dvc("repro", *arguments))

    def commit(self) -> None:
        self.git("add", "--all")
        self.git("commit", "-q", "--allow-empty", "-m", "Change")

    def set_param(self, dotted: str, value: Any) -> None:
        """Set a parameter such as `image.high.epochs`, or a section."""
        # DVC's own YAML library keeps comments, and quotes what DVC would take for a number.
        path, params_yaml = self.root / "params.yaml", YAML()
        params = params_yaml.load(path)
        *sections, last = dotted.split(".")
        section = params
        for key in sections:
            section = section[key]
        section[last] = value
        params_yaml.dump(params, path)

    def replace_text(self, file: str, old: str, new: str) -> None:
        """Edit a file below the root; `old` must be there."""
        path = self.root / file
        text = path.read_text(encoding="utf-8")
        assert old in text, f"{file} has no {old!r}"
        path.write_text(text.replace(old, new), encoding="utf-8")

    def record(self, corpus: str, *clips: str, lowest_hz: float) -> None:
        """Add or replace clips such as `OAF_sad/OAF_back_sad` in the published corpus, and describe it in its manifest.

        The first has a pitch of `lowest_hz`, and each other is 10 Hz above the one before; 300 to 620 Hz are taken.
        """
        record(self.corpora / corpus, clips, lowest_hz=lowest_hz)
        describe(self.corpora / corpus, self.root / "data" / "manifests" / f"{corpus}.csv")

    def copy(self, folder: Path) -> "Workspace":
        """Copy everything: files, outputs, history, cache and corpora."""
        shutil.copytree(self.folder, folder, dirs_exist_ok=True)
        return Workspace(folder)

    def clone(self, folder: Path) -> "Workspace":
        """Clone into `folder` what is committed: no outputs and an empty cache; the default remote is this cache."""
        clone = Workspace(folder)
        folder.mkdir(parents=True, exist_ok=True)
        self.git("clone", "-q", str(self.root), str(clone.root))
        clone.dvc("remote", "add", "-q", "--local", "--default", "cache", str(self.root / ".dvc" / "cache"))
        return clone


def _through(lines: Iterator[str], last: str) -> Iterator[str]:
    for line in lines:
        yield line
        if last in line:
            return
    raise AssertionError(f"ended without '{last}'")


def stages_run(printed: str) -> set[str]:
    """Return the stages that DVC said it runs."""
    return set(re.findall(r"^Running stage '([^']+)':", printed, re.MULTILINE))


def create(folder: Path) -> Workspace:
    """Make a workspace that is committed and in which no stage has run."""
    workspace = Workspace(folder)
    copy_project(workspace.root, (*LEFT_OUT, *NO_STAGE_READS))
    for key, value in PARAMS.items():
        workspace.set_param(key, value)
    (workspace.root / "data" / "manifests").mkdir(parents=True)
    workspace.record("ravdess", *CORPORA["ravdess"], lowest_hz=300)
    workspace.record("tess", *CORPORA["tess"], lowest_hz=305)
    workspace.git("init", "-q", "-b", "main")
    workspace.commit()
    return workspace


def copy_project(folder: Path, left_out: tuple[str, ...] = LEFT_OUT) -> None:
    """Copy the project as it is now to `folder`, without results and data, benchmark, demo and tests."""
    for file in _project_files(left_out):
        target = folder / file
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(ROOT / file, target)


def _project_files(left_out: tuple[str, ...]) -> list[str]:
    command = ("git", "ls-files", "-z", "--cached", "--others", "--exclude-standard")
    listed = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True).stdout
    return [file for file in listed.split("\0") if file and not file.startswith(left_out) and (ROOT / file).exists()]
