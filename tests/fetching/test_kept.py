"""Somebody's own files where an output goes are nowhere deleted."""

import shutil
import sys
from pathlib import Path

import pytest

from tests.small_corpora import contents
from tests.workspace import Workspace, create

RAW = "data/raw/ravdess"


@pytest.fixture(scope="module")
def fetched(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    workspace = create(tmp_path_factory.mktemp("fetched"))
    workspace.dvc("repro", "fetch@ravdess", "labels")
    workspace.commit()
    return workspace


@pytest.fixture
def clone(fetched: Workspace, tmp_path: Path) -> Workspace:
    """A fresh clone with a copy of RAVDESS and a note put where the pipeline writes it."""
    workspace = fetched.clone(tmp_path)
    shutil.copytree(fetched.corpora / "ravdess", workspace.root / RAW)
    (workspace.root / RAW / "notes.txt").write_text("mine")
    return workspace


@pytest.mark.parametrize("corpora", ["data/raw", "../corpora"])
def test_own_copy_in_data_raw_is_kept(fetched: Workspace, clone: Workspace, corpora: str) -> None:
    if not clone.corpora.exists():
        shutil.copytree(fetched.corpora, clone.corpora)
    own = contents(clone.root / RAW)
    printed = clone.run("env", f"SPEECH_CORPORA={corpora}", sys.executable, "-m", "dvc", "repro", "fetch@ravdess")
    assert f"{RAW}: is an output of the pipeline and held files that no cache has; they are in {RAW}.kept" in printed
    assert contents(clone.root / f"{RAW}.kept") == own
    assert contents(clone.root / RAW) == contents(fetched.root / RAW)
    assert clone.git("status", "--porcelain") == ""


def test_a_failed_fetch_leaves_it_where_it_is(clone: Workspace) -> None:
    own = contents(clone.root / RAW)
    (clone.root / "params.yaml").write_text("corpora: {}")
    clone.dvc("repro", "--force", "fetch@ravdess", code=255)
    assert contents(clone.root / RAW) == own


def test_what_the_cache_has_is_replaced(fetched: Workspace, tmp_path: Path) -> None:
    workspace = fetched.copy(tmp_path / "copy")
    workspace.record("ravdess", "Actor_01/03-01-01-01-01-01-01", lowest_hz=900)
    assert workspace.repro("fetch@ravdess") == {"fetch@ravdess"}
    assert {path.name for path in (workspace.root / RAW).parent.iterdir()} == {"ravdess", "tess"}


def test_before_repro_own_files_go_under_another_name(fetched: Workspace, tmp_path: Path) -> None:
    workspace = fetched.copy(tmp_path / "copy")
    assert workspace.run(sys.executable, "-m", "tools.own_files") == ""
    model = workspace.root / "models/image/low.safetensors"
    model.parent.mkdir(parents=True)
    for number, content in (("", "trained elsewhere"), ("1", "trained again")):
        model.write_text(content)
        printed = workspace.run(sys.executable, "-m", "tools.own_files")
        assert printed.count("\n") == 1
        assert f"they are in models/image/low.safetensors.kept{number} now" in printed
        assert model.with_name(f"low.safetensors.kept{number}").read_text() == content
    labels = workspace.root / "data/labels.csv"
    labels.write_text(mended := labels.read_text().replace("calm", "neutral"))
    workspace.run(sys.executable, "-m", "tools.own_files")
    assert (workspace.root / "data/labels.csv.kept").read_text() == mended
    assert workspace.repro("labels") == set()
    assert workspace.git("status", "--porcelain") == ""
