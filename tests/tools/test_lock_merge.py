"""Branches that ran different stages merge, and neither side's work is done again."""

import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from speech_emotion.core.errors import PipelineError
from tests.workspace import ROOT, Workspace
from tools.lock_merge import main, merge_files, merge_stages

OLD, MINE, OTHER = ({"cmd": "run", "deps": [{"path": "a", "md5": md5}]} for md5 in ("0", "1", "2"))


@pytest.mark.parametrize(
    ("base", "ours", "theirs", "merged", "disputed"),
    [
        (OLD, OLD, OLD, OLD, False),
        (OLD, MINE, OLD, MINE, False),
        (OLD, OLD, OTHER, OTHER, False),
        (OLD, MINE, MINE, MINE, False),
        (OLD, MINE, OTHER, MINE, True),
        (None, MINE, None, MINE, False),
        (None, None, OTHER, OTHER, False),
        (None, MINE, OTHER, MINE, True),
        (OLD, None, OLD, None, False),
        (OLD, OLD, None, None, False),
        (OLD, None, None, None, False),
        (OLD, MINE, None, MINE, True),
        (OLD, None, OTHER, None, True),
    ],
)
def test_a_stage_comes_from_the_side_that_changed_it(
    base: Any, ours: Any, theirs: Any, merged: Any, disputed: bool
) -> None:
    versions = ({"stage": entry} if entry else {} for entry in (base, ours, theirs))
    assert merge_stages(*versions) == ({"stage": merged} if merged else {}, ["stage"] if disputed else [])


def test_stages_keep_their_order_and_new_ones_come_last() -> None:
    merged, _ = merge_stages({"b": OLD, "a": OLD}, {"b": OLD, "a": MINE}, {"new": OTHER, "b": OTHER, "a": OLD})
    assert list(merged.items()) == [("b", OTHER), ("a", MINE), ("new", OTHER)]


def test_what_dvc_wrote_comes_out_byte_for_byte(finished_workspace: Workspace, tmp_path: Path) -> None:
    written = (finished_workspace.root / "dvc.lock").read_bytes()
    versions = [tmp_path / name for name in "abc"]
    for version in versions:
        version.write_bytes(written)
    assert merge_files(*versions) == []
    assert versions[1].read_bytes() == written


@pytest.mark.parametrize("damage", ["<<<<<<< HEAD\nschema: '2.0'\n", "- a list", "text"])
def test_damaged_version_stops_the_merge_and_is_left_alone(
    finished_workspace: Workspace, tmp_path: Path, damage: str
) -> None:
    ours = tmp_path / "ours"
    ours.write_text(damage)
    lock = str(finished_workspace.root / "dvc.lock")
    with pytest.raises(PipelineError, match="git checkout --ours"):
        main([lock, str(ours), lock, "dvc.lock"])
    assert ours.read_text() == damage


def with_driver(workspace: Workspace) -> Workspace:
    """Install the merge driver as `make setup` does."""
    # -n: the target's other half would build an environment.
    recipe = workspace.run("make", "--no-print-directory", "-n", "setup", f"VENV={sys.prefix}")
    [line] = [line for line in recipe.splitlines() if line.startswith("git config merge.")]
    workspace.run("sh", "-c", line)
    return workspace


def test_two_runs_of_one_stage_are_never_mixed_where_git_alone_mixes_them(tmp_path: Path) -> None:
    # The dependency of one branch, the output of the other: nobody has computed that.
    workspace = Workspace(tmp_path)
    workspace.root.mkdir()
    for file in (".gitattributes", "Makefile", "requirements.lock"):
        (workspace.root / file).write_bytes((ROOT / file).read_bytes())
    for name in ("speech_emotion", "tools"):
        (workspace.root / name).symlink_to(ROOT / name)
    workspace.git("init", "-q", "-b", "main")
    lines = ("    - path: a", "      md5: 'DEP'", *(f"    - path: {n}\n      md5: 'x'" for n in range(4)))

    def commit(dep: str, out: str) -> None:
        text = "\n".join(["schema: '2.0'", "stages:", "  s:", "    cmd: run", "    deps:", *lines, "    outs:"])
        text += "\n    - path: o\n      md5: 'OUT'\n"
        (workspace.root / "dvc.lock").write_text(text.replace("DEP", dep).replace("OUT", out))
        workspace.commit()

    commit("old", "old")
    workspace.git("switch", "-q", "-c", "theirs")
    commit("theirs", "old")
    workspace.git("switch", "-q", "main")
    commit("old", "ours")
    workspace.git("merge", "-q", "--no-edit", "theirs")
    assert _md5s(workspace) == ("theirs", "ours"), "Git alone merges without a conflict"
    workspace.git("reset", "-q", "--hard", "HEAD^")
    printed = with_driver(workspace).git("merge", "theirs", code=1)
    assert "both sides changed s," in printed
    assert _md5s(workspace) == ("old", "ours")


def _md5s(workspace: Workspace) -> tuple[str, str]:
    stage = yaml.safe_load((workspace.root / "dvc.lock").read_text())["stages"]["s"]
    return stage["deps"][0]["md5"], stage["outs"][0]["md5"]


def test_stage_that_both_branches_changed_is_settled_by_repro(workspace: Workspace) -> None:
    with_driver(workspace)
    workspace.git("switch", "-q", "-c", "theirs")
    _comment(workspace, "stages/labels.py")
    workspace.git("switch", "-q", "main")
    _comment(workspace, "speech_emotion/labels.py")
    ours = (workspace.root / "dvc.lock").read_bytes()
    assert "dvc.lock: both sides changed labels," in workspace.git("merge", "theirs", code=1)
    assert (workspace.root / "dvc.lock").read_bytes() == ours
    assert workspace.git("diff", "--name-only", "--diff-filter=U").split() == ["dvc.lock"]
    assert workspace.repro("labels") == {"labels"}
    workspace.git("add", "dvc.lock", "metrics")
    workspace.git("commit", "-q", "--no-edit")
    assert workspace.repro("labels") == set()


def _comment(workspace: Workspace, file: str) -> None:
    with (workspace.root / file).open("a") as code:
        code.write("# A comment.\n")
    assert workspace.repro("labels") == {"labels"}
    workspace.commit()


def test_metrics_of_both_branches_are_not_mixed_either(tmp_path: Path) -> None:
    workspace = Workspace(tmp_path)
    metrics = workspace.root / "metrics" / "image" / "metrics.json"
    metrics.parent.mkdir(parents=True)
    (workspace.root / ".gitattributes").write_bytes((ROOT / ".gitattributes").read_bytes())

    def commit(accuracy: str, clips: str) -> str:
        metrics.write_text("\n".join(["{", accuracy, "ece", "uar", "f1", clips, "}"]))
        workspace.commit()
        return metrics.read_text()

    workspace.git("init", "-q", "-b", "main")
    commit("old", "old")
    workspace.git("switch", "-q", "-c", "theirs")
    commit("old", "theirs")
    workspace.git("switch", "-q", "main")
    ours = commit("ours", "old")
    assert "CONFLICT" in workspace.git("merge", "theirs", code=1)
    assert metrics.read_text() == ours


def test_merged_branches_recompute_nothing_that_either_side_computed(workspace: Workspace, tmp_path: Path) -> None:
    # A trains longer. A colleague changes the spectrograms' code, and merges A.
    workspace.git("switch", "-q", "-c", "longer")
    workspace.set_param("image.high.epochs", 2)
    assert workspace.repro() == {"finetune@image_high", "evaluate@image", "fuse"}
    workspace.commit()
    theirs = _results(workspace)
    workspace.git("switch", "-q", "main")

    colleague = with_driver(workspace.clone(tmp_path / "colleague"))
    colleague.git("switch", "-q", "-c", "mel")
    colleague.dvc("pull", "-q")
    with (colleague.root / "speech_emotion" / "cache" / "spectrograms.py").open("a") as code:
        code.write("# A comment.\n")
    corpora = ("ravdess", "tess")
    assert colleague.repro() == {f"spectrograms@{encoder}-{one}" for encoder in ("image", "speech") for one in corpora}
    colleague.commit()

    colleague.git("merge", "--no-edit", "origin/longer")
    colleague.dvc("pull", "-q", "--run-cache")
    assert colleague.run("make", "drift", f"VENV={sys.prefix}", "-o", "setup") == ""
    assert colleague.repro() == set()
    assert _results(colleague) == theirs
    merged = (colleague.root / "dvc.lock").read_bytes()

    # Without the driver: ours, and the run-cache.
    colleague.git("checkout", "HEAD^1", "--", "dvc.lock", "metrics")
    colleague.dvc("checkout", "-q")
    assert colleague.repro("--pull") == set()
    assert _results(colleague) == theirs
    assert (colleague.root / "dvc.lock").read_bytes() == merged


def _results(workspace: Workspace) -> dict[str, bytes]:
    folders = ("metrics/image", "models/image")
    return {str(path.name): path.read_bytes() for folder in folders for path in (workspace.root / folder).glob("*.*")}
