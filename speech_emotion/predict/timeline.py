"""The emotions of a long recording over time: as segments, table, JSON, CSV, subtitles and labels."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import groupby

import numpy as np

from speech_emotion.predict.formats import csv_cells, csv_line, json_line, printable, verdict
from speech_emotion.predict.model import Description
from speech_emotion.predict.prediction import Moment, Prediction
from speech_emotion.predict.predictor import Predictor
from speech_emotion.predict.reading import Recording

Moments = Iterable[Moment]
TOGETHER = 18  # windows that share a pass of the network: a fifth of the time
NamedMoments = Iterable[tuple[str, Moment]]  # name of the recording, moment; taken one by one


@dataclass(frozen=True)
class Segment:
    """A stretch of a recording with one emotion."""

    start_s: float
    end_s: float
    label: str  # an emotion, `uncertain`, or why there is no answer
    confidence: float | None  # mean over its moments; none where nobody speaks


def moments(predictor: Predictor, recording: Recording) -> Iterator[Moment]:
    """Yield the emotion each half second of `recording`, smoothed, as it is read: memory does not grow with it."""
    return predictor.stream(recording.blocks, recording.sample_rate, together=TOGETHER)


def answer(predictor: Predictor, recording: Recording) -> Prediction:
    """Return the emotion of all of `recording`; of a long one the mean over its moments, so that memory stays flat."""
    if recording.duration_s <= predictor.description.longest_s:
        return predictor(np.concatenate(list(recording.blocks)), recording.sample_rate)
    return mean(moments(predictor, recording), predictor.description)


def mean(found: Moments, description: Description) -> Prediction:
    """Return the emotion of all that `found` covers, by the model that `description` is of."""
    emotions = description.emotions
    threshold = description.threshold.confidence if description.threshold else 0.0
    shares, reasons, end_s = [], set(), 0.0
    for moment in found:
        end_s, reason = moment.end_s, moment.prediction.reason
        if reason:
            reasons.add(reason)
        else:
            shares.append([moment.prediction.probabilities[name] for name in emotions])
    if not shares:
        return Prediction(None, 0.0, dict.fromkeys(emotions, 0.0), min(reasons, default="silence"), end_s)
    means = dict(zip(emotions, np.mean(shares, axis=0).tolist(), strict=True))
    likeliest = max(means, key=lambda name: means[name])
    confidence = means[likeliest]
    return Prediction(likeliest if confidence >= threshold else None, confidence, means, None, end_s)


def segments(found: Moments) -> Iterator[Segment]:
    """Join neighbouring moments of one emotion."""
    for label, group in groupby(found, key=lambda moment: verdict(moment.prediction)):
        run = list(group)
        shares = [moment.prediction.confidence for moment in run if not moment.prediction.reason]
        yield Segment(run[0].start_s, run[-1].end_s, label, sum(shares) / len(shares) if shares else None)


def as_table(found: NamedMoments) -> Iterator[str]:
    """Yield a title and a line a segment for each recording."""
    for name, group in groupby(found, key=lambda pair: pair[0]):
        yield printable(name)
        for one in segments(moment for _, moment in group):
            share = "" if one.confidence is None else f"{one.confidence:.2f}"
            yield f"  {clock(one.start_s)}  {clock(one.end_s)}  {one.label:9}  {share}".rstrip()


def as_lines(found: NamedMoments) -> Iterator[str]:
    """Yield a line a segment: name, start and end in seconds, emotion, confidence, with tabs between."""
    for name, group in groupby(found, key=lambda pair: pair[0]):
        for one in segments(moment for _, moment in group):
            share = "" if one.confidence is None else f"{one.confidence:.4f}"
            yield "\t".join([printable(name), f"{one.start_s:.2f}", f"{one.end_s:.2f}", one.label, share])


def as_json(found: NamedMoments) -> Iterator[str]:
    """Yield one object a moment."""
    for name, moment in found:
        position = {"start_s": round(moment.start_s, 3), "end_s": round(moment.end_s, 3)}
        yield json_line(name, position, moment.prediction)


def as_csv(found: NamedMoments) -> Iterator[str]:
    """Yield a header and a row a moment."""
    for place, (name, moment) in enumerate(found):
        if not place:
            yield csv_line(["file", "start_s", "end_s", "emotion", "confidence", *moment.prediction.probabilities])
        times = [f"{moment.start_s:.3f}", f"{moment.end_s:.3f}"]
        yield csv_line([name, *times, *csv_cells(moment.prediction)])


def as_srt(found: NamedMoments) -> Iterator[str]:
    """Yield SubRip subtitles, one a segment in which somebody speaks."""
    spoken = (one for one in segments(moment for _, moment in found) if one.confidence is not None)
    for number, one in enumerate(spoken, 1):
        yield f"{number}\n{clock(one.start_s, ',')} --> {clock(one.end_s, ',')}\n{_caption(one)}\n"


def as_audacity(found: NamedMoments) -> Iterator[str]:
    """Yield lines of a label track for Audacity, one a segment in which somebody speaks: start, end, label."""
    for one in segments(moment for _, moment in found):
        if one.confidence is not None:
            yield f"{one.start_s:.6f}\t{one.end_s:.6f}\t{_caption(one)}"


def clock(seconds: float, point: str = ".") -> str:
    """Return `seconds` as `00:01:02.500`, with `point` before the milliseconds."""
    minutes, thousandths = divmod(round(seconds * 1000), 60_000)
    return f"{minutes // 60:02}:{minutes % 60:02}:{thousandths // 1000:02}{point}{thousandths % 1000:03}"


def _caption(segment: Segment) -> str:
    return f"{segment.label} {segment.confidence:.0%}"
