"""`make drift` in a clone without data: silent while dvc.lock describes what Git holds, and precise otherwise."""

import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from dvc.utils.serialize import dump_yaml, load_yaml

from tests.workspace import Workspace


@pytest.fixture(scope="module")
def cloned(finished_workspace: Workspace, tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    """What CI has: no data, no cache."""
    clone = finished_workspace.clone(tmp_path_factory.mktemp("drift") / "clone")
    assert not (clone.root / "data" / "raw").exists()
    return clone


@pytest.fixture
def clone(cloned: Workspace) -> Iterator[Workspace]:
    yield cloned
    cloned.git("checkout", "-q", ".")


def drift(workspace: Workspace) -> str:
    """Return the stages that `make drift` names."""
    printed = workspace.run("sh", "-c", "python -m tools.drift || true").strip()
    if not printed:
        return ""
    before, _, stages = printed.partition("error: dvc.lock does not describe ")
    assert not before
    return stages.partition(" (`dvc status` says why); run `dvc repro`, and commit")[0]


def set_param(clone: Workspace) -> None:
    clone.set_param("image.high.epochs", 3)


def comment(clone: Workspace) -> None:
    clone.replace_text("speech_emotion/encoders/image/frontend.py", "import ", "# A comment.\nimport ")


def command(clone: Workspace) -> None:
    clone.replace_text("dvc.yaml", "python -m stages.labels ", "python -u -m stages.labels ")


def module_gone(clone: Workspace) -> None:
    (clone.root / "speech_emotion" / "splits" / "leaks.py").unlink()


def other_metrics(clone: Workspace) -> None:
    clone.replace_text("metrics/image/metrics.json", '"clips": 22', '"clips": 23')


def other_labels_of_a_line_by_line_merge(clone: Workspace) -> None:
    """The `labels` of another run, beside a `split` that did not see it."""
    lock = load_yaml(clone.root / "dvc.lock")
    [written] = lock["stages"]["labels"]["outs"]
    written["md5"] = "0" * 32
    dump_yaml(clone.root / "dvc.lock", lock)


def source_of_a_corpus(clone: Workspace) -> None:
    """A stage without an input among the data: nothing hinders a dry run."""
    clone.set_param("corpora.tess.source.path", "elsewhere.zip")


@pytest.mark.parametrize(
    ("change", "found"),
    [
        (lambda clone: None, ""),
        (set_param, "finetune@image_high"),
        (comment, "spectrograms@image-ravdess, spectrograms@image-tess"),
        (command, "labels"),
        (module_gone, "split"),
        (other_metrics, "evaluate@image"),
        (other_labels_of_a_line_by_line_merge, "split"),
        (source_of_a_corpus, "fetch@tess"),
    ],
)
def test_the_first_stage_that_git_changed_under_is_named(
    clone: Workspace, change: Callable[[Workspace], None], found: str
) -> None:
    change(clone)
    assert drift(clone) == found


def test_drift_fails_a_build(clone: Workspace) -> None:
    clone.run("make", "drift", f"VENV={sys.prefix}", "-o", "setup")
    set_param(clone)
    clone.run("make", "drift", f"VENV={sys.prefix}", "-o", "setup", code=2)


def test_lock_that_is_not_there_describes_nothing(clone: Workspace) -> None:
    (clone.root / "dvc.lock").unlink()
    assert {"fetch@ravdess", "fetch@tess", "pretrained@image", "labels"} <= set(drift(clone).split(", "))


def test_a_pipeline_that_dvc_cannot_read_is_one_line(clone: Workspace) -> None:
    (clone.root / "dvc.yaml").write_text("stages: [")
    [line] = clone.run(sys.executable, "-m", "tools.drift", code=1).splitlines()
    assert line.startswith("error: `dvc repro --dry` failed: ")
    assert "dvc.yaml" in line


def test_a_stage_that_would_run_with_its_data_here_is_named_too(workspace: Workspace) -> None:
    assert drift(workspace) == ""
    set_param(workspace)
    assert drift(workspace) == "finetune@image_high"


def test_other_pipelines_of_the_repository_and_absent_data_do_not_count(workspace: Workspace) -> None:
    other: Path = workspace.root / "other"
    other.mkdir()
    (other / "dvc.yaml").write_text("stages:\n  never:\n    cmd: 'true'\n    deps: [../params.yaml]\n")
    (workspace.root / "data" / "labels.csv").unlink()
    assert drift(workspace) == ""
