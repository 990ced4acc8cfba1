"""The workflows in .github run what the project has, and forks without secrets get a sensible run."""

import os
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.workspace import ROOT

WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))
MAKEFILE = (ROOT / "Makefile").read_text(encoding="utf-8")
EXPRESSION = re.compile(r"\$\{\{.*?\}\}")


def jobs(workflow: Path) -> dict[str, dict[str, Any]]:
    read: dict[str, dict[str, Any]] = yaml.safe_load(workflow.read_text(encoding="utf-8"))["jobs"]
    return read


def scripts(workflow: Path) -> list[str]:
    return [step["run"] for job in jobs(workflow).values() for step in job["steps"] if "run" in step]


def step(name: str) -> dict[str, Any]:
    steps = jobs(ROOT / ".github/workflows/pull-request.yml")["review"]["steps"]
    [found] = [step for step in steps if step.get("name") == name]
    return dict(found)


each_workflow = pytest.mark.parametrize("workflow", WORKFLOWS, ids=lambda path: path.stem)


@each_workflow
def test_scripts_parse_and_call_targets_that_exist(workflow: Path) -> None:
    for script in scripts(workflow):
        subprocess.run(["bash", "-n", "-c", EXPRESSION.sub("1", script)], check=True)
        for target in re.findall(r"^\s*make (?:--\S+ )*([a-z]+)", script, re.MULTILINE):
            assert re.search(f"^{target}:.*## ", MAKEFILE, re.MULTILINE), target


@each_workflow
def test_every_job_ends_and_may_do_no_more_than_it_needs(workflow: Path) -> None:
    text = workflow.read_text(encoding="utf-8")
    assert yaml.safe_load(text)["permissions"] == {"contents": "read"}
    assert [name for name, job in jobs(workflow).items() if "timeout-minutes" not in job] == []


def test_linter_finds_what_the_schema_allows(tmp_path: Path) -> None:
    linter = re.search(r"^ACTIONLINT := (.*)$", MAKEFILE, re.MULTILINE)
    assert linter
    if not (ROOT / linter[1]).exists():
        pytest.skip("actionlint is not installed: `make lint` says why")
    wrong = tmp_path / "wrong.yml"
    wrong.write_text(WORKFLOWS[0].read_text(encoding="utf-8") + "      - run: echo ${{ nope.x }}\n")
    command = ["node", ".github/actionlint.cjs", linter[1], *map(str, WORKFLOWS), str(wrong)]
    ended = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert ended.returncode == 1
    [line] = ended.stderr.splitlines()
    assert line.startswith(f"{wrong}:")
    assert 'undefined variable "nope"' in line


def test_fresh_clone_runs_the_two_commands_of_the_readme() -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    [commands] = re.findall(r"^## Two commands\n+```sh\n(.*?)```", readme, re.MULTILINE | re.DOTALL)
    ran = scripts(ROOT / ".github/workflows/fresh-clone.yml")
    clone, *two = [line.split("#")[0].strip() for line in commands.splitlines()]
    assert clone.startswith("git clone ")
    assert ran == two


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A folder in which `make` and `dvc` only note how they were called."""
    for name in ("bin/make", ".venv/bin/dvc"):
        tool = tmp_path / name
        tool.parent.mkdir(parents=True)
        tool.write_text(f'#!/bin/sh\necho {tool.name} "$@" >> called\n')
        tool.chmod(0o755)
    (tmp_path / ".dvc").mkdir()
    return tmp_path


def run(project: Path, script: str, **environment: str) -> str:
    path = os.pathsep.join((str(project / "bin"), os.defpath))
    command = ["bash", "-e", "-o", "pipefail", "-c", script]  # as GitHub starts them
    ended = subprocess.run(
        command, cwd=project, env={"PATH": path, **environment}, capture_output=True, text=True, check=True
    )
    return ended.stdout


def test_without_the_secret_nothing_is_pulled_and_the_run_says_so(project: Path) -> None:
    printed = run(project, step("Are the results on the remote?")["run"], DVC_CONFIG_LOCAL="")
    assert printed.startswith("::notice::no secret DVC_CONFIG_LOCAL")
    assert not (project / "called").exists()
    assert not (project / ".dvc/config.local").exists()


def test_with_the_secret_results_are_pulled_and_the_pipeline_is_checked(project: Path) -> None:
    secret = "['remote \"storage\"']\n    password = a b $c"
    printed = run(project, step("Are the results on the remote?")["run"], DVC_CONFIG_LOCAL=secret)
    assert (project / ".dvc/config.local").read_text() == f"{secret}\n"
    assert (project / "called").read_text() == "make pull\ndvc repro --pull --allow-missing evaluate\n"
    assert secret not in printed


def test_forks_get_no_comment_and_secrets_reach_one_step_only() -> None:
    assert step("Comment")["if"] == "github.event.pull_request.head.repo.full_name == github.repository"
    text = (ROOT / ".github/workflows/pull-request.yml").read_text(encoding="utf-8")
    assert text.count("secrets.") == 1
