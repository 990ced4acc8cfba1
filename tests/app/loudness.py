"""A model of known answers: loud voices are angry, soft ones sad, and what is between is uncertain."""

import hashlib
from pathlib import Path

import numpy as np
import onnx
import onnx.parser
import soundfile
from numpy.typing import NDArray
from onnx import numpy_helper

from speech_emotion.adaptation import Reference
from speech_emotion.predict.model import Description, Threshold, description_path
from tests.predict.answers import EMOTIONS
from tests.predict.voices import demo_voice

LEVELS_DB = {"angry": -18.5, "uncertain": -28.0, "sad": -37.5}
STEEPNESS = 0.3  # of the logits, for each dB
SURPLUS = {"angry": 1.0, "sad": -1.0}
NEPERS_DB = 10 / np.log(10)
# Interface and default inputs are those of `speech_emotion.export`; the embedding is the level in dB.
GRAPH = """
<ir_version: 10, opset_import: ["": 20]>
loudness (float[samples] waveform, float[N, 2] windows, float[1] scale, float[1] shift)
    => (float[N, 8] probabilities, float[N, 1] embedding)
{
    zero = Constant <value = int64 {0}> ()
    one = Constant <value = int64 {1}> ()
    axis = Constant <value = int64[1] {1}> ()
    rate = Constant <value = float {16000.0}> ()
    least = Constant <value = float {0.000000001}> ()
    samples = Size (waveform)
    numbers = Range (zero, samples, one)
    places = Cast <to = 1> (numbers)
    seconds = Div (places, rate)
    start, end = Split <axis = 1, num_outputs = 2> (windows)
    after = GreaterOrEqual (seconds, start)
    before = Less (seconds, end)
    inside = And (after, before)
    mask = Cast <to = 1> (inside)
    power = Mul (waveform, waveform)
    sum = MatMul (mask, power)
    count = ReduceSum <keepdims = 0> (mask, axis)
    mean = Div (sum, count)
    positive = Add (mean, least)
    nepers = Log (positive)
    level = Unsqueeze (nepers, axis)
    embedding = Mul (level, nepers_db)
    scaled = Mul (embedding, scale)
    moved = Add (scaled, shift)
    sloped = Mul (moved, slope)
    logits = Add (sloped, bias)
    probabilities = Softmax <axis = 1> (logits)
}
"""


def export_loudness(folder: Path) -> Path:
    """Write the model and its description into `folder`, and return its path."""
    slope = np.array([[STEEPNESS * SURPLUS.get(emotion, 0.0) for emotion in EMOTIONS]], np.float32)
    bias = -LEVELS_DB["uncertain"] * slope + np.array([emotion in SURPLUS for emotion in EMOTIONS])
    graph = onnx.parser.parse_model(GRAPH)
    values = {
        "windows": np.array([[0, 30]]), "scale": np.ones(1), "shift": np.zeros(1), "nepers_db": np.array([NEPERS_DB]),
        "slope": slope, "bias": bias,
    }  # fmt: skip
    graph.graph.initializer.extend(
        numpy_helper.from_array(one.astype(np.float32), name) for name, one in values.items()
    )
    onnx.checker.check_model(graph)
    content = graph.SerializeToString()
    described = Description(
        encoder="loudness", backbone="none", emotions=EMOTIONS, sample_rate_hz=16_000, trim_db=40.0, shortest_s=0.3,
        longest_s=30.0, temperature=1.0, reference=Reference(np.zeros(1), np.ones(1)),
        threshold=Threshold(0.5, 0.5, 0.7, "made-up clips"), made_of={}, checks={},
        files={"loudness.onnx": hashlib.sha256(content).hexdigest()},
    )  # fmt: skip
    path = folder / "loudness.onnx"
    path.write_bytes(content)
    description_path(path).write_text(described.to_json(), encoding="utf-8")
    return path


def voice(emotion: str, duration_s: float = 3.0) -> tuple[NDArray[np.float32], int]:
    """Return a voice of the demo, again and again, as loud as `emotion` is: `[samples]` and sample rate."""
    waveform, rate = demo_voice(10)
    (spoken,) = np.nonzero(np.abs(waveform) > 0.1 * np.abs(waveform).max())
    waveform = waveform[spoken[0] : spoken[-1]]
    gain = 10 ** (LEVELS_DB[emotion] / 20) / np.sqrt((waveform**2).mean())
    return np.resize(gain * waveform, round(duration_s * rate)), rate


def write_voice(path: Path, emotion: str, duration_s: float = 3.0) -> Path:
    """Write `voice` as a recording, in the format that the name of `path` asks for."""
    soundfile.write(path, *voice(emotion, duration_s))
    return path
