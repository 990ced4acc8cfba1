"""From the cells' answers to figures and a page."""

import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from benchmark import pool as pool_stage
from benchmark.answers import Answers, write_answers
from benchmark.cells import CELLS, PROTOCOLS
from benchmark.pooling import benchmark, read_cells, read_published
from benchmark.scoring import leak_gap, pool, scores
from benchmark.table import to_markdown
from benchmark.views import VIEWS
from speech_emotion.clips import EMOTIONS
from speech_emotion.core.errors import PipelineError
from tests.benchmarks import MADE_FROM, made_up_cells, published_labels
from tests.workspace import ROOT

PUBLISHED = ROOT / "benchmark" / "published.csv"
# Accuracy and UAR in percent, as published.
SYSTEMS = {
    "random": [(80.1, None), (83.1, None)],
    "luna_jimenez": [(61.7, None), (76.6, None), (81.8, None)],
    "emobox": [(None, 75.3), (None, 72.0)],
    "tess_swap": [(49.5, None), (84.9, None)],
    "listeners": [(67.0, None)],
}
CODES = {"neutral": "neutral", "happy": "happy", "sad": "sad", "angry": "angry", "fearful": "fear"}


def ravdess(actor: int, emotion: str, statement: int = 1, repetition: int = 1) -> tuple[str, str]:
    code = EMOTIONS.index(emotion) + 1
    return f"ravdess/03-01-{code:02d}-01-{statement:02d}-{repetition:02d}-{actor:02d}", emotion


def tess(voice: str, word: str, emotion: str) -> tuple[str, str]:
    return f"tess/{voice}_{word}_{CODES[emotion]}", emotion


def answered(clips: Mapping[tuple[str, str], str], *, strength: float = 4.0, temperature: float = 1.0) -> Answers:
    """Answers that name `clips`' values, with a logit of `strength` against zeros."""
    logits = strength * np.eye(len(EMOTIONS))[[EMOTIONS.index(named) for named in clips.values()]]
    table = pd.DataFrame(list(clips), columns=["clip", "emotion"])
    return Answers(table, dict.fromkeys(VIEWS, logits), dict.fromkeys(VIEWS, temperature), MADE_FROM)


def test_scores_have_known_answers() -> None:
    first = answered({ravdess(1, "sad"): "sad", ravdess(1, "happy"): "happy", ravdess(2, "sad"): "happy"})
    second = answered({ravdess(3, "sad"): "sad", ravdess(3, "angry"): "sad"})
    found = scores(pool([first, second], "high"))
    assert (found["accuracy"], found["clips"]) == (0.6, 5)
    assert found["recall"] == {"happy": 1.0, "sad": 0.6667, "angry": 0.0}
    assert found["uar"] == 0.5556
    # Cells: 2 of 3 and 1 of 2; their UAR (1 + 0.5) / 2 and (1 + 0) / 2.
    assert found["folds"]["accuracy"] == {"each": [0.6667, 0.5], "mean": 0.5833, "deviation": 0.1179}
    assert found["folds"]["uar"] == {"each": [0.75, 0.5], "mean": 0.625, "deviation": 0.1768}
    assert found["corpora"] == {}


def test_one_cell_has_no_deviation_over_folds() -> None:
    found = scores(pool([answered({ravdess(1, "sad"): "sad"})], "high"))
    assert found["folds"]["accuracy"] == {"each": [1.0], "mean": 1.0}


def test_each_cells_clips_have_its_temperature() -> None:
    clips = {ravdess(1, "sad"): "sad"}, {ravdess(2, "sad"): "sad"}
    pooled = pool([answered(clips[0], temperature=2.0), answered(clips[1], temperature=0.5)], "high")
    raw, halved, doubled = (np.exp(logit) / (np.exp(logit) + 7) for logit in (4.0, 2.0, 8.0))
    np.testing.assert_allclose(pooled.raw_confidence, [raw, raw])
    np.testing.assert_allclose(pooled.confidence, [halved, doubled])
    found = scores(pooled)
    assert found["ece_raw"] == pytest.approx(1 - raw, abs=1e-4)
    assert found["ece"] == pytest.approx(1 - (halved + doubled) / 2, abs=1e-4)


def test_corpora_are_drawn_apart() -> None:
    right = {tess(voice, word, "sad"): "sad" for voice in ("OAF", "YAF") for word in ("back", "bite", "food")}
    wrong = {ravdess(actor, "sad"): "calm" for actor in range(1, 11)}
    found = scores(pool([answered(right | wrong)], "high"))
    # However actors and clips are drawn, 6 of 16 are right.
    assert (found["accuracy"], found["accuracy_ci"]) == (0.375, {"low": 0.375, "high": 0.375})
    assert found["interval_over"] == {"ravdess": "speakers", "tess": "clips"}
    assert {corpus: part["accuracy"] for corpus, part in found["corpora"].items()} == {"ravdess": 0.0, "tess": 1.0}


def test_actors_that_differ_widen_the_interval() -> None:
    def spread(right: set[int]) -> float:
        clips = {
            ravdess(actor, emotion): emotion if place + 10 * odd in right else "calm"
            for actor in range(1, 11)
            for odd in [actor % 2]
            for place, emotion in enumerate(("happy", "sad", "angry", "fearful"))
        }
        interval = scores(pool([answered(clips)], "high"))["accuracy_ci"]
        return float(interval["high"] - interval["low"])

    # Half of all clips are right: two of each actor, or all of every second actor.
    assert spread({0, 1, 10, 11}) == 0
    assert spread({10, 11, 12, 13}) > 0.5


def test_leak_gap_compares_the_actors_of_ravdess_alone() -> None:
    clips = [ravdess(actor, emotion) for actor in range(1, 25) for emotion in ("sad", "happy")]
    known = answered({clip: clip[1] for clip in clips[::3]} | {tess("OAF", "back", "sad"): "happy"})
    new = answered(dict.fromkeys(clips, "sad"))
    gap = leak_gap(pool([known], "high"), pool([new], "high"))
    assert (gap["known_voices"], gap["new_voices"], gap["gap"], gap["actors"]) == (1.0, 0.5, 0.5, 24)
    assert gap["gap_ci"] == {"low": 0.5, "high": 0.5}
    worse = answered(dict.fromkeys(clips[::3], "calm"))
    assert leak_gap(pool([worse], "high"), pool([new], "high"))["gap"] == -0.5


@pytest.fixture(scope="module")
def cells() -> dict[str, Answers]:
    return made_up_cells(published_labels())


@pytest.fixture(scope="module")
def figures(cells: dict[str, Answers]) -> dict[str, Any]:
    return benchmark(cells, read_published(PUBLISHED))


def test_every_clip_of_a_protocol_is_scored_in_every_view(figures: dict[str, Any]) -> None:
    clips = {name: {scores["clips"] for scores in views.values()} for name, views in figures["protocols"].items()}
    assert clips == {"random": {848}, "luna_jimenez": {1440}, "emobox": {1440}, "tess_swap": {2800}}
    assert all(tuple(views) == VIEWS for views in figures["protocols"].values())


def test_figures_are_what_the_answers_say(cells: dict[str, Answers], figures: dict[str, Any]) -> None:
    for protocol, names in PROTOCOLS.items():
        for view in VIEWS:
            right = [
                EMOTIONS[place] == emotion
                for name in names
                for place, emotion in zip(
                    cells[name].logits[view].argmax(axis=1), cells[name].clips["emotion"], strict=True
                )
            ]
            found = figures["protocols"][protocol][view]
            assert found["accuracy"] == round(float(np.mean(right)), 4)
            assert found["accuracy_ci"]["low"] < found["accuracy"] < found["accuracy_ci"]["high"]
            assert found["uar_ci"]["low"] < found["uar"] < found["uar_ci"]["high"]
    assert set(figures["protocols"]["random"]["high"]["corpora"]) == {"ravdess", "tess"}
    gap = figures["leak_gap"]["low"]
    assert gap["new_voices"] == figures["protocols"]["luna_jimenez"]["low"]["accuracy"]
    assert gap["known_voices"] == figures["protocols"]["random"]["low"]["corpora"]["ravdess"]["accuracy"]
    assert 0 < gap["gap_ci"]["low"] < gap["gap"] < gap["gap_ci"]["high"]


def main_table(page: str) -> dict[str, list[list[str]]]:
    """Return the rows of the first table by protocol, without that column."""
    lines = [line for line in page.split("\n## ")[0].splitlines() if line.startswith("| ")][2:]
    groups: dict[str, list[list[str]]] = {}
    for line in lines:
        title, *row = [cell.strip() for cell in line.strip("|").split("|")]
        name = title.partition(":")[0].strip("`") if title else list(groups)[-1]
        groups.setdefault(name, []).append(row)
    return groups


def test_published_figures_stand_beside_ours_under_their_protocol(figures: dict[str, Any]) -> None:
    groups = main_table(to_markdown(figures))
    groups["listeners"] = groups.pop("human listeners")
    for protocol, published in SYSTEMS.items():
        ours = [row for row in groups[protocol] if row[0].startswith("**")]
        theirs = [row for row in groups[protocol] if not row[0].startswith("**")]
        assert [row[1:3] for row in theirs] == [["" if one is None else str(one) for one in row] for row in published]
        assert all(row[-1] for row in theirs)
        names = ["**144 px, one crop**", "**288 px, one crop**", "**288 px, 4 crops averaged**"]
        assert [row[0] for row in ours] == (names if protocol in figures["protocols"] else [])
    scored = figures["protocols"]["luna_jimenez"]["high"]
    shown = groups["luna_jimenez"][1]
    interval = " to ".join(f"{100 * scored['accuracy_ci'][end]:.1f}" for end in ("low", "high"))
    assert shown[1] == f"**{100 * scored['accuracy']:.1f} ({interval})**"
    assert shown[3:5] == [
        f"{100 * folds['mean']:.1f} ± {100 * folds['deviation']:.1f}" for folds in scored["folds"].values()
    ]
    assert "unseen actors" in to_markdown(figures)


def test_what_is_loose_about_a_figure_is_said(figures: dict[str, Any]) -> None:
    notes = {row["system"]: row["note"] for row in figures["published"]}
    assert "picked on the test fold" in notes["xlsr-wav2vec2, fine-tuned (Luna-Jimenez 2022)"]
    assert "every speaker is in training" in notes["tutorial: fastai, resnet34, 144 px"]


def test_stage_writes_the_same_bytes_twice(cells: dict[str, Answers], tmp_path: Path) -> None:
    chosen = {name: cells[name] for name in ("tess_swap_OAF", "tess_swap_YAF")}
    for name, answers in chosen.items():
        write_answers(tmp_path / "cells" / name, answers)
    folders = [str(tmp_path / "cells" / name) for name in chosen]
    written = []
    for attempt in ("one", "two"):
        outputs = [tmp_path / attempt / name for name in ("benchmark.json", "benchmark.md", "reliability.png")]
        pool_stage.main([str(PUBLISHED), *map(str, outputs), *folders])
        written.append([path.read_bytes() for path in outputs])
    assert written[0] == written[1]
    assert list(json.loads(written[0][0])["protocols"]) == ["tess_swap"]
    assert written[0][2].startswith(b"\x89PNG")


def write(cells: Mapping[str, Answers], folder: Path) -> list[Path]:
    for name, answers in cells.items():
        write_answers(folder / name, answers)
    return [folder / name for name in cells]


def test_missing_fold_is_named(tmp_path: Path) -> None:
    one = answered({ravdess(1, "sad"): "sad"})
    with pytest.raises(PipelineError, match=r"luna_jimenez: luna_jimenez_2, luna_jimenez_4 is missing; run"):
        read_cells(write({f"luna_jimenez_{fold}": one for fold in (1, 3, 5)}, tmp_path))


def test_cells_of_other_parameters_are_not_pooled(tmp_path: Path) -> None:
    one = answered({ravdess(1, "sad"): "sad"})
    other = replace(one, made_from={**MADE_FROM, "low": {"image_size": 288}})
    with pytest.raises(PipelineError, match="tess_swap_YAF and tess_swap_OAF were made from different data"):
        read_cells(write({"tess_swap_OAF": one, "tess_swap_YAF": other}, tmp_path))


def test_clip_that_is_tested_twice_is_refused(tmp_path: Path) -> None:
    one = answered({ravdess(1, "sad"): "sad"})
    with pytest.raises(PipelineError, match=r"tess_swap: ravdess/03-01-04-01-01-01-01 is tested in two cells"):
        read_cells(write({"tess_swap_OAF": one, "tess_swap_YAF": one}, tmp_path))


def test_nothing_to_pool_is_an_error() -> None:
    with pytest.raises(PipelineError, match="no cell has answers"):
        read_cells([])


def test_published_table_of_another_form_is_refused(tmp_path: Path) -> None:
    (tmp_path / "published.csv").write_text("system,accuracy\nours,100\n")
    with pytest.raises(PipelineError, match="has columns system, accuracy; expected protocol"):
        read_published(tmp_path / "published.csv")
    with pytest.raises(PipelineError, match="cannot be read"):
        read_published(tmp_path / "absent.csv")


def test_published_figures_belong_to_protocols_of_the_page() -> None:
    assert set(read_published(PUBLISHED)["protocol"]) == {*PROTOCOLS, "listeners"}
    assert len(CELLS) == 14
