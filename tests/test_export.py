"""The exported graph answers as the training path does."""

import os
import sys
from pathlib import Path

import numpy as np
import onnx
import pandas as pd
import pytest
from numpy.typing import NDArray
from onnx import TensorProto
from onnxruntime import InferenceSession, SessionOptions

from speech_emotion.audio import decode, to_mono, trim_silence
from speech_emotion.core.errors import PipelineError
from speech_emotion.encoders import protocol
from speech_emotion.export import describe, learned_clips
from speech_emotion.model.calibration import calibrated
from speech_emotion.model.inference import clip_embeddings, clip_logits, embedding_logits
from speech_emotion.predict.model import read_description
from tests.predict.tiny import TEMPERATURE, export_tiny, tiny_files, tiny_model
from tests.predict.voices import demo_voice
from tests.workspace import ROOT

FRONTEND = tiny_model().description.frontend
RATE = FRONTEND.sample_rate_hz
Samples = NDArray[np.float32]


def session(form: str) -> InferenceSession:
    options = SessionOptions()
    options.log_severity_level = 3
    return InferenceSession(tiny_files()[form], options)


@pytest.fixture(scope="module")
def exported() -> InferenceSession:
    return session("emotion.onnx")


def clip(duration_s: float) -> Samples:
    """Voices at the model's rate, one after the other, `[samples]`."""
    voices = np.concatenate([to_mono(voice[:, None], rate, RATE) for voice, rate in map(demo_voice, range(20))])
    return np.resize(voices, round(duration_s * RATE))


def trained_answers(samples: Samples, sample_rate: int) -> tuple[Samples, Samples]:
    """Return probabilities `[8]` and embedding `[D]` by the way that evaluation takes."""
    mel = protocol.frontend("speech").log_mel(samples, sample_rate, FRONTEND)
    probabilities = calibrated(clip_logits(tiny_model(), [mel]), TEMPERATURE)
    return probabilities[0].astype(np.float32), clip_embeddings(tiny_model(), [mel])[0]


def assert_parity(exported: InferenceSession, samples: Samples, sample_rate: int) -> None:
    waveform = trim_silence(to_mono(samples, sample_rate, RATE), RATE, trim_db=FRONTEND.trim_db)
    probabilities, embedding = exported.run(None, {"waveform": waveform})
    expected, expected_embedding = trained_answers(samples, sample_rate)
    np.testing.assert_allclose(probabilities[0], expected, atol=1e-3)
    np.testing.assert_allclose(embedding[0], expected_embedding, atol=1e-3)


@pytest.mark.parametrize("duration_s", [0.31, 1.0, 3.217, 30.0])
def test_answers_are_those_of_the_training_path(exported: InferenceSession, duration_s: float) -> None:
    assert_parity(exported, clip(duration_s)[:, None], RATE)


@pytest.mark.skipif("SPEECH_CORPORA" not in os.environ, reason="real clips are where SPEECH_CORPORA says")
def test_answers_about_real_clips_are_those_of_the_training_path(exported: InferenceSession) -> None:
    files = sorted(Path(os.environ["SPEECH_CORPORA"], "ravdess").rglob("*.flac"))[::97]
    assert files
    for path in files:
        assert_parity(exported, *decode(path))


def test_windows_are_asked_about_together(exported: InferenceSession) -> None:
    waveform = clip(4.0)
    whole, embedding = exported.run(None, {"waveform": waveform})
    windows = np.array([[0, 9], [0, 1.5], [1.5, 4]], np.float32)
    probabilities, embeddings = exported.run(None, {"waveform": waveform, "windows": windows})
    np.testing.assert_allclose(probabilities[0], whole[0], atol=1e-5)
    np.testing.assert_allclose(embeddings[0], embedding[0], atol=1e-4)
    assert np.abs(np.diff(embeddings, axis=0)).max(axis=1).min() > 0.01


def test_embeddings_that_were_moved_are_classified(exported: InferenceSession) -> None:
    waveform = clip(2.0)
    _, embedding = exported.run(None, {"waveform": waveform})
    rng = np.random.default_rng(0)
    scale, shift = (rng.uniform(-2, 2, embedding.shape[1]).astype(np.float32) for _ in range(2))
    probabilities, unmoved = exported.run(None, {"waveform": waveform, "scale": scale, "shift": shift})
    np.testing.assert_array_equal(unmoved, embedding)
    expected = calibrated(embedding_logits(tiny_model(), embedding * scale + shift), TEMPERATURE)
    np.testing.assert_allclose(probabilities, expected, atol=1e-4)


def test_int8_is_small_and_close(exported: InferenceSession) -> None:
    graph = onnx.load_from_string(tiny_files()["emotion.int8.onnx"])
    large = [
        one for one in graph.graph.initializer if np.prod(one.dims) >= 1 << 12 and one.data_type != TensorProto.FLOAT
    ]
    assert {one.data_type for one in large} == {TensorProto.INT8, TensorProto.FLOAT16}
    assert len(tiny_files()["emotion.int8.onnx"]) < 0.75 * len(tiny_files()["emotion.onnx"])
    assert "MatMulInteger" in {node.op_type for node in graph.graph.node}
    waveform = clip(3.0)
    (expected,), (found,) = (
        one.run(["probabilities"], {"waveform": waveform})[0] for one in (exported, session("emotion.int8.onnx"))
    )
    np.testing.assert_allclose(found, expected, atol=0.05)


@pytest.mark.parametrize("form", ["emotion.onnx", "emotion.int8.onnx"])
def test_file_is_whole_and_says_nothing_of_where_it_was_made(form: str) -> None:
    content = tiny_files()[form]
    graph = onnx.load_from_string(content)
    assert [one.name for one in graph.graph.initializer if one.external_data] == []
    assert {node.domain for node in graph.graph.node} <= {"", "ai.onnx"}, "any runtime has what it takes"
    for place in (str(ROOT), sys.prefix, "site-packages", "Traceback"):
        assert place.encode() not in content


def test_corpora_that_had_no_share_in_training_are_not_learned_from() -> None:
    rows = [("a", "ravdess", "train"), ("b", "tess", "train"), ("c", "ravdess", "test")]
    split = pd.DataFrame(rows, columns=["clip", "corpus", "part"])
    assert tiny_model().description.training.shares == {"tess": 0.0}
    assert learned_clips(tiny_model(), split)["clip"].tolist() == ["a"]
    with pytest.raises(PipelineError, match="no clip that the model was trained on"):
        learned_clips(tiny_model(), split[split["corpus"] == "tess"])


def test_description_returns_as_it_was_written(tmp_path: Path) -> None:
    path = export_tiny(tmp_path, threshold=0.4).with_name("emotion.json")
    described = read_description(path)
    assert described.to_json() == path.read_text(encoding="utf-8")
    assert (described.sample_rate_hz, described.temperature) == (RATE, TEMPERATURE)
    known = describe(tiny_model(), tiny_files(), described.reference, {"ravdess": 10}, described.threshold)
    assert known.to_json() == described.to_json()
