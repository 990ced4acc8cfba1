"""What the README and the model card say is what `metrics/` holds."""

import json
import re
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from speech_emotion.clips import EMOTIONS, indices
from speech_emotion.core.errors import PipelineError
from speech_emotion.core.files import write_csv, write_text
from speech_emotion.core.params import read_settings
from speech_emotion.scores import confusion
from speech_emotion.scores.evaluation import Evaluation
from speech_emotion.scores.metrics import metrics, to_json
from speech_emotion.splits.protocols import SplitSettings
from tests.evaluations import make_clips, make_evaluation
from tests.workspace import ROOT
from tools.report.figures import mistakes
from tools.report.pages import percent
from tools.report.protocol import NEW_VOICES, SAME_VOICES, protocol_in_words
from tools.report.write import BEGIN, END, MODEL_CARD, README, filled, main, pages

PAGE = f"# Title\n\nText.\n\n{BEGIN}\nearlier\n{END}\n\nMore text.\n"
SPLIT = read_settings(ROOT / "params.yaml", "split", SplitSettings)


@pytest.fixture
def evaluation() -> Evaluation:
    return make_evaluation(make_clips())


@pytest.fixture
def project(evaluation: Evaluation, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A root with parameters, results of the last four actors and a README; no benchmark."""
    shutil.copyfile(ROOT / "params.yaml", tmp_path / "params.yaml")
    write_results(tmp_path, evaluation)
    write_text(tmp_path / "README.md", PAGE)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def write_results(project: Path, evaluation: Evaluation, encoder: str = "image") -> None:
    write_csv(project / "metrics" / encoder / "predictions.csv", evaluation.predictions())
    write_text(project / "metrics" / encoder / "metrics.json", to_json(metrics(evaluation)))


def test_readme_and_card_are_what_metrics_say(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    if not list(Path("metrics").glob("*/metrics.json")):
        pytest.skip("metrics/ENCODER/metrics.json is not there yet: no results to report")
    for path, text in pages().items():
        assert path.read_text(encoding="utf-8") == text, f"{path} is not what metrics/ says; run `make results`"


def shown(score: float) -> str:
    return f"{100 * score:.1f}"


@pytest.mark.parametrize(("score", "text"), [(0.7654, "76.5"), (-0.0, "0.0"), (-0.0004, "0.0"), (None, "")])
def test_a_loss_of_nothing_has_no_sign(score: float | None, text: str) -> None:
    assert percent(score) == text


def test_report_has_both_models_with_intervals(project: Path, evaluation: Evaluation) -> None:
    main([])
    text, scores = README.read_text(), metrics(evaluation)
    assert text.startswith(
        f"# Title\n\nText.\n\n{BEGIN}\nProtocol `speakers`: tested on ravdess's speakers 21, 22, 23, 24; "
    )
    assert text.endswith(f"{END}\n\nMore text.\n")
    assert "earlier" not in text
    low, high = (shown(scores["accuracy_ci"][end]) for end in ("low", "high"))
    assert f"| image | 240 | {shown(scores['accuracy'])} ({low} to {high}) | {shown(scores['uar'])} (" in text
    assert f") | {shown(scores['ece'])} ({shown(scores['ece_raw'])}) |\n" in text
    first = scores["first"]
    assert f"| image, first training | 240 | {shown(first['accuracy'])} | {shown(first['uar'])} |" in text
    assert f"| recall, % | {' | '.join(EMOTIONS)} |" in text
    assert f"| image | {' | '.join(shown(recall) for recall in scores['recall'].values())} |" in text
    assert "luna_jimenez" not in text


def test_each_encoder_has_rows_and_a_section_of_its_own(project: Path) -> None:
    other = make_evaluation(make_clips(), skill=3.0)
    write_results(project, other, "other")
    write_text(project / "params.yaml", (project / "params.yaml").read_text() + "other: {}\n")
    written = pages()
    for page in written.values():
        assert f"| other | 240 | {shown(metrics(other)['accuracy'])} (" in page
        assert "| image | 240 | " in page
    assert written[README].count(" | calm | ") == 1
    assert re.findall("^## `(.*)`$", written[MODEL_CARD], re.MULTILINE) == ["image", "other"]
    for encoder in ("image", "other"):
        assert f"(metrics/{encoder}/confusion.png)" in written[README]


def test_corpora_have_rows_of_their_own_where_several_are_tested(project: Path) -> None:
    evaluation = make_evaluation(make_clips(tess_words=9))
    write_results(project, evaluation)
    section = pages()[README]
    for corpus, clips in (("ravdess", 240), ("tess", 63)):
        accuracy = shown(metrics(evaluation)[corpus]["accuracy"])
        assert re.search(rf"\| image, {corpus} \| {clips} \| {accuracy} \(", section)


def test_a_table_is_one_block_with_as_many_cells_in_each_row(project: Path) -> None:
    shutil.copyfile(ROOT / "metrics/benchmark.json", project / "metrics/benchmark.json")
    for page in pages().values():
        tables = re.findall(r"(?:^\|.*\n)+", page, re.MULTILINE)
        assert len(tables) >= 3
        for table in tables:
            rows = table.splitlines()
            assert re.fullmatch(r"\|( -+:? \|)+", rows[1])
            assert {row.count("|") for row in rows} == {rows[0].count("|")}
        assert "\n\n\n" not in page


def test_card_says_who_and_what(project: Path) -> None:
    card = pages()[MODEL_CARD]
    for needed in ("two voices", "no children", "decisions about people", "CC BY-NC-SA 4.0", "CC BY-NC-ND 4.0", "MIT"):
        assert needed in " ".join(card.split())
    # 16 neutral clips are normal only: 128 normal, 112 strong; two of the four actors are women.
    for row in (
        "intensity normal | 128 | 4",
        "intensity strong | 112 | 4",
        "sex female | 120 | 2",
        "sex male | 120 | 2",
    ):
        assert f"| {row} |" in card
    assert "tf_efficientnet_lite0 (weights: imagenet)" in card


def test_card_names_the_most_frequent_mistakes_first(project: Path, evaluation: Evaluation) -> None:
    card, clips = pages()[MODEL_CARD], evaluation.predictions()
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
    shutil.copyfile(ROOT / "metrics/benchmark.json", project / "metrics/benchmark.json")
    figures, written = json.loads(Path("metrics/benchmark.json").read_text()), pages()
    tracks = figures["protocols"]["tess_swap"]["speech"]
    own, adapted = tracks["last"], shown(tracks["adapted"]["accuracy"])
    figure = f"{shown(own['accuracy'])} ({' to '.join(shown(own['accuracy_ci'][end]) for end in ('low', 'high'))})"
    lowest = min(own["recall"], key=own["recall"].__getitem__)
    recall = f"{lowest} {shown(own['recall'][lowest])}"
    assert f"**speech, 3 seeds** | **{figure}** | " in written[MODEL_CARD]
    assert f"| {recall} | {adapted} (" in written[MODEL_CARD]
    assert "|  | tutorial: then 288 px | 83.1 |  |" in written[MODEL_CARD]
    assert "| protocol | image | speech, 3 seeds | fusion | published |" in written[README]
    assert f" | {figure}<br>{recall}<br>adapted {adapted} | " in plain_spaces(written[README])
    assert "<br>83.1 tutorial: then 288 px |" in written[README]
    gap = figures["leak_gap"]["speech"]
    told = f"speech {shown(gap['known_voices'])} instead of {shown(gap['new_voices'])} %, {shown(gap['gap'])} ("
    assert told in written[MODEL_CARD].split("The leak gap is")[1]
    assert f" speech {shown(gap['gap'])} (" in written[README].split("The leak gap, ")[1]


def plain_spaces(page: str) -> str:
    return page.replace("\u00a0", " ")


@pytest.mark.parametrize(
    ("protocol", "rate", "track", "adapted"),
    [
        ("luna_jimenez", "accuracy", "last", "adapted"),
        ("emobox", "uar", "last", "adapted"),  # published as UAR alone
        ("cross_corpus_nemo", "accuracy", "own", "own_adapted"),  # among the emotions that the corpus has
    ],
)
def test_a_row_has_the_rate_of_its_published_figures(
    project: Path, protocol: str, rate: str, track: str, adapted: str
) -> None:
    shutil.copyfile(ROOT / "metrics/benchmark.json", project / "metrics/benchmark.json")
    figures = json.loads(Path("metrics/benchmark.json").read_text())
    title, tracks = figures["titles"][protocol], figures["protocols"][protocol]["image"]
    page = plain_spaces(pages()[README])
    [cells] = [line.split(" | ") for line in page.splitlines() if line.startswith(f"| {title}")]
    assert cells[0].endswith("; UAR") == (rate == "uar")
    assert cells[1].startswith(f"{shown(tracks[track][rate])} (")
    assert cells[1].endswith(f"<br>adapted {shown(tracks[adapted][rate])}")


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
    (project / "metrics/image/metrics.json").unlink()
    with pytest.raises(
        PipelineError, match=r"metrics/image/metrics.json: cannot be read; run `dvc repro evaluate@image`"
    ):
        pages()


@pytest.mark.parametrize(
    ("changes", "tested", "known"),
    [
        ({}, "ravdess's speakers 21, 22, 23, 24; temperature from ravdess's speakers 16, 17, 19, 20;", False),
        ({"protocol": "luna_jimenez", "fold": 5}, "fold 5 of 5: tested on ravdess's speakers 01, 04, 09, 22;", False),
        ({"protocol": "luna_jimenez", "fold": 5}, "temperature from ravdess's speakers 02, 05, 14, 15, 16;", False),
        ({"protocol": "tess_swap", "tested_voice": "YAF"}, "tested on tess's speakers YAF;", False),
        ({"protocol": "random"}, "20 % of all clips, drawn with seed 42;", True),
    ],
)
def test_protocol_is_told_in_words(changes: dict[str, object], tested: str, known: bool) -> None:
    words = protocol_in_words(replace(SPLIT, **changes))
    assert tested in words
    assert words.endswith(SAME_VOICES if known else NEW_VOICES)
