"""Answers about waveforms and streams, by a model of random weights."""

import hashlib
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soxr
from numpy.typing import NDArray

import speech_emotion
from speech_emotion.core.errors import PipelineError
from speech_emotion.predict import speech
from speech_emotion.predict.predictor import Moment, Predictor
from tests.predict.tiny import export_tiny
from tests.predict.voices import demo_voice

SILERO = "fa0c9ab04c4de7d4cab34de001b83863049ef194fd60189637bb752aba88e857"
HEAVY = ("torch", "pandas", "scipy", "librosa", "yaml", "dvc", "onnx")
Samples = NDArray[np.float32]


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return export_tiny(tmp_path_factory.mktemp("model"))


@pytest.fixture(scope="module")
def predictor(model: Path) -> Predictor:
    return Predictor(model)


def recording(clips: int = 4, *, pause_s: float = 1.0) -> tuple[Samples, int]:
    """Clips of one voice with silence between them."""
    rate = demo_voice()[1]
    silence = np.zeros(round(pause_s * rate), np.float32)
    return np.concatenate([part for number in range(clips) for part in (demo_voice(number)[0], silence)]), rate


def shares(predictor: Predictor, waveform: Samples, sample_rate: int) -> Samples:
    return np.array(list(predictor(waveform, sample_rate).probabilities.values()), np.float32)


def test_public_name_is_imported_when_asked_for() -> None:
    assert speech_emotion.Predictor is Predictor
    with pytest.raises(AttributeError, match="Prophet"):
        _ = speech_emotion.Prophet  # type: ignore[attr-defined]


def test_the_runtime_reports_to_nobody(model: Path, tmp_path: Path) -> None:
    # It keeps the number of its reports' session in a file of the temporary folder, and reports none in a CI.
    quiet = ("ORT_DISABLE_TELEMETRY", "CI", "GITHUB_ACTIONS", "TF_BUILD")
    environment = {name: value for name, value in os.environ.items() if name not in quiet} | {"TMPDIR": str(tmp_path)}
    code = "import sys, pathlib, speech_emotion; speech_emotion.Predictor(pathlib.Path(sys.argv[1]))"
    subprocess.run([sys.executable, "-c", code, model], env=environment, check=True)
    assert list(tmp_path.iterdir()) == []


def test_answer_names_the_likeliest_emotion(predictor: Predictor) -> None:
    waveform, rate = demo_voice()
    found = predictor(waveform, rate)
    assert found.emotion == max(found.probabilities, key=lambda name: found.probabilities[name])
    assert found.confidence == found.probabilities[found.emotion]
    assert sum(found.probabilities.values()) == pytest.approx(1, abs=1e-5)
    assert found.duration_s == len(waveform) / rate
    assert found.speech
    assert found.embedding is not None
    assert not found.uncertain


@pytest.mark.parametrize("rate", [8_000, 22_050, 44_100, 96_000])
def test_rate_and_channels_hardly_matter(predictor: Predictor, rate: int) -> None:
    waveform, own = demo_voice()
    again = soxr.resample(waveform, own, rate)
    found = shares(predictor, np.stack([again, again], axis=1).astype(np.float64), rate)
    limit = 0.3 if rate < 16_000 else 0.02  # half of the band is gone
    np.testing.assert_allclose(found, shares(predictor, waveform, own), atol=limit)


def test_silence_around_a_clip_changes_little(predictor: Predictor) -> None:
    waveform, rate = demo_voice()
    padded = np.pad(waveform, rate)
    np.testing.assert_allclose(shares(predictor, padded, rate), shares(predictor, waveform, rate), atol=0.05)


RNG = np.random.default_rng(0)
TIMES_S = np.arange(32_000) / 16_000


@pytest.mark.parametrize(
    ("waveform", "reason"),
    [
        (np.zeros(32_000), "silence"),
        (RNG.normal(0, 1e-6, 32_000), "silence"),
        (RNG.normal(0, 0.1, 32_000), "no speech"),
        (RNG.normal(0, 0.001, 32_000), "no speech"),
        (np.cumsum(RNG.normal(0, 0.002, 32_000)), "no speech"),
        (0.3 * np.sin(2 * np.pi * 440 * TIMES_S), "no speech"),
        (0.3 * np.sin(2 * np.pi * 50 * TIMES_S), "no speech"),
        (np.zeros(0), "too short"),
        (np.ones(1), "too short"),
        (demo_voice()[0][:2000], "too short"),
    ],
)
def test_what_holds_no_voice_is_not_guessed_at(predictor: Predictor, waveform: Samples, reason: str) -> None:
    found = predictor(waveform, 16_000)
    assert (found.reason, found.emotion, found.confidence, found.speech) == (reason, None, 0.0, False)
    assert set(found.probabilities.values()) == {0.0}


def test_below_the_threshold_an_answer_is_uncertain(tmp_path: Path, predictor: Predictor) -> None:
    waveform, rate = demo_voice()
    known = predictor(waveform, rate)
    careful = Predictor(export_tiny(tmp_path, threshold=known.confidence + 1e-4))(waveform, rate)
    assert careful.emotion is None
    assert careful.uncertain
    assert careful.probabilities == known.probabilities
    bold = Predictor(export_tiny(tmp_path, threshold=known.confidence - 1e-4))(waveform, rate)
    assert bold.emotion == known.emotion


def test_more_than_30_s_are_the_mean_of_equal_parts(predictor: Predictor) -> None:
    waveform = np.resize(demo_voice()[0], 36 * 16_000)
    halves = [shares(predictor, half, 16_000) for half in np.split(waveform, 2)]
    np.testing.assert_allclose(shares(predictor, waveform, 16_000), np.mean(halves, axis=0), atol=0.02)


@pytest.mark.parametrize(
    ("waveform", "sample_rate", "complaint"),
    [
        (np.array([0.1, np.nan]), 16_000, "not finite"),
        (np.zeros(16_000, np.int16), 16_000, "int16 samples; give floats"),
        (np.zeros((2, 2, 2)), 16_000, r"shape \(2, 2, 2\)"),
        (np.zeros((9, 0)), 16_000, r"shape \(9, 0\)"),
        (np.float32(1), 16_000, r"shape \(\)"),
        (np.zeros(16_000), 0, "is 0 Hz; need 1000 to 768000"),
    ],
)
def test_waveforms_that_are_none_are_refused(
    predictor: Predictor, waveform: Any, sample_rate: int, complaint: str
) -> None:
    with pytest.raises(PipelineError, match=complaint):
        predictor(waveform, sample_rate)
    with pytest.raises(PipelineError, match=complaint):
        list(predictor.stream([waveform], sample_rate))


def test_threads_share_a_predictor(predictor: Predictor) -> None:
    clips = [demo_voice(number) for number in range(6)] * 3
    with ThreadPoolExecutor(6) as pool:
        together = list(pool.map(lambda clip: shares(predictor, *clip), clips))
    np.testing.assert_array_equal(together, [shares(predictor, *clip) for clip in clips])


def parts(waveform: Samples, count: int) -> Iterator[Samples]:
    yield from np.array_split(waveform, count)


def known(moments: list[Moment]) -> list[list[float]]:
    return [[one.start_s, one.end_s, *one.prediction.probabilities.values()] for one in moments]


@pytest.mark.parametrize("together", [1, 5])
def test_stream_does_not_depend_on_how_its_parts_are_cut(predictor: Predictor, together: int) -> None:
    waveform, rate = recording()
    one, many = (list(predictor.stream(parts(waveform, cut), rate, together=together)) for cut in (1, 97))
    np.testing.assert_allclose(known(many), known(one), atol=2e-3)


def test_moments_cover_the_recording_and_pauses_have_no_answer(predictor: Predictor) -> None:
    waveform, rate = recording(2, pause_s=4.0)
    moments = list(predictor.stream([waveform], rate))
    assert moments[0].start_s == 0
    assert moments[-1].end_s == pytest.approx(len(waveform) / rate, abs=1e-3)
    assert [one.end_s for one in moments[:-1]] == [one.start_s for one in moments[1:]]
    voice_s = len(demo_voice()[0]) / rate
    at = {one.start_s: one.prediction.reason for one in moments}
    assert at[0.5] is None
    assert at[2.0 + round(voice_s)] in ("silence", "no speech")


def test_moment_comes_as_soon_as_its_window_is_there(predictor: Predictor) -> None:
    waveform, rate = recording()
    given = 0

    def microphone() -> Iterator[Samples]:
        nonlocal given
        for part in parts(waveform, 100):
            given += len(part)
            yield part

    for moment in predictor.stream(microphone(), rate):
        assert given / rate <= moment.end_s + 1.25 + 0.2


def test_windows_together_answer_nearly_as_each_alone(predictor: Predictor) -> None:
    waveform, rate = recording(6, pause_s=0.2)
    alone, together = (list(predictor.stream([waveform], rate, together=count)) for count in (1, 18))
    assert [one.prediction.reason for one in alone] == [one.prediction.reason for one in together]
    assert np.abs(np.array(known(alone)) - known(together)).mean() < 0.1


def test_threads_change_no_moment(model: Path, predictor: Predictor) -> None:
    waveform, rate = recording(8)
    one, three = (list(each.stream([waveform], rate, together=4)) for each in (predictor, Predictor(model, threads=3)))
    assert known(three) == known(one)


@pytest.mark.parametrize("windows", [(0.1, 0.1, 1), (3, 0, 1), (3, 4, 1), (3, 0.5, 0), (3, 0.5, 100)])
def test_windows_that_do_not_fit_are_refused(predictor: Predictor, windows: tuple[float, float, int]) -> None:
    window_s, hop_s, together = windows
    with pytest.raises(PipelineError, match=r"need window_s|take fewer"):
        predictor.stream([], 16_000, window_s, hop_s, together=together)


def test_a_voices_own_clips_move_its_embeddings_to_the_references(predictor: Predictor) -> None:
    clips = [demo_voice(number) for number in range(8)]
    own = predictor.adapted(clips)
    assert own is not predictor
    assert np.abs(shares(own, *clips[0]) - shares(predictor, *clips[0])).max() > 0.01
    np.testing.assert_array_equal(own(*clips[0]).embedding, predictor(*clips[0]).embedding)
    with pytest.raises(PipelineError, match="none of 1 clips has speech"):
        predictor.adapted([(np.zeros(16_000), 16_000)])


def test_without_a_released_model_the_line_says_the_way_out(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("speech_emotion.predict.session.RELEASED", tmp_path / "emotion.int8.onnx")
    monkeypatch.setattr("speech_emotion.predict.predictor.RELEASED", tmp_path / "emotion.int8.onnx")
    with pytest.raises(PipelineError, match=r"no model came along .* --model PATH, or train and `make release`"):
        Predictor()


def test_models_that_are_none_are_refused(tmp_path: Path) -> None:
    path = export_tiny(tmp_path)
    with pytest.raises(PipelineError, match=r"nowhere\.onnx: cannot be read"):
        Predictor(tmp_path / "nowhere.onnx")
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(PipelineError, match=r"is not the file that .*emotion\.json describes"):
        Predictor(path)
    description = path.with_name("emotion.json")
    described = json.loads(description.read_text(encoding="utf-8"))
    path.write_bytes(b"no graph")
    described["files"] = {path.name: hashlib.sha256(b"no graph").hexdigest()}
    description.write_text(json.dumps(described), encoding="utf-8")
    with pytest.raises(PipelineError, match="onnxruntime cannot load it"):
        Predictor(path)
    for content in ("{}", "[]", "no JSON", json.dumps(described | {"format": 2})):
        description.write_text(content, encoding="utf-8")
        with pytest.raises(PipelineError, match=r"emotion\.json: is no description of a model"):
            Predictor(path)
    names = described["emotions"]
    wrong: dict[str, Any] = {"emotions": [[], *names[1:]], "longest_s": "30", "temperature": True, "files": []}
    wrong["threshold"] = {"confidence": 0.5, "coverage": "most", "accuracy": 0.7, "chosen_on": "others"}
    for name, value in wrong.items():
        description.write_text(json.dumps(described | {name: value}), encoding="utf-8")
        with pytest.raises(PipelineError, match=rf"emotion\.json: is no description of a model \(.*{name}"):
            Predictor(path)
    description.unlink()
    with pytest.raises(PipelineError, match=r"emotion\.json: is no description of a model \(No such file"):
        Predictor(path)


def test_detector_is_sileros_and_its_parts_may_be_cut_anywhere() -> None:
    assert hashlib.sha256(speech.MODEL.read_bytes()).hexdigest() == SILERO
    waveform, _ = recording()
    whole = speech.SpeechDetector().feed(waveform, last=True)
    detector = speech.SpeechDetector()
    cut = [detector.feed(part) for part in parts(waveform, 333)] + [detector.feed(waveform[:0], last=True)]
    np.testing.assert_array_equal(np.concatenate(cut), whole)
    assert 0.3 < whole.mean() < 0.9


def test_prediction_needs_the_installed_base_alone(model: Path) -> None:
    code = (
        "import sys, numpy as np, pathlib\n"
        "from speech_emotion import Predictor\n"
        f"Predictor(pathlib.Path({str(model)!r}))(np.zeros(16000), 16000)\n"
        f"print([name for name in {HEAVY} if name in sys.modules])"
    )
    ended = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert ended.stdout == "[]\n"
