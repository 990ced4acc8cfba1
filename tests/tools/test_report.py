"""What the README and the model card say is what `metrics/` holds."""

import json
import re
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from benchmark.pooling import benchmark, read_published
from speech_emotion.core.errors import PipelineError
from speech_emotion.core.files import write_csv, write_text
from speech_emotion.core.params import read_settings
from speech_emotion.scores import confusion, metrics, to_json
from speech_emotion.scores.evaluation import Evaluation, indices
from speech_emotion.splits.protocols import SplitSettings
from tests.benchmarks import made_up_cells, published_labels
from tests.evaluations import make_clips, make_evaluation
from tests.workspace import ROOT
from tools.report.breakdown import described, mistakes, rates
from tools.report.protocol import NEW_VOICES, SAME_VOICES, protocol_in_words
from tools.report.results import BEGIN, END, filled
from tools.report.write import MODEL_CARD, README, main, pages

PAGE = f"# Title\n\nText.\n\n{BEGIN}\nearlier\n{END}\n\nMore text.\n"
SPLIT = read_settings(ROOT / "params.yaml", "split", SplitSettings)


@pytest.fixture
def evaluation() -> Evaluation:
    return make_evaluation(make_clips())


@pytest.fixture
def project(evaluation: Evaluation, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A root with parameters, results of the last four actors and a README; no benchmark."""
    shutil.copyfile(ROOT / "params.yaml", tmp_path / "params.yaml")
    write_csv(tmp_path / "metrics/predictions.csv", evaluation.predictions())
    write_text(tmp_path / "metrics/metrics.json", to_json(metrics(evaluation)))
    write_text(tmp_path / "README.md", PAGE)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_readme_and_card_are_what_metrics_say(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    if not Path("metrics/metrics.json").exists():
        pytest.skip("metrics/metrics.json is not there yet: no results to report")
    for path, text in pages().items():
        assert path.read_text(encoding="utf-8") == text, f"{path} is not what metrics/ says; run `make results`"


def test_report_has_both_models_with_intervals(project: Path, evaluation: Evaluation) -> None:
    main([])
    text, scores = README.read_text(), metrics(evaluation)
    assert text.startswith(
        f"# Title\n\nText.\n\n{BEGIN}\nProtocol `speakers`: tested on RAVDESS's actors 21, 22, 23, 24; "
    )
    assert text.endswith(f"{END}\n\nMore text.\n")
    assert "earlier" not in text

    def shown(score: float) -> str:
        return f"{100 * score:.1f}"

    low, high = (shown(scores["accuracy_ci"][end]) for end in ("low", "high"))
    assert f"| 288 px | 240 | {shown(scores['accuracy'])} ({low} to {high}) | {shown(scores['uar'])} (" in text
    brief = scores["low_resolution"]
    assert f"| 144 px | 240 | {shown(brief['accuracy'])} | {shown(brief['uar'])} |" in text
    assert f"{shown(scores['ece'])} % after temperature scaling, {shown(scores['ece_raw'])} % before" in text
    assert f"| recall, %, 288 px | {' | '.join(shown(recall) for recall in scores['recall'].values())} |" in text
    assert "luna_jimenez" not in text


def test_corpora_have_rows_of_their_own_where_both_are_tested(project: Path) -> None:
    evaluation = make_evaluation(make_clips(tess_words=9))
    write_csv(project / "metrics/predictions.csv", evaluation.predictions())
    write_text(project / "metrics/metrics.json", to_json(metrics(evaluation)))
    section = pages()[README]
    for corpus, clips in (("ravdess", 240), ("tess", 63)):
        shown = f"{100 * metrics(evaluation)[corpus]['accuracy']:.1f}"
        assert re.search(rf"\| 288 px, {corpus} \| {clips} \| {shown} \(", section)


def test_card_says_who_and_what(project: Path) -> None:
    card = pages()[MODEL_CARD]
    for needed in ("two voices", "no children", "decisions about people", "CC BY-NC-SA 4.0", "CC BY-NC-ND 4.0", "MIT"):
        assert needed in " ".join(card.split())
    # 16 neutral clips are normal only: 128 normal, 112 strong; two of the four actors are women.
    for row in ("| normal intensity (RAVDESS) | 128 | 4 |", "| women | 120 | 2 |", "| men | 120 | 2 |"):
        assert row in card
    assert "| strong intensity (RAVDESS; neutral has none) | 112 | 4 |" in card
    assert "{" not in card


def test_card_names_the_most_frequent_mistakes_first(project: Path, evaluation: Evaluation) -> None:
    card, clips = pages()[MODEL_CARD], described(evaluation.predictions())
    matrix = confusion.count(indices(clips["actual"]), indices(clips["predicted"]))
    shares = matrix / matrix.sum(axis=1, keepdims=True)
    np.fill_diagonal(shares, 0)
    found = mistakes(clips)
    assert found["share"].iloc[0] == shares.max()
    assert found["clips"].sum() == (clips["actual"] != clips["predicted"]).sum()
    assert found["share"].is_monotonic_decreasing
    first = found.iloc[0]
    assert f"| {first['actual']} | {first['predicted']} | {first['clips']} | {100 * first['share']:.1f} |" in card


def test_benchmark_comes_in_once_it_has_run(project: Path) -> None:
    figures = benchmark(made_up_cells(published_labels()), read_published(ROOT / "benchmark/published.csv"))
    write_text(project / "metrics/benchmark.json", json.dumps(figures))
    written = pages()
    own = figures["protocols"]["luna_jimenez"]["high"]
    interval = " to ".join(f"{100 * own['accuracy_ci'][end]:.1f}" for end in ("low", "high"))
    for path in (README, MODEL_CARD):
        assert f"**this project, 288 px, one crop** | **{100 * own['accuracy']:.1f} ({interval})**" in written[path]
        assert "|  | tutorial: then 288 px | 83.1 |  |" in written[path]
        assert f"{100 * figures['leak_gap']['high']['gap']:.1f} (" in written[path].split("The leak gap")[1]


def test_report_is_the_same_each_time(project: Path) -> None:
    main([])
    once = [path.read_bytes() for path in (README, MODEL_CARD)]
    main([])
    assert [path.read_bytes() for path in (README, MODEL_CARD)] == once


@pytest.mark.parametrize("page", ["no marks", f"{END}\n{BEGIN}", BEGIN, f"{BEGIN}{END}{BEGIN}{END}"])
def test_readme_without_a_place_for_results_is_refused(page: str) -> None:
    with pytest.raises(PipelineError, match="needs the lines"):
        filled(page, "results")


def test_missing_or_damaged_results_are_named(project: Path) -> None:
    write_text(project / "metrics/benchmark.json", "{")
    with pytest.raises(PipelineError, match=r"metrics/benchmark.json: is damaged"):
        pages()
    (project / "metrics/metrics.json").unlink()
    with pytest.raises(PipelineError, match=r"metrics/metrics.json: cannot be read; run `dvc repro evaluate`"):
        pages()


@pytest.mark.parametrize(
    ("changes", "tested", "known"),
    [
        ({}, "RAVDESS's actors 21, 22, 23, 24; temperature from RAVDESS's actors 16, 17, 19, 20;", False),
        ({"protocol": "luna_jimenez", "fold": 5}, "fold 5 of 5: tested on RAVDESS's actors 1, 4, 9, 22;", False),
        ({"protocol": "luna_jimenez", "fold": 5}, "temperature from RAVDESS's actors 2, 5, 14, 15, 16;", False),
        ({"protocol": "tess_swap", "tested_voice": "YAF"}, "tested on TESS's voice YAF;", False),
        ({"protocol": "random"}, "20 % of RAVDESS's and TESS's clips, drawn with seed 42;", True),
    ],
)
def test_protocol_is_told_in_words(changes: dict[str, object], tested: str, known: bool) -> None:
    words = protocol_in_words(replace(SPLIT, **changes))
    assert tested in words
    assert words.endswith(SAME_VOICES if known else NEW_VOICES)


def test_rates_of_a_group_have_known_answers() -> None:
    rows = [("01", "neutral", "neutral"), ("04", "sad", "calm"), ("04", "sad", "sad")]
    clips = [f"ravdess/03-01-{code}-01-01-{place:02d}-07" for place, (code, _, _) in enumerate(rows[:2], start=1)]
    table = pd.DataFrame(rows, columns=["code", "actual", "predicted"]).assign(
        clip=[*clips, "ravdess/03-01-04-02-01-01-08"]
    )
    found = rates(described(table))
    assert (found["accuracy"], found["uar"], found["clips"], found["over"]) == (2 / 3, 0.75, 3, {"ravdess": "clips"})
    assert {name: one["recall"] for name, one in found["recalls"].items()} == {"neutral": 1.0, "sad": 0.5}
    assert described(table)["sex"].tolist() == ["male", "male", "female"]
    assert described(table)["intensity"].tolist() == ["normal", "normal", "strong"]
