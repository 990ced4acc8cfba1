"""Confidence on corpora that no model heard: from the cells' answers to a temperature, a threshold and a page."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from benchmark import strangers as stage
from benchmark.answers import LAST, Answers, write_answers
from benchmark.cells import STRANGERS
from benchmark.confidence import (
    accuracy_at,
    choose_threshold,
    confidence_figures,
    confident,
    curve,
    stranger_temperature,
    strangers,
)
from speech_emotion.clips import EMOTIONS
from speech_emotion.core.errors import PipelineError
from stages.export import confident as exported
from tests.benchmarks import made_up_system, published_labels
from tests.predict.tiny import tiny_model
from tests.trainings import train_settings

LOGITS = list(EMOTIONS)

System = dict[tuple[str, int], Answers]


def judged(**corpora: Mapping[float, bool]) -> pd.DataFrame:
    """Answers of each corpus: whether that with this confidence is right."""
    rows = [(corpus, *one) for corpus, answers in corpora.items() for one in answers.items()]
    table = pd.DataFrame(rows, columns=["corpus", "confidence", "right"])
    return table.assign(weight=1 / table.groupby("corpus")["right"].transform("size"))


def test_the_threshold_is_the_lowest_that_is_good_enough() -> None:
    clips = judged(nemo={0.9: True, 0.8: True, 0.7: False, 0.6: True, 0.5: False, 0.4: False})
    chosen = choose_threshold(clips)
    assert chosen == {
        "confidence": pytest.approx(0.501),
        "coverage": pytest.approx(4 / 6),
        "accuracy": 0.75,
        "chosen_on": "nemo, each left out of training",
    }


def test_each_corpus_counts_the_same_however_many_clips_it_has() -> None:
    many = {0.5 + place / 1000: True for place in range(100)}
    clips = judged(nemo={0.9: False}, tess=many)
    assert choose_threshold(clips) is None, "half of the strangers would be told wrong"
    coverage, accuracy = curve(clips)
    assert (coverage[0], accuracy[0]) == pytest.approx((0.5, 0.0))
    assert (coverage[-1], accuracy[-1]) == pytest.approx((1.0, 0.5))


def test_no_threshold_is_chosen_where_none_is_good_enough_or_only_a_few_clips_are() -> None:
    wrong = {0.2 + place / 1000: False for place in range(99)}
    assert choose_threshold(judged(nemo=wrong)) is None
    assert choose_threshold(judged(nemo={**wrong, 0.9: True})) is None, "one clip of a hundred"


def test_the_most_confident_clips_are_counted_first() -> None:
    clips = judged(nemo={0.4: False, 0.9: True, 0.8: True, 0.6: False})
    assert [accuracy_at(clips, share) for share in (1.0, 0.5, 0.1)] == [0.5, 1.0, 1.0]


@pytest.fixture(scope="module")
def system() -> System:
    return made_up_system(published_labels(), skill=-0.7, cells=STRANGERS, seeds=2)


def changed(system: System, corpus: str, **values: Any) -> System:
    """The system with other values of the answers about clips of `corpus`, where it is tested."""

    def edited(clips: pd.DataFrame) -> pd.DataFrame:
        rows = (clips["corpus"] == corpus) & (clips["part"] == "test")
        return clips.assign(**{name: clips[name].where(~rows, value) for name, value in values.items()})

    return {one: Answers(edited(answers.clips), answers.enrolment) for one, answers in system.items()}


def test_only_clips_of_the_corpus_that_was_left_out_are_asked_about(system: System) -> None:
    answers = strangers(system, LAST)
    assert answers.groupby("corpus")["seed"].value_counts().to_dict() == {
        (corpus, seed): clips
        for corpus, clips in {"nemo": 901, "ravdess": 1440, "tess": 2800}.items()
        for seed in (0, 1)
    }
    with pytest.raises(PipelineError, match="no cell leaves a corpus out; run"):
        strangers({}, LAST)


def test_the_temperature_follows_the_scale_of_the_logits_and_is_the_mean_over_corpora(system: System) -> None:
    answers = strangers(system, LAST)
    temperature = stranger_temperature(answers)
    assert stranger_temperature(answers.assign(**answers[LOGITS] * 3)) == pytest.approx(3 * temperature, rel=1e-3)
    each = [stranger_temperature(rows) for _, rows in answers.groupby("corpus")]
    assert len(each) == 3
    assert temperature == pytest.approx(np.prod(each) ** (1 / 3))


def test_what_is_checked_on_a_corpus_was_chosen_without_it(system: System) -> None:
    figures = confidence_figures(system)
    other = confidence_figures(changed(system, "nemo", emotion="disgust"))
    for name in ("temperature", "threshold"):
        assert other["checked"]["nemo"][name] == figures["checked"]["nemo"][name]
        assert other["checked"]["tess"][name] != figures["checked"]["tess"][name]
    assert "nemo" not in figures["checked"]["nemo"]["threshold"]["chosen_on"]
    assert other["checked"]["nemo"][LAST]["accuracy"] < figures["checked"]["nemo"][LAST]["accuracy"]


def test_a_confidence_that_promises_too_much_is_mended_and_the_threshold_keeps_its_word(system: System) -> None:
    loud = {
        one: Answers(answers.clips.assign(**answers.clips[LOGITS] * 4), answers.enrolment)
        for one, answers in system.items()
    }
    figures = confidence_figures(loud)
    clips = confident(strangers(loud, LAST), figures["temperature"])
    given = clips[clips["confidence"] >= figures["threshold"]["confidence"]]
    accuracy = (given["right"] * given["weight"]).sum() / given["weight"].sum()
    assert accuracy == pytest.approx(figures["threshold"]["accuracy"])
    assert accuracy >= 0.7
    for one in figures["checked"].values():
        assert one["ece"]["calibrated"] < one["ece"]["raw"]
        assert one[LAST]["coverage"] < 1
        # Chosen on other corpora, which here are as hard.
        assert one[LAST]["accuracy"] > 0.65


@pytest.fixture(scope="module")
def written(system: System, tmp_path_factory: pytest.TempPathFactory) -> list[dict[str, bytes]]:
    """What the stage writes, twice."""
    folder = tmp_path_factory.mktemp("strangers")
    for name in ("image", "speech"):
        for (cell, seed), answers in system.items():
            if seed == 0:
                write_answers(folder / name / cell / "0", answers, {"low": train_settings()})
    found = []
    for attempt in ("one", "two"):
        stage.main([str(folder / one) for one in (attempt, "image", "speech")])
        found.append({path.name: path.read_bytes() for path in (folder / attempt).iterdir()})
    return found


def test_stage_writes_the_same_bytes_twice_of_both_encoders_and_their_fusion(written: list[dict[str, bytes]]) -> None:
    assert written[0] == written[1]
    assert set(written[0]) == {"strangers.json", "strangers.md", "strangers.png"}
    figures = json.loads(written[0]["strangers.json"])
    assert list(figures) == ["image", "speech", "fusion"]
    page = written[0]["strangers.md"].decode()
    speech, chosen = figures["speech"], figures["speech"]["threshold"]
    shown = " | ".join(f"{100 * chosen[name]:.1f}" for name in ("confidence", "coverage", "accuracy"))
    assert f"| speech | {speech['temperature']:.2f} | {shown} |" in page
    tables = [line for line in page.splitlines() if line.startswith("| speech | nemo |")]
    assert len(tables) == 2
    assert all(line.count("|") == 9 + (place == 0) * 2 for place, line in enumerate(tables))


def test_export_takes_temperature_and_threshold_of_its_encoder(written: list[dict[str, bytes]], tmp_path: Path) -> None:
    path, model = tmp_path / "strangers.json", tiny_model()
    path.write_bytes(written[0]["strangers.json"])
    said = json.loads(path.read_text())["speech"]
    found, threshold = exported(model, path)
    assert found.description.temperature == said["temperature"] != model.description.temperature
    assert threshold is not None
    assert vars(threshold) == said["threshold"]
    assert exported(model, None) == (model, None)
    path.write_text(json.dumps({"speech": {**said, "threshold": None}}))
    assert exported(model, path)[1] is None
    path.write_text(json.dumps({"image": said}))
    with pytest.raises(PipelineError, match=r"strangers\.json: has no temperature and threshold of speech"):
        exported(model, path)
