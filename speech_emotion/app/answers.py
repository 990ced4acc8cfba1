"""What the page shows of a whole recording: its answer, its timeline and its spectrogram."""

import base64
from collections.abc import Callable, Iterator
from dataclasses import replace
from io import FileIO
from typing import Any

import numpy as np

from speech_emotion.core.errors import PipelineError
from speech_emotion.predict import formats, timeline
from speech_emotion.predict.prediction import Moment, Prediction
from speech_emotion.predict.predictor import Predictor
from speech_emotion.predict.reading import Recording, Samples, recording
from speech_emotion.predict.sketch import RANGE_DB, Sketch

SHORTEST_TIMELINE_S = 6
COLUMNS = 800


def answer(
    predictor: Predictor, file: FileIO, name: str, longest_s: float, reached: Callable[[float], None]
) -> dict[str, Any]:
    """Return what the page shows of the recording in `file`, as JSON has it.

    Args:
        predictor: answers.
        file: at its beginning; it needs no name on the disk.
        name: that the visitor knows it by.
        longest_s: that a recording may last.
        reached: is told which share of it has been read, from 0 to 1.

    Raises:
        PipelineError: it is too long, or none that can be read; the text has `name` and no path.
    """
    path = f"/dev/fd/{file.fileno()}"
    try:
        with recording(path, longest_s) as sound:
            sketch = Sketch(sound, COLUMNS)
            sound = replace(sound, blocks=_watched(sketch.watch(sound.blocks), sound, reached))
            prediction, moments = _heard(predictor, sound)
    except PipelineError as error:
        raise PipelineError(str(error).replace(path, formats.shortened(formats.printable(name)))) from error
    return {
        "duration_s": round(prediction.duration_s, 3),
        **formats.record(prediction),
        "segments": [_segment(one) for one in timeline.segments(moments)],
        "spectrogram": _spectrogram(sketch),
    }


def _watched(blocks: Iterator[Samples], sound: Recording, reached: Callable[[float], None]) -> Iterator[Samples]:
    frames = 0
    for block in blocks:
        yield block
        frames += len(block)
        reached(min(1.0, frames / sound.sample_rate / sound.duration_s))


def _heard(predictor: Predictor, sound: Recording) -> tuple[Prediction, list[Moment]]:
    if sound.duration_s > predictor.description.longest_s:
        moments = list(timeline.moments(predictor, sound))
        return timeline.mean(moments, predictor.description), moments
    samples = np.concatenate(list(sound.blocks))
    prediction = predictor(samples, sound.sample_rate)
    if prediction.reason or sound.duration_s < SHORTEST_TIMELINE_S:
        return prediction, []
    return prediction, list(timeline.moments(predictor, replace(sound, blocks=iter([samples]))))


def _segment(segment: timeline.Segment) -> dict[str, Any]:
    confidence = None if segment.confidence is None else round(segment.confidence, 4)
    return {
        "start_s": round(segment.start_s, 3),
        "end_s": round(segment.end_s, 3),
        "emotion": segment.label,
        "confidence": confidence,
    }


def _spectrogram(sketch: Sketch) -> dict[str, Any]:
    """Return decibels as bytes, row by row from 0 Hz on: 0 is the quietest."""
    decibels = sketch.decibels()
    levels = np.round((decibels / RANGE_DB + 1) * 255).astype(np.uint8)
    rows, columns = levels.shape
    pixels = base64.b64encode(levels.tobytes()).decode()
    return {"rows": rows, "columns": columns, "highest_hz": sketch.highest_hz, "levels": pixels}
