"""The guard: nothing is sent to a remote that `.dvc/public-remotes` marks, by `make push` or by Git's hook."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from dvc.repo import Repo

from speech_emotion.core.errors import PipelineError
from tools.public_remotes import LIST, refuse_public

ROOT = Path(__file__).resolve().parents[2]
HOOKS = ("post-checkout", "pre-commit", "pre-push")
CONFIG = """\
[core]
    remote = lab
['remote "lab"']
    url = {folder}/lab
['remote "open"']
    url = {folder}/open
['remote "shelf"']
    url = {folder}/published/shelf
['remote "inside"']
    url = remote://shelf/inside
['remote "bucket"']
    url = s3://everybody/dvc
['remote "neighbour"']
    url = s3://everybodys/dvc
['remote "web"']
    url = https://data.example.org/dvc
['remote "dav"']
    url = webdavs://dav.example.org/dvc
"""
DVC_YAML = "stages:\n  make:\n    cmd: echo mel > mel\n    outs: [mel]\n"


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A repository with one stage, a private remote `lab`, remotes that are public, and a Git remote."""
    for name in [name for name in os.environ if name.startswith(("GIT_", "DVC_"))]:
        monkeypatch.delenv(name)
    for who in ("AUTHOR", "COMMITTER"):
        monkeypatch.setenv(f"GIT_{who}_NAME", "test")
        monkeypatch.setenv(f"GIT_{who}_EMAIL", "test@localhost")
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", os.devnull)
    monkeypatch.setenv("DVC_NO_ANALYTICS", "1")
    monkeypatch.setenv("PATH", os.defpath)  # of a user who activated nothing: no dvc, another Python
    project = tmp_path / "project"
    (project / ".dvc").mkdir(parents=True)
    (project / ".dvc" / "config").write_text(CONFIG.format(folder=tmp_path))
    shutil.copyfile(ROOT / LIST, project / LIST)
    with (project / LIST).open("a") as marks:
        marks.write(f"open\ns3://Everybody\n{tmp_path}/published\n")
    for name in ("Makefile", "requirements.lock", "speech_emotion", "tools"):
        (project / name).symlink_to(ROOT / name)
    (project / "dvc.yaml").write_text(DVC_YAML)
    run("git", "init", "-q", "--bare", str(tmp_path / "git"), folder=tmp_path)
    run("git", "init", "-q", "-b", "main", folder=project)
    run("git", "remote", "add", "origin", str(tmp_path / "git"), folder=project)
    run("git", "add", ".", folder=project)
    run("git", "commit", "-qm", "All", folder=project)
    monkeypatch.chdir(project)
    return project


def run(*command: str, folder: Path, code: int = 0) -> str:
    ended = subprocess.run(command, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    assert ended.returncode == code, f"{command} exited with {ended.returncode}:\n{ended.stdout}"
    return ended.stdout


def dvc(folder: Path, *arguments: str, code: int = 0) -> str:
    return run(sys.executable, "-m", "dvc", *arguments, folder=folder, code=code)


def share(folder: Path, *arguments: str, code: int = 0) -> str:
    return run(sys.executable, "-m", "tools.sharing", *arguments, folder=folder, code=code)


@pytest.mark.parametrize("remote", [None, "lab", "neighbour", "dav"])
def test_private_remotes_need_nothing(project: Path, remote: str | None) -> None:
    with Repo() as repo:
        refuse_public(repo, remote)


@pytest.mark.parametrize(
    ("remote", "mark"),
    [("open", "open"), ("shelf", "published"), ("inside", "published"), ("bucket", "s3://Everybody"), ("web", "https")],
)
def test_public_remotes_are_refused_by_name_and_by_url(project: Path, remote: str, mark: str) -> None:
    with Repo() as repo, pytest.raises(PipelineError) as refused:
        refuse_public(repo, remote)
    for part in (f"remote '{remote}'", str(LIST), mark, "TESS", "nothing was sent", "make push REMOTE=name"):
        assert part in str(refused.value)


def test_an_outputs_own_remote_counts(project: Path) -> None:
    (project / "dvc.yaml").write_text(DVC_YAML.replace("[mel]", "[mel: {remote: open}]"))
    with Repo() as repo, pytest.raises(PipelineError, match="remote 'open'"):
        refuse_public(repo, "lab")


@pytest.mark.parametrize("problem", ["list", "remote", "default"])
def test_what_is_missing_is_named(project: Path, problem: str) -> None:
    if problem == "list":
        (project / LIST).unlink()
    if problem == "default":
        dvc(project, "config", "--unset", "core.remote")
    expected = {"list": f"{LIST} is missing", "remote": "no remote 'absent'", "default": "no default remote"}[problem]
    with Repo() as repo, pytest.raises(PipelineError, match=expected):
        refuse_public(repo, "absent" if problem == "remote" else None)


def test_make_push_sends_to_private_remotes_only(project: Path, tmp_path: Path) -> None:
    assert "is public" in share(project, "push", "--remote", "open", code=1)
    assert not (tmp_path / "open").exists()
    dvc(project, "repro", "-q")
    share(project, "push", "--remote", "")
    assert objects(tmp_path / "lab")


def objects(folder: Path) -> list[Path]:
    return [path for path in folder.glob("files/md5/*/*") if path.is_file()]


def test_audio_of_a_stage_that_was_renamed_stays_here(project: Path, tmp_path: Path) -> None:
    fetch = "  fetch:\n    cmd: echo audio > RAW\n    outs: [RAW: {push: false}]\n"
    for name in ("raw", "renamed"):
        (project / "dvc.yaml").write_text(DVC_YAML + fetch.replace("RAW", name))
        dvc(project, "repro", "-q")
    share(project, "push")
    assert [path.read_text() for path in objects(tmp_path / "lab")] == ["mel\n"]


def test_a_push_that_leaves_something_out_says_so(project: Path) -> None:
    dvc(project, "repro", "-q")
    shutil.rmtree(project / ".dvc" / "cache" / "files")
    assert "error: push: mel as dvc.lock has it is neither in this cache nor on the remote" in share(
        project, "push", code=1
    )
    dvc(project, "commit", "-q", "-f")
    share(project, "push")
    shutil.rmtree(project / ".dvc" / "cache" / "files")
    share(project, "push")


def test_make_knows_the_commands() -> None:
    for target in ("push", "pull"):
        planned = run("make", "-n", target, "REMOTE=lab", folder=ROOT)
        assert f'-m tools.sharing {target} --remote "lab"' in planned


def test_git_push_sends_results_to_private_remotes_only(project: Path, tmp_path: Path) -> None:
    dvc(project, "repro", "-q")
    install(project)
    dvc(project, "config", "core.remote", "open")
    refused = run("git", "push", "-q", "origin", "main", folder=project, code=1)
    assert "error: remote 'open'" in refused
    assert not (tmp_path / "open").exists()
    assert run("git", "ls-remote", "origin", folder=project) == ""
    dvc(project, "config", "core.remote", "lab")
    run("git", "push", "-q", "origin", "main", folder=project)
    assert objects(tmp_path / "lab")
    assert "refs/heads/main" in run("git", "ls-remote", "origin", folder=project)


def install(project: Path, code: int = 0) -> str:
    return run("make", "--silent", "hooks", f"VENV={sys.prefix}", "-o", "setup", folder=project, code=code)


def written(project: Path) -> dict[str, str]:
    return {name: (project / ".git" / "hooks" / name).read_text() for name in HOOKS}


def test_hooks_are_installed_once_also_after_a_plain_dvc_install(project: Path) -> None:
    dvc(project, "install")
    install(project)
    once = written(project)
    (project / ".git" / "hooks" / "pre-push").unlink()
    install(project)
    assert written(project) == once
    run("git", "commit", "-q", "--allow-empty", "-m", "Works", folder=project)


def test_git_switches_where_outputs_are_not_here(project: Path) -> None:
    dvc(project, "repro", "-q")
    run("git", "add", "dvc.lock", folder=project)
    run("git", "commit", "-qm", "Ran", folder=project)
    install(project)
    shutil.rmtree(project / ".dvc" / "cache")
    (project / "mel").unlink()
    assert "make pull" in run("git", "switch", "-c", "branch", folder=project)


@pytest.mark.parametrize("mine", HOOKS)
def test_a_hook_of_the_users_own_stays_as_it_is(project: Path, mine: str) -> None:
    hook = project / ".git" / "hooks" / mine
    hook.parent.mkdir(exist_ok=True)
    hook.write_text("#!/bin/sh\nmake lint\n")
    assert "is a hook of your own, and stays as it is" in install(project, code=2)
    assert hook.read_text() == "#!/bin/sh\nmake lint\n"
    assert [path.name for path in hook.parent.iterdir() if path.suffix != ".sample"] == [mine]


def test_hooks_elsewhere_are_named(project: Path) -> None:
    run("git", "config", "core.hooksPath", "elsewhere", folder=project)
    assert "core.hooksPath is elsewhere" in install(project, code=2)
    assert not (project / "elsewhere").exists()
