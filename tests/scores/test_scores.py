import json
import time

import numpy as np
import pandas as pd
import pytest
from sklearn import metrics as oracle

from speech_emotion.clips import EMOTIONS, LABEL_COLUMNS, SPLIT_COLUMNS, indices
from speech_emotion.core.errors import PipelineError
from speech_emotion.core.files import write_csv
from speech_emotion.model.calibration import calibrated, fit_temperature
from speech_emotion.scores import bootstrap, confusion
from speech_emotion.scores import metrics as scores
from speech_emotion.scores.evaluation import held_out_clips
from speech_emotion.scores.reliability import reliability
from tests.evaluations import make_clips, make_evaluation


@pytest.fixture
def answers():
    """Actual and predicted emotions of 500 clips, none of them calm, though calm is predicted."""
    rng = np.random.default_rng(7)
    actual = rng.choice([0, 2, 3, 4, 5, 6, 7], size=500)
    predicted = np.where(rng.random(500) < 0.6, actual, rng.integers(0, 8, size=500))
    return actual, predicted


def test_scores_of_a_confusion_matrix_are_those_of_scikit_learn(answers):
    actual, predicted = answers
    matrix = confusion.count(actual, predicted)
    present = sorted(set(actual))
    assert (matrix == oracle.confusion_matrix(actual, predicted, labels=range(8))).all()
    assert confusion.accuracy(matrix) == pytest.approx(oracle.accuracy_score(actual, predicted))
    assert confusion.uar(matrix) == pytest.approx(
        oracle.recall_score(actual, predicted, labels=present, average="macro")
    )
    assert confusion.macro_f1(matrix) == pytest.approx(
        oracle.f1_score(actual, predicted, labels=present, average="macro")
    )


def test_an_emotion_without_clips_has_no_recall_and_does_not_lower_the_mean():
    matrix = confusion.count(np.array([0, 0, 2, 2]), np.array([0, 0, 2, 1]))
    assert confusion.recall(matrix)[[0, 2]].tolist() == [1.0, 0.5]
    assert np.isnan(confusion.recall(matrix)[1])
    assert confusion.uar(matrix) == 0.75


def test_matrices_of_units_add_up_to_the_whole(answers):
    actual, predicted = answers
    units = np.arange(500) % 9
    by_unit = confusion.count(actual, predicted, units)
    assert by_unit.shape == (9, 8, 8)
    assert (by_unit.sum(axis=0) == confusion.count(actual, predicted)).all()
    assert (by_unit[4] == confusion.count(actual[units == 4], predicted[units == 4])).all()


@pytest.mark.parametrize(
    ("confidence", "right", "ece"),
    [
        ([0.8] * 10, [True] * 8 + [False] * 2, 0.0),
        ([1.0] * 4, [False] * 4, 1.0),
        ([0.9] * 10, [True] * 5 + [False] * 5, 0.4),
        # Two bins, half of the clips each: gaps 0.4 and 0.1.
        ([0.9, 0.9, 0.5, 0.5, 0.5], [True, False, True, True, False], (0.4 * 2 + abs(0.5 - 2 / 3) * 3) / 5),
        # Over- and underconfident clips in one bin cancel: the error is of bins, not of clips.
        ([0.75, 0.79], [True, True], 1 - 0.77),
    ],
)
def test_calibration_error_of_known_answers(confidence, right, ece):
    assert reliability(np.array(confidence), np.array(right)).ece == pytest.approx(ece)


def test_bins_are_open_below_and_closed_above():
    found = reliability(np.array([0.0, 1 / 15, 0.0667, 14 / 15, 1.0]), np.ones(5, dtype=bool))
    assert found.clips[[0, 1, 13, 14]].tolist() == [2, 1, 1, 1]


def test_temperature_finds_the_scale_that_the_answers_were_drawn_with():
    rng = np.random.default_rng(3)
    honest = rng.normal(size=(20_000, 8)) * 2
    actual = (honest + rng.gumbel(size=honest.shape)).argmax(axis=1)
    assert fit_temperature(honest, actual) == pytest.approx(1.0, abs=0.05)
    assert fit_temperature(honest * 3, actual) == pytest.approx(3.0, abs=0.15)
    overconfident = calibrated(honest * 3, 1.0).max(axis=1), calibrated(honest * 3, 3.0).max(axis=1)
    right = honest.argmax(axis=1) == actual
    raw, fitted = (reliability(confidence, right).ece for confidence in overconfident)
    assert raw > 0.15
    assert fitted < 0.02


def test_temperature_is_the_same_every_time_and_bounded_when_every_answer_is_right():
    logits = np.eye(8, dtype=np.float32)
    assert fit_temperature(logits, np.arange(8)) == fit_temperature(logits, np.arange(8))
    assert 0.05 <= fit_temperature(logits, np.arange(8)) < 0.051


@pytest.mark.parametrize(("logits", "actual"), [(np.zeros((0, 8)), []), (np.zeros((3, 8)), [1, 2])])
def test_temperature_refuses_what_it_cannot_be_fitted_to(logits, actual):
    with pytest.raises(ValueError, match="need"):
        fit_temperature(logits, np.array(actual, dtype=int))


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_what_is_not_finite_is_no_temperature_and_no_score(value):
    with pytest.raises(PipelineError, match="temperature: the logits are not finite"):
        fit_temperature(np.array([[0.0, value]]), np.array([0]))
    for scored in ({"a": 1, "ece": value}, {"a": {"ece": -value}}, {"ece": [1.0, value], "b": 1.0}):
        with pytest.raises(PipelineError, match="scores: ece not finite"):
            scores.to_json(scored)


def test_a_table_takes_finite_numbers_alone(tmp_path):
    with pytest.raises(PipelineError, match=r"curve\.csv: train_loss is not finite throughout"):
        write_csv(tmp_path / "curve.csv", pd.DataFrame({"epoch": [1, 2], "train_loss": [0.1, np.inf]}))
    assert not (tmp_path / "curve.csv").exists()


def test_speakers_are_drawn_from_eight_on():
    speakers = [f"ravdess/{actor:02d}" for actor in range(1, 9)] * 2
    assert bootstrap.resampling_units(speakers)[0] == "speakers"
    assert bootstrap.resampling_units(speakers)[1].tolist() == [*range(8)] * 2
    assert bootstrap.resampling_units(speakers[:7])[0] == "clips"
    assert bootstrap.resampling_units(speakers[:7])[1].tolist() == [*range(7)]


def test_interval_over_clips_is_the_binomial_one():
    actual = np.zeros(400, dtype=int)
    predicted = (np.arange(400) >= 280).astype(int)
    units = confusion.count(actual, predicted, np.arange(400))
    low, high = bootstrap.interval(confusion.accuracy(bootstrap.resampled(units)))
    half = 1.96 * np.sqrt(0.7 * 0.3 / 400)
    assert (low, high) == pytest.approx((0.7 - half, 0.7 + half), abs=0.005)


def test_interval_over_speakers_is_wider_when_speakers_differ():
    actual = np.zeros(600, dtype=int)
    speakers = np.arange(600) // 60
    predicted = (speakers >= 5).astype(int)  # five voices always right, five always wrong

    def width(units):
        drawn = bootstrap.resampled(confusion.count(actual, predicted, units))
        low, high = bootstrap.interval(confusion.accuracy(drawn))
        return high - low

    assert width(speakers) > 5 * width(np.arange(600))


def test_two_voices_with_many_clips_do_not_set_the_interval_of_all():
    # 24 speakers with 13 clips each, half of them right; two voices with 264, all right, as a random split tests them.
    actual = np.zeros(24 * 13 + 2 * 264, dtype=int)
    predicted = np.where(np.arange(len(actual)) < 24 * 13, np.arange(len(actual)) % 2, 0)
    speakers = [*np.repeat([f"ravdess/{actor}" for actor in range(24)], 13), *np.repeat(["tess/OAF", "tess/YAF"], 264)]
    corpora = [speaker.partition("/")[0] for speaker in speakers]
    over, drawn = bootstrap.resampled_clips(confusion.by_clip(actual, predicted), corpora, speakers)
    assert over == {"ravdess": "speakers", "tess": "clips"}
    assert (drawn.sum(axis=(1, 2)) == len(actual)).all()
    low, high = bootstrap.interval(confusion.accuracy(drawn))
    assert low < (predicted == 0).mean() < high
    assert high - low < 0.02


def test_every_draw_has_as_many_units_as_there_are_and_repeats(monkeypatch):
    units = confusion.count(np.arange(8), np.arange(8), np.arange(8))
    drawn = bootstrap.resampled(units, resamples=2000)
    assert drawn.shape == (2000, 8, 8)
    assert (drawn.sum(axis=(1, 2)) == 8).all()
    assert (drawn == bootstrap.resampled(units, resamples=2000)).all()
    monkeypatch.setattr(bootstrap, "MOST_DRAWN", 7 * len(units))
    assert (drawn == bootstrap.resampled(units, resamples=2000)).all()
    assert (drawn != bootstrap.resampled(units, resamples=2000, seed=1)).any()


def test_metrics_follow_the_contract():
    evaluation = make_evaluation(make_clips(actors=4, tess_words=10))
    found = scores.metrics(evaluation)
    assert list(found) == [
        *("accuracy", "uar", "macro_f1", "ece", "ece_raw"),
        *("first", "ravdess", "tess", "recall", "accuracy_ci", "clips"),
    ]
    assert found["clips"] == 310
    assert (found["ravdess"]["clips"], found["tess"]["clips"]) == (240, 70)
    assert set(found["first"]) == {"accuracy", "uar"}
    assert found["first"]["accuracy"] < found["accuracy"]
    assert list(found["recall"]) == list(EMOTIONS)
    assert found["accuracy_ci"]["low"] < found["accuracy"] < found["accuracy_ci"]["high"]
    whole = (found["ravdess"]["accuracy"] * 240 + found["tess"]["accuracy"] * 70) / 310
    assert found["accuracy"] == pytest.approx(whole, abs=1e-4)


def test_metrics_name_only_the_corpora_and_emotions_that_were_tested():
    clips = make_clips(actors=0, tess_words=6)
    found = scores.metrics(make_evaluation(clips))
    assert "ravdess" not in found
    assert list(found["recall"]) == [emotion for emotion in EMOTIONS if emotion != "calm"]
    assert found["uar"] == pytest.approx(np.mean(list(found["recall"].values())), abs=1e-4)


def test_metrics_are_plain_rounded_json_and_the_same_every_time():
    evaluation = make_evaluation(make_clips())
    text = scores.to_json(scores.metrics(evaluation))
    assert text == scores.to_json(scores.metrics(make_evaluation(make_clips())))
    assert text.endswith("}\n")
    assert json.loads(text) == scores.metrics(evaluation)
    assert all(len(line.split(".")[-1].rstrip(",")) <= 4 for line in text.splitlines() if "." in line)


def test_metrics_of_a_whole_corpus_take_a_moment():
    evaluation = make_evaluation(make_clips(actors=24))
    start = time.perf_counter()
    scores.metrics(evaluation)
    assert time.perf_counter() - start < 5


def test_predictions_are_sorted_and_calibrated():
    clips = make_clips().iloc[::-1].reset_index(drop=True)
    evaluation = make_evaluation(clips, temperature=2.0)
    table = evaluation.predictions()
    described = ["clip", "corpus", "speaker", "sex", "intensity"]
    assert list(table) == [*described, "actual", "predicted", "confidence"]
    assert table["clip"].is_monotonic_increasing
    actual = dict(zip(clips["clip"], clips["emotion"], strict=True))
    assert table["actual"].tolist() == [actual[clip] for clip in table["clip"]]
    halved = make_evaluation(clips, temperature=1.0).predictions()
    assert (table["predicted"] == halved["predicted"]).all()
    assert (table["confidence"] < halved["confidence"]).all()


@pytest.fixture
def tables():
    """A split and labels."""
    clips = make_clips(actors=2, tess_words=1)
    split = clips.assign(part=np.where(clips["speaker"] == "ravdess/24", "test", "train"))
    return split[list(SPLIT_COLUMNS)], clips.reindex(columns=list(LABEL_COLUMNS))


def test_held_out_clips_have_what_the_labels_say(tables):
    clips = held_out_clips(*tables)
    assert len(clips) == 60
    assert set(clips["speaker"]) == {"ravdess/24"}
    assert set(clips["sex"]) == {"female"}
    assert clips["intensity"].value_counts().to_dict() == {"normal": 32, "strong": 28}


def test_a_split_that_does_not_fit_the_labels_is_refused(tables):
    split, labels = tables
    lost = "ravdess/03-01-08-02-02-02-24"
    with pytest.raises(PipelineError, match=f"{lost} is not in the labels; run `dvc repro split`"):
        held_out_clips(split, labels[labels["clip"] != lost])


def test_a_split_without_test_clips_is_refused(tables):
    split, labels = tables
    with pytest.raises(PipelineError, match="has no test clips"):
        held_out_clips(split.assign(part="train"), labels)


def test_an_unknown_emotion_is_refused():
    with pytest.raises(PipelineError, match="'bored' is unknown"):
        indices(pd.Series(["happy", "bored"]))
