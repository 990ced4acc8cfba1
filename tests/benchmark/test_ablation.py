"""The ablation: which actors it may look at, what its rows change, what its table says."""

import re
import shutil
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from benchmark.ablation.folds import development_split
from benchmark.ablation.removed import Removed, read_removed
from benchmark.ablation.rows import Ablation, Base, Row, changed, read_ablation, read_row
from benchmark.ablation.table import read_rows, to_markdown
from benchmark.ablation.views import VIEWS
from benchmark.answers import Answers, read_made_from, write_answers
from benchmark.run import ABLATION_YAML, ROWS_YAML, commands, seed_by_seed
from speech_emotion.clips import EMOTIONS
from speech_emotion.core.errors import PipelineError
from speech_emotion.core.params import read_settings
from speech_emotion.encoders.image.frontend import MelSettings
from speech_emotion.encoders.image.pretrained import BackboneSettings
from speech_emotion.splits.protocols import SplitSettings
from speech_emotion.training.settings import TrainSettings
from tests.benchmarks import COPY, ORIGINAL, published_labels
from tests.pipeline import Stage, import_closure, read_stages
from tests.trainings import PARAMS
from tests.workspace import ROOT, Workspace

STAGES = read_stages(ABLATION_YAML)
ROWS_FILE = str(ROWS_YAML.relative_to(ROOT))
REMOVED_FILE = ROWS_FILE.replace("rows", "removed")
ABLATION = read_ablation(ROWS_YAML)
LISTS = read_settings(PARAMS, "split", SplitSettings).speakers
NONE_REMOVED = Removed("", "", [])
BASE = Base("half of the epochs", {})
each_stage = pytest.mark.parametrize("stage", STAGES.values(), ids=STAGES)


@pytest.fixture(scope="module")
def labels() -> pd.DataFrame:
    return published_labels()


def test_each_development_actor_is_tested_once_and_what_is_reported_is_not_there(labels: pd.DataFrame) -> None:
    speaker = labels.set_index("clip")["speaker"]
    tested: list[str] = []
    for fold in range(3):
        split = development_split(labels, LISTS, fold=fold, folds=3)
        voices = {part: set(speaker[rows]) for part, rows in split.groupby("part")["clip"]}
        assert not voices["train"] & voices["test"]
        assert not (voices["train"] | voices["test"]) & set(LISTS.test)
        assert {"tess/OAF", "tess/YAF"} < voices["train"]
        assert {int(voice[-2:]) % 2 for voice in voices["test"]} == {0, 1}, "men and women"
        part = split.set_index("clip")["part"]
        assert part[COPY] == part[ORIGINAL]
        tested += sorted(voices["test"])
    assert sorted(tested) == sorted(voice for voice in (*LISTS.train, *LISTS.valid) if voice.startswith("ravdess"))


def test_a_fold_without_actors_is_refused(labels: pd.DataFrame) -> None:
    with pytest.raises(PipelineError, match="fold 0 of 1 tests 20 of 20 actors"):
        development_split(labels, LISTS, fold=0, folds=1)


def test_a_change_reaches_the_setting_that_it_names() -> None:
    settings = read_settings(PARAMS, "finetune_low", TrainSettings)
    after = changed(settings, {"augment": {"gain_db": 0.0}, "mixup": 0.4})
    assert (after.augment.gain_db, after.mixup) == (0.0, 0.4)
    assert (after.augment.speed, after.epochs) == (settings.augment.speed, settings.epochs)
    assert changed(settings, {}) == settings


@pytest.mark.parametrize("change", [{"mixupp": 0.2}, {"augment": {"flip": 1}}, {"batch_size": 1}])
def test_a_change_that_cannot_be_is_refused(change: dict[str, object]) -> None:
    with pytest.raises(PipelineError, match=r"ablation: cannot set (mixupp|flip|batch_size) to"):
        changed(read_settings(PARAMS, "finetune_low", TrainSettings), change)


@pytest.mark.parametrize("name", ABLATION.rows)
def test_every_row_but_the_first_changes_something_that_is_there(name: str) -> None:
    row, before, after = ABLATION.rows[name], [], []
    shared = {"finetune_low": ABLATION.base.low}
    for section, settings, changes in (
        ("finetune_low", TrainSettings, row.low),
        ("finetune_high", TrainSettings, row.high or {}),
        ("backbone", BackboneSettings, row.backbone),
        ("spectrograms", MelSettings, row.spectrograms),
    ):
        before.append(changed(read_settings(PARAMS, section, settings), shared.get(section, {})))
        after.append(changed(before[-1], changes))
    assert (before == after and row.high is None) == (name == "base")


@pytest.mark.parametrize("name", ["thrice_as_long", "then_high"])
def test_rows_that_say_so_are_as_long_as_the_recipe(name: str) -> None:
    recipe, row = read_settings(PARAMS, "finetune_low", TrainSettings), ABLATION.rows[name]
    assert changed(changed(recipe, ABLATION.base.low), row.low) == recipe
    assert 3 * ABLATION.base.low["epochs"] == recipe.epochs
    assert 3 * ABLATION.rows["twice_as_long"].low["epochs"] == 2 * recipe.epochs


def test_the_dag_has_every_row_and_remakes_spectrograms_where_they_change() -> None:
    remade = {name for name, row in ABLATION.rows.items() if row.spectrograms}
    rows = {f"remade_row@{name}" if name in remade else f"row@{name}" for name in ABLATION.rows}
    assert set(STAGES) == rows | {f"remade@{name}" for name in remade} | {"table"}
    written = {path for name in rows for path in STAGES[name].outs}
    assert written | {ROWS_FILE, REMOVED_FILE} == STAGES["table"].inputs
    runs = seed_by_seed(commands(ABLATION_YAML, "row", "remade_row"))
    assert list(runs)[:2] == ["base 0", "twice_as_long 0"]
    assert len(runs) == len(ABLATION.rows) * len(ABLATION.seeds)


@each_stage
def test_deps_are_the_script_and_all_that_it_imports(stage: Stage) -> None:
    assert list(stage.deps) == sorted(set(stage.deps))
    code = [path for path in stage.deps if path.endswith(".py")]
    assert code == sorted(import_closure(ROOT, stage.script))
    assert ROWS_FILE in stage.inputs
    assert stage.inputs | set(stage.outs) == stage.paths


def test_rows_are_no_parameters_which_a_params_diff_would_list() -> None:
    assert {name for stage in STAGES.values() for name in map(str, stage.params)} <= {
        "backbone", "finetune_high", "finetune_low", "split", "spectrograms",
    }  # fmt: skip


def made_up(skill: float, seed: int, clips: int = 160) -> Answers:
    """Answers for clips of ten actors: noise, and a skill on the actual emotion."""
    emotions = [EMOTIONS[place % 8] for place in range(clips)]
    names = [f"ravdess/03-01-{place % 8 + 1:02d}-01-01-01-{place // 16 + 1:02d}" for place in range(clips)]
    right = np.eye(8)[[EMOTIONS.index(emotion) for emotion in emotions]]
    noise = np.random.default_rng(seed).normal(size=right.shape)
    table = pd.DataFrame({"clip": names, "emotion": emotions})
    return Answers(table, dict.fromkeys(VIEWS, noise + skill * right), dict.fromkeys(VIEWS, 1.0), {"crops": 1})


def cells(page: str, name: str) -> list[str]:
    [line] = [line for line in page.splitlines() if line.startswith(f"| {name} |")]
    return [cell.strip() for cell in line.split("|")[1:-1]]


def test_the_table_tells_a_better_lever_from_one_that_does_nothing() -> None:
    ablation = Ablation((0, 1), 4, BASE, {name: Row(says=name) for name in ("first", "better", "same")})
    rows = {
        name: {seed: made_up(skill, seed) for seed in (0, 1)}
        for name, skill in (("first", 1), ("better", 3), ("same", 1))
    }
    page = to_markdown(ablation, rows, NONE_REMOVED)
    assert "the 10 actors" in page
    assert "has half of the epochs, unless" in page
    assert cells(page, "first")[4:6] == ["", ""]
    gain, low, high = (float(figure) for figure in re.findall(r"-?[\d.]+", cells(page, "better")[4]))
    assert 20 < low < gain < high
    uars = [float(cells(page, name)[3].split()[0]) for name in ("better", "first")]
    assert gain == pytest.approx(uars[0] - uars[1], abs=0.11)
    assert [figure[0] for figure in cells(page, "better")[5].split(", ")] == ["+", "+"]
    assert cells(page, "same")[4:6] == ["0.0 (0.0 to 0.0)", "+0.0, +0.0"]
    assert page == to_markdown(ablation, rows, NONE_REMOVED)
    assert "Tried and removed" not in page


def test_a_row_that_lacks_a_seed_is_compared_on_the_seeds_that_it_has() -> None:
    ablation = Ablation((0, 1), 4, BASE, {name: Row(says=name) for name in ("first", "half")})
    first = {seed: made_up(1, seed) for seed in (0, 1)}
    page = to_markdown(ablation, {"first": first, "half": {1: first[1]}}, NONE_REMOVED)
    assert [cells(page, name)[1] for name in ("first", "half")] == ["2", "1"]
    assert cells(page, "half")[4:6] == ["0.0 (0.0 to 0.0)", "+0.0"]


def test_lines_of_removed_levers_stay_on_the_page() -> None:
    removed = read_removed(ROOT / REMOVED_FILE)
    page = to_markdown(ABLATION, {"base": {seed: made_up(1, seed) for seed in ABLATION.seeds}}, removed)
    assert f"in the commit `{removed.commit}`" in page
    assert removed.first in page
    for line in removed.lines:
        assert cells(page, line[0]) == line
        assert line[1] == str(len(ABLATION.seeds))


def test_rows_that_are_missing_or_tested_other_clips_are_named(tmp_path: Path) -> None:
    ablation = Ablation((0,), 4, BASE, {name: Row(says=name) for name in ("first", "second")})
    write_answers(tmp_path / "first" / "0", made_up(1, 0))
    with pytest.raises(PipelineError, match="row 'second' lacks answers"):
        read_rows(ablation, [tmp_path / "first"])
    write_answers(tmp_path / "second" / "0", made_up(1, 0, clips=144))
    with pytest.raises(PipelineError, match="row 'second' tested other clips than the first"):
        read_rows(ablation, [tmp_path / "first", tmp_path / "second"])


def test_unknown_rows_and_seeds_that_repeat_are_refused(tmp_path: Path) -> None:
    with pytest.raises(PipelineError, match="has no row 'mix'; take one of base, "):
        read_row(ROWS_YAML, "mix")
    text = ROWS_YAML.read_text(encoding="utf-8").replace("seeds: [0, 1, 2]", "seeds: [0, 0]")
    (tmp_path / "rows.yaml").write_text(text, encoding="utf-8")
    with pytest.raises(PipelineError, match="seeds that differ"):
        read_ablation(tmp_path / "rows.yaml")


SMALL_ROWS = """\
ablation:
  seeds: [0, 1, 2]
  crops: 2
  base: {says: as many epochs, low: {dropout: 0.4}}
  rows:
    base: {says: as it is}
    random_weights: {says: another seed of the first weights, backbone: {seed: 1}, high: {}}
    mels_64: {says: 64 mel bins, spectrograms: {n_mels: 64}}
"""


def test_rows_run_without_dvc_and_are_taken_over_by_it(workspace: Workspace) -> None:
    scripts = ["benchmark/run.py", *(f"benchmark/ablation/{name}.py" for name in ("train", "shards", "table"))]
    code = {file for script in scripts for file in import_closure(ROOT, script)}
    for file in (*code, str(ABLATION_YAML.relative_to(ROOT)), "benchmark/dvc.yaml"):
        if file.startswith("benchmark/"):
            (workspace.root / file).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(ROOT / file, workspace.root / file)
    (workspace.root / ROWS_FILE).write_text(SMALL_ROWS, encoding="utf-8")
    shutil.copyfile(ROOT / REMOVED_FILE, workspace.root / REMOVED_FILE)
    dag = str(ABLATION_YAML.relative_to(ROOT))
    assert workspace.repro(f"{dag}:remade@mels_64") == {f"{dag}:remade@mels_64"}

    rows = ("base", "random_weights", "mels_64")
    command = (sys.executable, "-m", "benchmark.run", "--ablation", *rows)
    printed = workspace.run(*command)
    assert len(re.findall(r"^\w+ [012]: \d+ clips answered", printed, re.MULTILINE)) == 9
    assert workspace.run(*command).count("is there already") == 9
    made_from = read_made_from(workspace.root / "benchmark/ablation/answers/random_weights/0")
    assert (made_from["low"]["dropout"], made_from["high"]["dropout"]) == (0.4, 0.2), "the base is the first training's"

    for row in rows:
        workspace.dvc("commit", "--force", f"{dag}:{'remade_row' if row == 'mels_64' else 'row'}@{row}")
    assert workspace.repro(f"{dag}:row@base", f"{dag}:remade_row@mels_64") == set()
    answers = [f"benchmark/ablation/answers/{row}" for row in rows]
    page = "metrics/ablation.md"
    workspace.run(sys.executable, "-m", "benchmark.ablation.table", ROWS_FILE, REMOVED_FILE, page, *answers)
    assert "the 3 actors" in (workspace.root / page).read_text(encoding="utf-8")
    workspace.set_param("finetune_high.dropout", 0.3)
    assert workspace.run(*command).count("clips answered") == 3, "one row of three has a second training"
