"""`dvc exp` runs the pipeline with other parameters, in the workspace and in the copies that its queue makes."""

import csv
import io
import re

import pytest

from tests.workspace import ROOT, Workspace, stages_run

SHUFFLED = ("-S", "split.protocol=random")


@pytest.fixture
def shown() -> tuple[str, ...]:
    """The arguments of the `dvc exp show` that docs/team.md recommends."""
    text = (ROOT / "docs" / "team.md").read_text(encoding="utf-8")
    [pattern] = re.findall(r"^dvc exp show --only-changed --drop '(.*)'$", text, re.MULTILINE)
    return ("exp", "show", "--only-changed", "--drop", pattern, "--csv")


def table(workspace: Workspace, shown: tuple[str, ...]) -> list[dict[str, str]]:
    # DVC's table for programs has its bookkeeping beside the columns that a terminal shows.
    rows = csv.DictReader(io.StringIO(workspace.dvc(*shown)))
    return [{key: row[key] for key in row if key not in ("rev", "typ", "parent")} for row in rows]


def test_experiments_one_and_queued_run_what_their_parameters_change(
    workspace: Workspace, shown: tuple[str, ...]
) -> None:
    # The split stands for all stages: it takes no training to run it.
    printed = workspace.dvc("exp", "run", "-n", "seven", *SHUFFLED, "-S", "split.seed=7", "split")
    assert stages_run(printed) == {"split"}
    assert "protocol: random" in (workspace.root / "params.yaml").read_text()
    workspace.git("checkout", "-q", ".")

    workspace.dvc("exp", "run", "--queue", *SHUFFLED, "-S", "split.seed=1,2", "split")
    printed = workspace.dvc("exp", "run", "--run-all")
    assert printed.count("Running stage 'split'") == 2
    assert stages_run(printed) == {"split"}, "a copy of the project has all that the others wrote"
    assert "protocol: speakers" in (workspace.root / "params.yaml").read_text(), "the queue leaves the workspace alone"

    workspace.set_param("image.low.epochs", 4)
    rows = table(workspace, shown)
    assert list(rows[0]) == ["Experiment", "split.protocol", "split.seed", "image.low.epochs"]
    found = {row["Experiment"]: row["split.seed"] for row in rows if row["split.protocol"] == "random"}
    assert sorted(found.values()) == ["1", "2", "7"]
    assert found["seven"] == "7"


def test_table_of_experiments_has_the_scores_that_matter(workspace: Workspace, shown: tuple[str, ...]) -> None:
    metrics = (workspace.root / "metrics/image/metrics.json").read_text()
    (workspace.root / "metrics/image/metrics.json").write_text(re.sub(r"0\.\d+", "0.9876", metrics))
    columns = [column for column in table(workspace, shown)[0] if column != "Experiment"]
    assert columns == [f"metrics/image/metrics.json:{score}" for score in ("accuracy", "uar", "ece")]
