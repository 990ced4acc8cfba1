"""A predictor with known answers, for tests of what is around one."""

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from types import SimpleNamespace

import numpy as np
from numpy.typing import NDArray

from speech_emotion.core.errors import PipelineError
from speech_emotion.predict.prediction import Moment, Prediction

EMOTIONS = ("neutral", "calm", "happy", "sad", "angry", "fearful", "disgust", "surprised")


def prediction(emotion: str | None = "happy", confidence: float = 0.72, *, reason: str | None = None) -> Prediction:
    """An answer whose likeliest emotion is `emotion` (happy if `uncertain`), sad next; `reason` for none at all."""
    rest = (1 - confidence) / 10
    probabilities = dict.fromkeys(EMOTIONS, rest) | {"sad": 4 * rest, emotion or "happy": confidence}
    return Prediction(emotion, confidence, probabilities, reason, 2.0)


def moments(labels: Sequence[str | None], *, hop_s: float = 0.5) -> list[Moment]:
    """A moment each half second; for None nobody speaks."""
    return [
        Moment(place * hop_s, (place + 1) * hop_s, prediction(label) if label else prediction(reason="no speech"))
        for place, label in enumerate(labels)
    ]


class KnownPredictor:
    """Hears `happy` in what is loud, `sad` in what is soft, and no speech in silence."""

    def __init__(self, model: Path | None = None, threads: int = 1) -> None:
        self.model, self.clips = model, 0
        self.description = SimpleNamespace(emotions=EMOTIONS, longest_s=30.0, threshold=None)

    def __call__(self, waveform: NDArray[np.float32], sample_rate: int) -> Prediction:
        level = float(np.abs(waveform).max())
        if level == 0:
            return prediction(reason="silence")
        return prediction("happy" if level > 0.1 else "sad", 0.9 if self.clips else 0.72)

    def stream(self, chunks: Iterable[NDArray[np.float32]], sample_rate: int, *, together: int = 1) -> Iterator[Moment]:
        waveform = np.concatenate(list(chunks))
        hop = sample_rate // 2
        for start in range(0, len(waveform), hop):
            part = waveform[start : start + hop]
            yield Moment(start / sample_rate, (start + len(part)) / sample_rate, self(part, sample_rate))

    def adapted(self, clips: Iterable[tuple[NDArray[np.float32], int]]) -> "KnownPredictor":
        other = KnownPredictor(self.model)
        other.clips = len(list(clips))
        if not other.clips:
            raise PipelineError("enrolment: none of 0 clips has speech in it")
        return other
