"""A project may lie anywhere, and takes its spectrograms from the last commit there."""

import os
import shutil
from pathlib import Path

import pytest

from tests.workspace import Workspace

STAGE = ("repro", "--single-item", "spectrograms@image-tess")


def cached_again(workspace: Workspace) -> str:
    """Rerun the stage of spectrograms for a comment, and return what was printed."""
    workspace.replace_text("speech_emotion/encoders/image/frontend.py", "\nAMIN", "\n# Silence.\nAMIN")
    return workspace.dvc(*STAGE)


@pytest.mark.parametrize("name", ["two words", 'o\'brien "$HOME" `x`;#%[a]', "Stimmen ü 日本"])
def test_in_a_path_of_any_characters(cached_workspace: Workspace, tmp_path: Path, name: str) -> None:
    assert "28 reused, 0 computed, 0 dropped" in cached_again(cached_workspace.copy(tmp_path / name))


def test_in_a_subfolder_of_a_git_repository(cached_workspace: Workspace, tmp_path: Path) -> None:
    workspace = cached_workspace.copy(tmp_path / "repository" / "it's here")
    shutil.rmtree(workspace.root / ".git")
    workspace.run("git", "init", "-q", str(tmp_path / "repository"))
    workspace.commit()
    assert "28 reused, 0 computed, 0 dropped" in cached_again(workspace)


def test_in_a_worktree(cached_workspace: Workspace, tmp_path: Path) -> None:
    workspace = cached_workspace.copy(tmp_path / "first")
    second = Workspace(tmp_path / "second")
    workspace.git("worktree", "add", "-q", str(second.root))
    shutil.copytree(workspace.root / "data/raw", second.root / "data/raw")
    second.dvc("config", "--local", "cache.dir", str(workspace.root / ".dvc/cache"))
    assert "28 reused, 0 computed, 0 dropped" in cached_again(second)


def test_without_git(cached_workspace: Workspace, tmp_path: Path) -> None:
    workspace = cached_workspace.copy(tmp_path / "workspace")
    shutil.rmtree(workspace.root / ".git")
    workspace.dvc("config", "core.no_scm", "true")
    assert "28 reused, 0 computed, 0 dropped" in cached_again(workspace)


def test_in_a_path_that_is_no_text_the_stage_works_and_says_why_it_reuses_nothing(
    cached_workspace: Workspace, tmp_path: Path
) -> None:
    # DVC itself refuses to run there: it hashes its cache's path as UTF-8.
    workspace = cached_workspace.copy(tmp_path / os.fsdecode(b"lat\xe9n"))
    printed = workspace.stage("spectrograms", "image", "tess", "data/raw/tess", "data/spectrograms/image/tess")
    assert "data/spectrograms/image/tess: not all of it can be reused: " in printed
    assert "0 reused, 28 computed, 0 dropped" in printed
