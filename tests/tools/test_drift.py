"""`make drift` in a clone without data: silent while dvc.lock describes what Git holds, and precise otherwise."""

import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from dvc.utils.serialize import dump_yaml, load_yaml

from tests.workspace import Workspace

SEEN = "changed since it ran: "


@pytest.fixture(scope="module")
def clone(finished_workspace: Workspace, tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    """What CI has: no data, no cache. Each test leaves it as it was."""
    clone = finished_workspace.clone(tmp_path_factory.mktemp("drift") / "clone")
    assert not (clone.root / "data" / "raw").exists()
    return clone


def drift(workspace: Workspace, code: int) -> list[str]:
    """Return the lines before the error."""
    printed = workspace.run(sys.executable, "-m", "tools.drift", code=code).splitlines()
    assert not printed or printed[-1].startswith("error: dvc.lock does not describe")
    return printed[:-1]


def set_param(clone: Workspace) -> None:
    clone.set_param("finetune_high.epochs", 3)


def comment(clone: Workspace) -> None:
    clone.replace_text("speech_emotion/encoders/image/frontend.py", "import ", "# A comment.\nimport ")


def command(clone: Workspace) -> None:
    clone.replace_text("dvc.yaml", "python -m stages.labels ", "python -u -m stages.labels ")


def module_gone(clone: Workspace) -> None:
    (clone.root / "speech_emotion" / "leaks.py").unlink()


def other_metrics(clone: Workspace) -> None:
    clone.replace_text("metrics/metrics.json", '"clips": 22', '"clips": 23')


def other_labels_of_a_line_by_line_merge(clone: Workspace) -> None:
    """The `labels` of another run, beside a `split` that did not see it."""
    lock = load_yaml(clone.root / "dvc.lock")
    [written] = lock["stages"]["labels"]["outs"]
    written["md5"] = "0" * 32
    dump_yaml(clone.root / "dvc.lock", lock)


@pytest.mark.parametrize(
    ("change", "found"),
    [
        (lambda clone: None, []),
        (set_param, ["finetune_high: changed since it ran: params.yaml: finetune_high"]),
        (
            comment,
            [
                f"spectrograms@{corpus}: {SEEN}speech_emotion/encoders/image/frontend.py"
                for corpus in ("ravdess", "tess")
            ],
        ),
        (command, [f"labels: {SEEN}changed command"]),
        (module_gone, [f"split: {SEEN}speech_emotion/splits/leaks.py"]),
        (other_metrics, [f"evaluate: {SEEN}metrics/metrics.json"]),
        (
            other_labels_of_a_line_by_line_merge,
            [f"{stage}: {SEEN}data/labels.csv of another run" for stage in ("split", "evaluate")],
        ),
    ],
)
def test_each_stage_that_git_changed_under_is_named(
    clone: Workspace, change: Callable[[Workspace], None], found: list[str]
) -> None:
    change(clone)
    try:
        assert sorted(drift(clone, code=1 if found else 0)) == sorted(found)
    finally:
        clone.git("checkout", "-q", ".")


def test_lock_that_is_not_there_describes_nothing(clone: Workspace) -> None:
    (clone.root / "dvc.lock").unlink()
    try:
        lines = drift(clone, code=1)
    finally:
        clone.git("checkout", "-q", ".")
    assert len(lines) == 10
    assert " more" in lines[0]


def test_other_pipelines_of_the_repository_and_data_do_not_count(workspace: Workspace, tmp_path: Path) -> None:
    other = workspace.root / "other"
    other.mkdir()
    (other / "dvc.yaml").write_text("stages:\n  never:\n    cmd: 'true'\n    deps: [../params.yaml]\n")
    (workspace.root / "data" / "labels.csv").unlink()
    (workspace.root / "models" / "high.safetensors").write_bytes(b"other")
    assert drift(workspace, code=0) == []
