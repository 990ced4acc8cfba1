"""What holds for the repository as a whole."""

import os
import re
import subprocess
import sys
import tomllib
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from speech_emotion.core.params import MOVED
from tests.conftest import LONG

ROOT = Path(__file__).resolve().parents[1]
TEXT_AT_MOST, ARCHIVE_AT_MOST, MODEL_AT_MOST = 1_000_000, 5_000_000, 25_000_000  # bytes
BINARY = (".zip", ".png", ".onnx")
AUDIO = (".wav", ".flac", ".mp3", ".ogg", ".opus")
SURROUNDINGS = {
    "a path of somebody's machine": re.compile(r"(?<![\w.~-])/(root|home|work|Users|opt)/\w"),
    "a package registry": re.compile(r"(pypi|pythonhosted|npmjs|pytorch)\.(org|com|io)"),
    "where packages come from": re.compile(r"--(index-url|extra-index-url|find-links|trusted-host)"),
}


def tracked() -> list[Path]:
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, check=True, capture_output=True, text=True).stdout
    return [ROOT / file for file in listed.split("\0") if file and (ROOT / file).is_file()]


def pyproject() -> dict[str, Any]:
    project: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    return project


def pins() -> dict[str, str]:
    lines = (ROOT / "requirements.lock").read_text(encoding="utf-8").splitlines()
    pairs = (line.split("#")[0].strip().split("==") for line in lines if not line.startswith("#") and line)
    return {canonicalize_name(name): pinned for name, pinned in pairs}


def test_no_file_speaks_of_the_machine_it_was_written_on() -> None:
    found = [
        f"{path.relative_to(ROOT)}: {what}"
        for path in tracked()
        if path.suffix not in BINARY
        for what, pattern in SURROUNDINGS.items()
        if pattern.search(path.read_text(encoding="utf-8"))
    ]
    assert found == []


def test_files_in_git_are_small_and_hold_no_audio() -> None:
    def allowed(path: Path) -> int:
        if path.suffix == ".onnx" and path.is_relative_to(ROOT / "speech_emotion"):
            return MODEL_AT_MOST
        return ARCHIVE_AT_MOST if path.parent == ROOT / "demo" and path.suffix == ".zip" else TEXT_AT_MOST

    assert [path for path in tracked() if path.stat().st_size > allowed(path)] == []
    assert [path for path in tracked() if path.suffix.lower() in AUDIO] == []


def test_lock_pins_every_requirement() -> None:
    project = pyproject()
    listed = [
        *project["dependencies"],
        *(line for extra in project["optional-dependencies"].values() for line in extra),
    ]
    wanted = [Requirement(line) for line in listed]
    unmet = [str(one) for one in wanted if not one.specifier.contains(pins().get(canonicalize_name(one.name), "0"))]
    assert unmet == [], "run `make lock`"


def test_environment_is_the_locked_one() -> None:
    assert {name: version(name) for name in pins()} == pins(), "run `make setup`"


def test_installed_base_is_what_prediction_needs() -> None:
    assert [Requirement(line).name for line in pyproject()["dependencies"]] == [
        "numpy",
        "onnxruntime",
        "soundfile",
        "soxr",
    ]


def test_a_shell_below_the_environments_python_finds_that_python() -> None:
    # DVC starts stages as `python -m ...` through the shell, and nobody has activated anything.
    code = "import os; os.system('command -v python')"
    found = subprocess.run([sys.executable, "-c", code], env={"PATH": os.defpath}, capture_output=True, text=True)
    assert Path(found.stdout.strip()) == Path(sys.prefix) / "bin" / "python"


def test_make_alone_lists_every_target() -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    phony = re.search(r"^\.PHONY: (.*)$", makefile, re.MULTILINE)
    assert phony
    printed = subprocess.run(["make", "--no-print-directory"], cwd=ROOT, check=True, capture_output=True, text=True)
    assert [line.split()[1] for line in printed.stdout.splitlines()] == phony[1].split()


@pytest.mark.parametrize(("setting", "complaint"), [("PYTHON=false", "3.11"), ("VENV=stages", "no Python environment")])
def test_setup_refuses_what_cannot_work(setting: str, complaint: str) -> None:
    elsewhere = [] if setting.startswith("VENV") else ["VENV=build/nowhere"]
    ended = subprocess.run(["make", "setup", setting, *elsewhere], cwd=ROOT, capture_output=True, text=True)
    assert ended.returncode
    assert complaint in ended.stdout


def test_the_page_needs_no_environment_of_gigabytes(tmp_path: Path) -> None:
    def plan(*options: str) -> str:
        command = ["make", "--no-print-directory", "-n", *options, "app", "MODEL=m.onnx", f"VENV={tmp_path}"]
        return subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True).stdout

    alone = plan("-B")
    assert "--constraint requirements.lock --editable '.[app,media]'" in alone
    assert alone.splitlines()[-1] == 'build/app/bin/python -m speech_emotion.app --model "m.onnx"'
    assert "torch" not in alone
    lock = ["git", "hash-object", "requirements.lock"]
    found = subprocess.run(lock, cwd=ROOT, check=True, capture_output=True, text=True)
    (tmp_path / f".lock-{found.stdout.strip()}").touch()
    assert plan().splitlines()[-1] == f'{tmp_path}/bin/python -m speech_emotion.app --model "m.onnx"'


def test_the_readmes_map_names_every_package_and_every_folder() -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    packages = {path.parent.name for path in (ROOT / "speech_emotion").glob("*/__init__.py")}
    folders = {path.relative_to(ROOT).parts[0] for path in tracked() if path.parent != ROOT}
    shown = {name for name in folders if not name.startswith(".")}
    assert sorted(name for name in packages | shown if f"`{name}/`" not in readme) == []


def test_the_files_that_run_first_are_there() -> None:
    assert [name for name in LONG if not (ROOT / "tests" / name).exists()] == []


def test_older_parameters_find_their_place_in_the_teams_page() -> None:
    page = (ROOT / "docs/team.md").read_text(encoding="utf-8").partition("## An older params.yaml")[2]
    assert [name for name in MOVED if f"`{name}`" not in page] == []


def test_ci_runs_the_test_command_of_the_readme() -> None:
    assert (ROOT / ".ci/run").read_text(encoding="utf-8").splitlines()[-1] == "make test"


def test_citation_names_this_version() -> None:
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))
    assert (citation["version"], citation["license"]) == (pyproject()["version"], pyproject()["license"])
