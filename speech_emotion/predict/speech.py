"""Voice activity: where somebody speaks.

The detector is Silero VAD 6.2.3 (Silero Team, MIT): `silero_vad.onnx` beside this file is
`silero_vad/data/silero_vad_16k_sequence.onnx` of its package with large weights stored as float16, half its size (of
6,845 frames of real speech five were judged differently); its licence is in `silero_vad.LICENSE`.
"""

from functools import cache
from pathlib import Path

import numpy as np
import onnxruntime
from numpy.typing import NDArray

MODEL = Path(__file__).with_name("silero_vad.onnx")
RATE_HZ = 16_000
FRAME_SAMPLES = 512
FRAME_S = FRAME_SAMPLES / RATE_HZ
CONTEXT_SAMPLES = 64  # of the frame before
# Silero's own limit is 0.5; shouts of RAVDESS fall below it, and noise, tones and hum stay below 0.12.
LIKELY = 0.3
SHORTEST_SPEECH_S = 0.1
SILENT = 1e-4  # peak: -80 dB of full scale

Speech = NDArray[np.bool_]  # [frames]


class SpeechDetector:
    """Tells of each frame of one recording, fed in parts, whether somebody speaks. Not for several threads."""

    def __init__(self) -> None:
        self._state = [np.zeros((1, 1, 128), np.float32)] * 2
        self._left = np.zeros(CONTEXT_SAMPLES, np.float32)  # context, and samples that make no frame yet

    def feed(self, waveform: NDArray[np.float32], *, last: bool = False) -> Speech:
        """Return the frames that `waveform` `[samples]` at 16 kHz completes; the `last` part ends with silence."""
        samples = np.concatenate([self._left, waveform])
        if last:
            samples = np.pad(samples, (0, -(len(samples) - CONTEXT_SAMPLES) % FRAME_SAMPLES))
        count = (len(samples) - CONTEXT_SAMPLES) // FRAME_SAMPLES
        self._left = samples[count * FRAME_SAMPLES :]
        if not count:
            return np.zeros(0, bool)
        frames = np.lib.stride_tricks.sliding_window_view(samples, CONTEXT_SAMPLES + FRAME_SAMPLES)
        inputs = dict(zip("hc", self._state, strict=True)) | {"input": frames[::FRAME_SAMPLES][:count].copy()}
        likely, *self._state = _session().run(["speech_probs", "hn", "cn"], inputs)
        return np.asarray(likely >= LIKELY)


def unheard(waveform: NDArray[np.float32], speech: Speech) -> str | None:
    """Return `silence` or `no speech`, or None where somebody speaks."""
    if not len(waveform) or np.abs(waveform).max() < SILENT:
        return "silence"
    return None if speech.sum() * FRAME_S >= SHORTEST_SPEECH_S else "no speech"


@cache
def _session() -> onnxruntime.InferenceSession:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    return onnxruntime.InferenceSession(MODEL, options, providers=["CPUExecutionProvider"])
