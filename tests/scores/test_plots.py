import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import matplotlib as mpl
import numpy as np
import pandas as pd
import pytest
import vl_convert
from dvc_render import VegaRenderer
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from PIL import Image

from benchmark.recipe import TRAININGS
from speech_emotion.clips import EMOTIONS
from speech_emotion.core.files import write_csv
from speech_emotion.encoders.image.settings import FrontendSettings
from speech_emotion.scores import pictures, plots
from speech_emotion.scores.fusion import who_is_right
from speech_emotion.shards import Mels
from tests.evaluations import make_clips, make_evaluation

ROOT = Path(__file__).resolve().parents[2]
SETTINGS = FrontendSettings(
    sample_rate_hz=16000, trim_db=40.0, n_fft=1024, hop_samples=160, n_mels=16,
    fmin_hz=50.0, fmax_hz=8000.0, floor_db=-80.0, ceiling_db=20.0,
)  # fmt: skip


@pytest.fixture
def evaluation():
    return make_evaluation(make_clips(actors=1, tess_words=4), skill=1.0)


@pytest.fixture
def mels(evaluation):
    """One level a clip, so that a picture tells whose spectrogram it shows; 100 frames are one second."""
    clips = evaluation.clips["clip"]
    return Mels("image", SETTINGS, {clip: np.full((16, 100 + row), row, np.uint8) for row, clip in enumerate(clips)})


@pytest.fixture
def drawn(monkeypatch):
    """The figures that would have been saved."""
    figures = []

    def keep(target, draw, *, width_in, height_in):
        figure = Figure(figsize=(width_in, height_in), layout="constrained")
        FigureCanvasAgg(figure)
        draw(figure)
        figures.append(figure)

    monkeypatch.setattr(plots, "save", keep)
    monkeypatch.setattr(pictures, "save", keep)
    return figures


def every_picture(folder, evaluation, mels):
    plots.plot_confusion(folder / "confusion.png", evaluation)
    plots.plot_reliability(folder / "reliability.png", evaluation)
    pictures.plot_mistakes(folder / "mistakes.png", evaluation.predictions(), mels)
    pictures.plot_means(folder / "means.png", evaluation.clips, mels)
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir())}


def test_pictures_are_the_same_bytes_whatever_the_readers_matplotlib_settings(tmp_path, evaluation, mels):
    first = every_picture(tmp_path / "first", evaluation, mels)
    with mpl.rc_context({"font.size": 20, "axes.facecolor": "green", "savefig.dpi": 30}):
        assert every_picture(tmp_path / "second", evaluation, mels) == first
    assert len(first) == 4
    for name in first:
        with Image.open(tmp_path / "first" / name) as picture:
            assert "Software" not in picture.info
            assert 600 < picture.width < 1600


def test_confusion_rows_are_actual_emotions_in_order(drawn, evaluation):
    plots.plot_confusion(Path("confusion.png"), evaluation)
    axes = drawn[0].axes[0]
    assert [label.get_text().split()[0] for label in axes.get_yticklabels()] == list(EMOTIONS)
    assert [label.get_text() for label in axes.get_xticklabels()] == list(EMOTIONS)
    assert axes.get_yticklabels()[1].get_text() == "calm  (n = 8)"
    assert (axes.get_ylabel(), axes.get_xlabel()) == ("actual", "predicted")


def test_confusion_is_normalised_over_the_actual_emotion(drawn, evaluation):
    evaluation.last_logits[:] = np.eye(8)[EMOTIONS.index("sad")]  # every clip is taken for sad
    plots.plot_confusion(Path("confusion.png"), evaluation)
    cells = {text.get_position(): text.get_text() for text in drawn[0].axes[0].texts}
    clips = evaluation.clips["emotion"].value_counts()
    assert cells == {(3, row): f"100%\n{clips[emotion]}" for row, emotion in enumerate(EMOTIONS)}


def test_reliability_shows_both_temperatures_and_what_should_be(drawn, evaluation):
    plots.plot_reliability(Path("reliability.png"), evaluation)
    titles = [axes.get_title() for axes in drawn[0].axes[:2]]
    assert titles[0].startswith("before temperature")
    assert titles[1].startswith("after temperature 1.50")
    clips = [sum(bar.get_height() for bar in axes.patches) for axes in drawn[0].axes[2:]]
    assert clips == [88, 88]


def shown(figure):
    """Level of each spectrogram in the figure, by the first line of its title (the mistake) or the clip."""
    panels = [axes for axes in figure.axes if axes.images and axes.get_title()]
    return {axes.get_title(): axes.images[0].get_array() for axes in panels}


def test_mistakes_are_the_surest_and_of_ravdess_where_there_are_any(drawn, evaluation, mels):
    predictions = evaluation.predictions()
    pictures.plot_mistakes(Path("mistakes.png"), predictions, mels)
    ravdess = predictions[predictions["clip"].str.startswith("ravdess/")]
    wrong = ravdess[ravdess["actual"] != ravdess["predicted"]].sort_values("confidence", ascending=False)
    found = shown(drawn[0])
    assert len(wrong) > len(found) == 12
    for title, row in zip(found, wrong.itertuples(), strict=False):
        assert title == f"{row.actual}, taken for {row.predicted} ({100 * row.confidence:.0f} %)\n{row.clip}"
        assert found[title].shape == mels.clips[row.clip].shape
        assert np.allclose(found[title], -80 + mels.clips[row.clip] / 255 * 100)
    assert f"of {len(wrong)} mistakes in 60 test clips (ravdess only)" in drawn[0].get_suptitle()


def test_pictures_of_tess_say_that_they_must_not_be_shared(drawn, mels):
    evaluation = make_evaluation(make_clips(actors=0, tess_words=4))
    mels = Mels("image", SETTINGS, dict(zip(evaluation.clips["clip"], mels.clips.values(), strict=False)))
    pictures.plot_mistakes(Path("mistakes.png"), evaluation.predictions(), mels)
    pictures.plot_means(Path("means.png"), evaluation.clips, mels)
    assert all("tess: the licence forbids sharing this picture" in figure.get_suptitle() for figure in drawn)
    assert list(shown(drawn[1])) == [f"{emotion} (n = 4)" for emotion in EMOTIONS if emotion != "calm"]


def test_no_mistake_is_no_error(drawn, evaluation, mels):
    predictions = evaluation.predictions().assign(predicted=lambda table: table["actual"])
    pictures.plot_mistakes(Path("mistakes.png"), predictions, mels)
    assert "The 0 most confident of 0 mistakes" in drawn[0].get_suptitle()


def test_mean_spectrograms_start_together_and_end_in_silence(drawn):
    names = ["ravdess/a", "ravdess/b", "ravdess/c"]
    clips = pd.DataFrame({"clip": names, "emotion": ["sad", "sad", "calm"], "corpus": "ravdess"})
    levels = [np.full((16, 20), 255), np.full((16, 60), 255), np.zeros((16, 60))]
    mels = Mels("image", SETTINGS, {name: mel.astype(np.uint8) for name, mel in zip(names, levels, strict=True)})
    pictures.plot_means(Path("means.png"), clips, mels)
    mean_db = shown(drawn[0])["sad (n = 2)"]
    assert mean_db.shape == (16, 60)
    assert np.allclose(mean_db[:, :20], 20)
    assert np.allclose(mean_db[:, 20:], -30)  # half of them at 20 dB, half at the floor of -80


def test_axes_are_hz_of_the_filters_and_seconds(drawn):
    settings = FrontendSettings(**{**vars(SETTINGS), "n_mels": 128})
    clips = pd.DataFrame({"clip": ["ravdess/a"], "emotion": ["sad"], "corpus": "ravdess"})
    pictures.plot_means(
        Path("means.png"), clips, Mels("image", settings, {"ravdess/a": np.zeros((128, 250), np.uint8)})
    )
    axes = drawn[0].axes[0]
    assert axes.get_xlim() == (0, 2.5)
    marks = dict(zip([label.get_text() for label in axes.get_yticklabels()], axes.get_yticks(), strict=True))
    assert list(marks) == ["250", "500", "1,000", "2,000", "4,000"]
    # Slaney's scale is linear below 1 kHz: equal steps of Hz are equal steps of rows.
    assert (marks["1,000"] - marks["500"]) == pytest.approx(2 * (marks["500"] - marks["250"]), rel=0.02)


def vega(template, datapoints, **properties):
    """The template as DVC fills it, as SVG."""
    renderer = VegaRenderer(datapoints, "plot", template=template, template_dir=str(ROOT / ".dvc/plots"), **properties)
    return vl_convert.vegalite_to_svg(renderer.get_filled_template())


def answer_rows(answers, revision="workspace"):
    return [
        {"rev": revision, "actual": actual, "predicted": predicted, "confidence": str(confidence)}
        for actual, predicted, confidence, times in answers
        for _ in range(times)
    ]


def test_dvc_confusion_is_normalised_over_the_actual_emotion_in_fixed_order():
    # Lopsided: calm is nearly always named happy, and few clips are calm; over what was predicted it would be 3 of 103.
    rows = answer_rows([("calm", "happy", 0.5, 3), ("calm", "calm", 0.5, 1), ("happy", "happy", 0.5, 100)])
    rows += answer_rows([("calm", "calm", 0.5, 2)], revision="main")
    svg = vega("confusion_by_actual", rows, x="predicted", y="actual", x_label="predicted", y_label="actual", title="t")
    cells = re.findall(r'aria-label="(actual: [^"]*|predicted: [^"]*)" role="graphics-symbol"', svg)
    parts = {
        (found["actual"], found["predicted"], found["part of the row"], found["clips"])
        for found in (dict(field.split(": ") for field in cell.split("; ")) for cell in cells)
        if "part of the row" in found
    }
    assert parts == {
        ("calm", "happy", "75%", "3"), ("calm", "calm", "25%", "1"), ("happy", "happy", "100%", "100"),
        ("calm", "calm", "100%", "2"),
    }  # fmt: skip
    names = [text for text in re.findall(r">([a-z]+)</text>", svg) if text in EMOTIONS]
    assert len(names) == 8 * 3  # one column of rows and two revisions' columns, also of emotions that nobody named
    assert all(names[start : start + 8] == list(EMOTIONS) for start in (0, 8, 16))


def test_dvc_reliability_is_the_accuracy_of_each_bin():
    rows = answer_rows(
        [("sad", "sad", 0.95, 3), ("sad", "calm", 0.95, 1), ("sad", "sad", 0.3, 1), ("sad", "calm", 0.3, 1)]
    )
    svg = vega("reliability", rows, x="confidence", y="actual", x_label="confidence", y_label="accuracy", title="t")
    points = set(re.findall(r"accuracy: ([\d.]+); rev: workspace; clips: (\d+); mean confidence: ([\d.]+)", svg))
    assert points == {("0.75", "4", "0.95"), ("0.5", "2", "0.30")}


@pytest.fixture
def repository(tmp_path, evaluation):
    """A repository with the project's own plots, and results."""
    shutil.copyfile(ROOT / "dvc.yaml", tmp_path / "dvc.yaml")
    curve = {"epoch": [1, 2], "train_loss": [1.5, 1.0], "valid_loss": [1.6, 1.2], "valid_accuracy": [0.5, 0.6]}
    for encoder, trainings in {**TRAININGS, "fusion": ()}.items():
        metrics = tmp_path / "metrics" / encoder
        write_csv(metrics / "predictions.csv", evaluation.predictions())
        plots.plot_confusion(metrics / "confusion.png", evaluation)
        plots.plot_reliability(metrics / "reliability.png", evaluation)
        for training in trainings:
            write_csv(metrics / f"curve_{training}.csv", pd.DataFrame(curve))
    answers = evaluation.predictions()
    write_csv(tmp_path / "metrics/fusion/who_is_right.csv", who_is_right(answers, answers, ("image", "speech")))
    dvc(tmp_path, "init", "-q", "--no-scm")
    (tmp_path / ".dvc/plots").symlink_to(ROOT / ".dvc/plots")
    return tmp_path


def dvc(folder, *arguments):
    command = [sys.executable, "-m", "dvc", *arguments]
    return subprocess.run(command, cwd=folder, check=True, capture_output=True, text=True).stdout


def test_dvc_plots_show_draws_every_declared_plot(repository):
    found = json.loads(dvc(repository, "plots", "show", "--json"))
    assert not found.get("errors")
    assert {Path(name).name for name in found["data"]} == {
        *("predictions.csv", "reliability", "loss", "curve_low.csv", "curve_high.csv"),
        *("curve_head.csv", "curve_all.csv"),
        *("confusion.png", "reliability.png", "who_is_right.csv"),
    }
    page = Path(dvc(repository, "plots", "show").strip().removeprefix("file://")).read_text(encoding="utf-8")
    assert page.count("vegaEmbed(") == 3 + 4 + 2 + 1  # confusion matrices, curves, reliability and loss, who is right
    assert page.count("<img") == 2 * (len(TRAININGS) + 1)
