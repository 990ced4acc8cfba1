"""The emotion in a voice: of a waveform, or of a recording as it comes in."""

from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from copy import copy
from pathlib import Path

import numpy as np
import soxr
from numpy.typing import NDArray

from speech_emotion.adaptation import voice_move
from speech_emotion.audio import RATES_HZ, Waveform, to_mono, trim_silence
from speech_emotion.core.errors import PipelineError
from speech_emotion.predict.prediction import Moment, Prediction
from speech_emotion.predict.session import RELEASED, ExportedModel, Floats, Move
from speech_emotion.predict.speech import RATE_HZ, SpeechDetector, unheard
from speech_emotion.predict.windows import Group, groups

__all__ = ["Moment", "Prediction", "Predictor"]

Sound = NDArray[np.floating]  # [samples] or [samples, channels], in [-1, 1]
SMOOTHING = 0.5  # weight of the moments before


class Predictor:
    """Names the emotion in a voice. Several threads may use one at once.

    Example:
        >>> predictor = Predictor()
        >>> waveform, sample_rate = soundfile.read("clip.wav")
        >>> predictor(waveform, sample_rate).emotion
        'happy'
    """

    def __init__(self, model: Path | None = None, threads: int = 1) -> None:
        """Load `model`, an `.onnx` file with its description beside it, or the one that came along.

        Args:
            model: what `export` or `make release` wrote.
            threads: of the processor, for a stream whose windows are answered together; a clip takes one.

        Raises:
            PipelineError: the model is missing, or is not the one that its description says.
        """
        self._model = ExportedModel(Path(model) if model else RELEASED)
        self._threads = threads
        self.description = self._model.description
        self._move: Move | None = None
        if self.description.sample_rate_hz != RATE_HZ:
            raise PipelineError(f"{self._model.path}: takes {self.description.sample_rate_hz} Hz, not {RATE_HZ}")

    def __call__(self, waveform: Sound, sample_rate: int) -> Prediction:
        """Return the emotion in a clip; of one longer than 30 s, the mean of equal parts.

        Args:
            waveform: float `[samples]` or `[samples, channels]`, in [-1, 1].
            sample_rate: in Hz.

        Raises:
            PipelineError: the waveform has another type or shape, samples that are not finite, or an absurd rate.
        """
        samples = _samples(waveform, sample_rate)
        duration_s = len(samples) / sample_rate
        mono = to_mono(samples, sample_rate, RATE_HZ) if len(samples) else np.zeros(0, np.float32)
        if duration_s < self.description.shortest_s:
            return self._unanswered("too short", duration_s)
        if reason := unheard(mono, SpeechDetector().feed(mono, last=True)):
            return self._unanswered(reason, duration_s)
        trimmed = trim_silence(mono, RATE_HZ, trim_db=self.description.trim_db)
        if len(trimmed) < self.description.shortest_s * RATE_HZ:
            return self._unanswered("too short", duration_s)
        return self._answer(*self._mean(trimmed), duration_s)

    def stream(
        self,
        chunks: Iterable[Sound],
        sample_rate: int,
        window_s: float = 3.0,
        hop_s: float = 0.5,
        *,
        together: int = 1,
    ) -> Iterator[Moment]:
        """Yield the emotion each `hop_s` seconds of a recording, smoothed, as soon as its window is there.

        Memory does not grow with the recording. A moment is a hop; its answer is about the window around its middle,
        so that it comes `(window_s - hop_s) / 2` after the hop's end.

        Args:
            chunks: parts of one recording, each as in a call, of any length.
            sample_rate: in Hz.
            window_s: seconds that an answer is about.
            hop_s: seconds from one answer to the next.
            together: windows that share one pass of the network. 1 answers soonest, and each window as if it were a
                clip. 18 take a fifth of the time, for recordings that are there already; there a window hears its
                surroundings, and answers differ a little.

        Raises:
            PipelineError: as a call; or the windows do not fit the model.
        """
        self._check_windows(window_s, hop_s, together)
        return self._moments(_resampled(chunks, sample_rate), window_s, hop_s, together)

    def adapted(self, clips: Iterable[tuple[Sound, int]]) -> "Predictor":
        """Return a predictor for one voice, by other clips of it, whatever their emotions.

        Args:
            clips: waveform and sample rate of each, as in a call. From about five on it pays.

        Raises:
            PipelineError: as a call; or there is speech in none of the clips.
        """
        answers = [self(waveform, sample_rate) for waveform, sample_rate in clips]
        embeddings = [one.embedding for one in answers if one.embedding is not None]
        if not embeddings:
            raise PipelineError(f"enrolment: none of {len(answers)} clips has speech in it; take others of the voice")
        scale, shift = voice_move(np.stack(embeddings), self.description.reference)
        other = copy(self)
        other._move = scale.astype(np.float32), shift.astype(np.float32)
        return other

    def _mean(self, waveform: Waveform) -> tuple[Floats, Floats]:
        parts = -(-len(waveform) // round(self.description.longest_s * RATE_HZ))
        answers = [self._model(part, move=self._move) for part in np.array_split(waveform, parts)]
        probabilities, embeddings = (np.concatenate(found).mean(axis=0) for found in zip(*answers, strict=True))
        return probabilities, embeddings

    def _moments(self, parts: Iterable[Waveform], window_s: float, hop_s: float, together: int) -> Iterator[Moment]:
        shortest_s, before = self.description.shortest_s, None
        found = groups(parts, window_s=window_s, hop_s=hop_s, together=together, shortest_s=shortest_s)
        for group, answers in self._answered(found, ahead=self._threads - 1 if together > 1 else 0):
            for window in group.windows:
                hop = window.end_s - window.start_s
                if window.reason:
                    before, prediction = None, self._unanswered(window.reason, hop)
                else:
                    shares, embedding = answers.pop(0)
                    before = shares if before is None else SMOOTHING * before + (1 - SMOOTHING) * shares
                    prediction = self._answer(before, embedding, hop)
                yield Moment(window.start_s, window.end_s, prediction)

    def _answered(self, found: Iterable[Group], *, ahead: int) -> Iterator[tuple[Group, list[tuple[Floats, Floats]]]]:
        """Yield groups with the answers of their windows that have speech, `ahead` more being worked on meanwhile."""
        with ThreadPoolExecutor(ahead + 1) as pool:
            waiting: deque[tuple[Group, Future[list[tuple[Floats, Floats]]]]] = deque()
            for group in found:
                waiting.append((group, pool.submit(self._group_answers, group)))
                if len(waiting) > ahead:
                    first, answers = waiting.popleft()
                    yield first, answers.result()
            for first, answers in waiting:
                yield first, answers.result()

    def _group_answers(self, group: Group) -> list[tuple[Floats, Floats]]:
        spoken = [(one.first_s - group.start_s, one.last_s - group.start_s) for one in group.windows if not one.reason]
        return list(zip(*self._model(group.waveform, np.asarray(spoken), self._move), strict=True)) if spoken else []

    def _answer(self, probabilities: Floats, embedding: Floats, duration_s: float) -> Prediction:
        shares = {name: float(one) for name, one in zip(self.description.emotions, probabilities, strict=True)}
        likeliest = max(shares, key=lambda name: shares[name])
        threshold = self.description.threshold
        certain = threshold is None or shares[likeliest] >= threshold.confidence
        return Prediction(likeliest if certain else None, shares[likeliest], shares, None, duration_s, embedding)

    def _unanswered(self, reason: str, duration_s: float) -> Prediction:
        return Prediction(None, 0.0, dict.fromkeys(self.description.emotions, 0.0), reason, duration_s)

    def _check_windows(self, window_s: float, hop_s: float, together: int) -> None:
        shortest_s, longest_s = self.description.shortest_s, self.description.longest_s
        if not (shortest_s <= window_s and 0 < hop_s <= window_s and together >= 1):
            raise PipelineError(
                f"window_s {window_s}, hop_s {hop_s}, together {together}: need window_s of at least {shortest_s}, "
                "hop_s above 0 and at most window_s, together of at least 1"
            )
        if window_s + (together - 1) * hop_s > longest_s:
            raise PipelineError(
                f"{together} windows of {window_s} s, {hop_s} s apart, are more than {longest_s} s together; take fewer"
            )


def _resampled(chunks: Iterable[Sound], sample_rate: int) -> Iterator[Waveform]:
    _check_rate(sample_rate)
    stream = soxr.ResampleStream(sample_rate, RATE_HZ, 1, dtype="float32")
    for chunk in chunks:
        yield stream.resample_chunk(_samples(chunk, sample_rate).mean(axis=1))
    yield stream.resample_chunk(np.zeros(0, np.float32), last=True)


def _samples(waveform: Sound, sample_rate: int) -> NDArray[np.float32]:
    """Return `waveform` as float32 `[samples, channels]`."""
    _check_rate(sample_rate)
    sound = np.asarray(waveform)
    if sound.ndim not in (1, 2) or (sound.ndim == 2 and not sound.shape[1]):
        raise PipelineError(f"waveform: has shape {sound.shape}; give [samples] or [samples, channels]")
    if not np.issubdtype(sound.dtype, np.floating):
        raise PipelineError(f"waveform: has {sound.dtype} samples; give floats in [-1, 1], int16 divided by 32768")
    if not np.isfinite(sound).all():
        raise PipelineError("waveform: holds samples that are not finite (NaN or infinity); take an intact recording")
    return sound.astype(np.float32, copy=False).reshape(len(sound), 1 if sound.ndim == 1 else sound.shape[1])


def _check_rate(sample_rate: int) -> None:
    if not RATES_HZ[0] <= sample_rate <= RATES_HZ[1]:
        raise PipelineError(f"sample_rate: is {sample_rate} Hz; need {RATES_HZ[0]} to {RATES_HZ[1]}")
