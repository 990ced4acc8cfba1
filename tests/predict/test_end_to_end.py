"""The command with a real model: random weights, a real file, the demo's voices."""

import csv
import io
import json
import re
import subprocess
import sys
import zipfile
from pathlib import Path

import numpy as np
import pytest
import soundfile

from speech_emotion import cli
from speech_emotion.predict import timeline
from speech_emotion.predict.predictor import Predictor
from speech_emotion.predict.reading import recording
from tests.predict.tiny import export_tiny
from tests.published import real_corpora
from tests.workspace import ROOT, copy_project

RATE = 16_000
# What the four libraries of the base need themselves.
LIGHT = {
    *("numpy", "onnxruntime", "soundfile", "soxr"),
    *("cffi", "flatbuffers", "packaging", "protobuf", "pycparser", "typing_extensions"),
}


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return export_tiny(tmp_path_factory.mktemp("model"))


@pytest.fixture(scope="module")
def voices(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Six clips of the demo."""
    folder = tmp_path_factory.mktemp("voices")
    with zipfile.ZipFile(ROOT / "demo" / "ravdess.zip") as archive:
        names = sorted(name for name in archive.namelist() if name.endswith((".wav", ".flac")))[:6]
        return [Path(archive.extract(name, folder)) for name in names]


@pytest.fixture(scope="module")
def talk(voices: list[Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The clips one after the other, with five seconds of silence in the middle."""
    parts = [soundfile.read(path)[0] for path in voices]
    parts.insert(3, np.zeros(5 * soundfile.info(voices[0]).samplerate))
    path = tmp_path_factory.mktemp("talk") / "talk.flac"
    soundfile.write(path, np.concatenate(parts), soundfile.info(voices[0]).samplerate)
    return path


def ask(capsys: pytest.CaptureFixture[str], *arguments: str | Path) -> list[str]:
    capsys.readouterr()
    assert cli.main(["predict", *map(str, arguments)]) == 0
    out, err = capsys.readouterr()
    assert err == ""
    return out.splitlines()


def test_the_answer_is_the_predictors(capsys: pytest.CaptureFixture[str], model: Path, voices: list[Path]) -> None:
    answers = [json.loads(line) for line in ask(capsys, *voices, "--model", model, "--json")]
    assert [answer["file"] for answer in answers] == list(map(str, voices))
    for path, answer in zip(voices, answers, strict=True):
        expected = Predictor(model)(*soundfile.read(path, dtype="float32"))
        assert answer["emotion"] == expected.emotion
        assert answer["probabilities"] == pytest.approx(expected.probabilities, abs=2e-4)
        assert sum(answer["probabilities"].values()) == pytest.approx(1, abs=1e-3)


@pytest.mark.parametrize("change", ["rate", "channels", "bits", "format"])
def test_the_answer_hardly_depends_on_how_the_sound_is_stored(
    capsys: pytest.CaptureFixture[str], model: Path, voices: list[Path], tmp_path: Path, change: str
) -> None:
    samples, rate = soundfile.read(voices[0])
    path = tmp_path / ("clip.ogg" if change == "format" else "clip.wav")
    if change == "rate":
        import soxr

        soundfile.write(path, soxr.resample(samples, rate, 44_100), 44_100)
    elif change == "channels":
        soundfile.write(path, np.stack([samples] * 3, axis=1), rate)
    else:
        soundfile.write(path, samples, rate, subtype=None if change == "format" else "FLOAT")
    before, after = (
        json.loads(ask(capsys, one, "--model", model, "--json")[0])["probabilities"] for one in (voices[0], path)
    )
    assert after == pytest.approx(before, abs=0.15 if change == "format" else 0.03)


def test_a_timeline_has_each_half_second_and_the_silence(
    capsys: pytest.CaptureFixture[str], model: Path, talk: Path
) -> None:
    rows = list(csv.DictReader(io.StringIO("\n".join(ask(capsys, "--timeline", talk, "--model", model, "--csv")))))
    length_s, starts = soundfile.info(talk).duration, [float(row["start_s"]) for row in rows]
    assert np.diff(starts) == pytest.approx(0.5)
    assert float(rows[-1]["end_s"]) == pytest.approx(length_s, abs=0.01)
    silent = [row for row in rows if row["emotion"] in ("silence", "no speech")]
    assert 2 <= len(silent) * 0.5 <= 5
    assert len(silent) < len(rows) / 2


def test_enrolled_clips_move_the_answer(capsys: pytest.CaptureFixture[str], model: Path, voices: list[Path]) -> None:
    alone = ask(capsys, voices[0], "--model", model, "--json")
    assert ask(capsys, voices[0], "--model", model, "--enrol", voices[0].parent, "--json") != alone


def test_a_long_recording_is_answered_without_being_held(model: Path, talk: Path, tmp_path: Path) -> None:
    samples, rate = soundfile.read(talk)
    soundfile.write(tmp_path / "long.flac", np.tile(samples, 3), rate)
    with recording(str(tmp_path / "long.flac")) as sound:
        assert sound.duration_s > 30
        answer = timeline.answer(Predictor(model), sound)
    assert answer.speech
    assert sum(answer.probabilities.values()) == pytest.approx(1, abs=1e-5)
    assert answer.duration_s == pytest.approx(3 * len(samples) / rate, abs=0.01)


@pytest.mark.parametrize("kind", ["silence", "noise", "too short"])
def test_what_cannot_be_judged_says_so(
    capsys: pytest.CaptureFixture[str], model: Path, tmp_path: Path, kind: str
) -> None:
    noise = np.random.default_rng(0).normal(0, 0.1, RATE * 2)
    sounds = {"silence": np.zeros(RATE * 2), "noise": noise, "too short": noise[:1000]}
    soundfile.write(tmp_path / "clip.wav", sounds[kind], RATE)
    [line] = ask(capsys, tmp_path / "clip.wav", "--model", model)
    assert line.split("\t")[1:] == [kind.replace("noise", "no speech"), "", ""]


def test_without_a_model_one_line_says_so(capsys: pytest.CaptureFixture[str], voices: list[Path]) -> None:
    assert cli.main(["predict", str(voices[0]), "--model", "absent.onnx"]) == 2
    out, err = capsys.readouterr()
    assert (out, len(err.splitlines())) == ("", 1)
    assert err.startswith("error: absent.onnx: cannot be read (No such file or directory)")


def test_in_an_empty_environment_the_built_wheel_answers_with_little_beside_it(
    model: Path, voices: list[Path], tmp_path: Path
) -> None:
    project, environment, wheels = tmp_path / "project", tmp_path / "environment", tmp_path / "wheels"
    copy_project(project)
    subprocess.run([sys.executable, "-m", "venv", environment], check=True)
    pip = [environment / "bin" / "python", "-m", "pip", "--disable-pip-version-check"]
    subprocess.run([*pip, "wheel", "-q", "--no-deps", "-w", wheels, project], check=True)
    subprocess.run([*pip, "install", "-q", *wheels.iterdir()], check=True)
    listed = subprocess.run([*pip, "list", "--format", "freeze"], check=True, capture_output=True, text=True).stdout
    brought = {line.partition("==")[0] for line in listed.splitlines()} - {"pip", "setuptools", "speech-emotion"}
    assert {"numpy", "onnxruntime", "soundfile", "soxr"} <= brought <= LIGHT
    command = [environment / "bin" / "speech-emotion", "predict", voices[0], "--model", model, "--json"]
    ended = subprocess.run(command, cwd=tmp_path, check=True, capture_output=True, text=True)
    assert json.loads(ended.stdout)["emotion"] == Predictor(model)(*soundfile.read(voices[0], dtype="float32")).emotion


def test_the_readmes_answer_is_the_released_models(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    [clip] = (real_corpora() / "ravdess").rglob("03-01-05-02-01-01-21.*")
    monkeypatch.chdir(tmp_path)
    soundfile.write("clip.wav", *soundfile.read(clip))
    monkeypatch.setattr(type(sys.stdout), "isatty", lambda _: True, raising=False)
    [shown] = re.findall(r"^```text\n(file .*?)\n```", (ROOT / "README.md").read_text(encoding="utf-8"), re.M | re.S)
    shown, given = shown.split(), "\n".join(ask(capsys, "clip.wav")).split()
    assert [word for word in shown if not is_number(word)] == [word for word in given if not is_number(word)]
    # Other processors round an int8 model's sums otherwise, and published clips have another sample rate than copies.
    figures = [[float(word) for word in words if is_number(word)] for words in (shown, given)]
    assert figures[0] == pytest.approx(figures[1], abs=0.02)


def is_number(word: str) -> bool:
    return re.fullmatch(r"[0-9.]+", word) is not None
