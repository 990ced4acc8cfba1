"""Answers about clips as an aligned table, lines, JSON or CSV."""

import csv
import io
import json
import unicodedata
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

from speech_emotion.predict.prediction import Prediction

Answers = Iterable[tuple[str, Prediction]]  # name of the recording, answer; taken one by one
UNCERTAIN = "uncertain"
WIDEST_NAME = 60
ELLIPSIS = "…"


def verdict(prediction: Prediction) -> str:
    """Return the emotion, `uncertain`, or why there is no answer: `silence`, `no speech`, `too short`."""
    return prediction.reason or prediction.emotion or UNCERTAIN


def ranked(prediction: Prediction, top: int) -> list[tuple[str, float]]:
    """Return the `top` likeliest emotions with their probabilities; none where nobody speaks."""
    if prediction.reason:
        return []
    return sorted(prediction.probabilities.items(), key=lambda pair: -pair[1])[:top]


def record(prediction: Prediction) -> dict[str, Any]:
    """Return what JSON and CSV say of `prediction`: all eight probabilities; null where nobody speaks."""
    heard = not prediction.reason
    return {
        "emotion": verdict(prediction),
        "confidence": _rounded(prediction.confidence) if heard else None,
        "probabilities": {
            emotion: _rounded(share) if heard else None for emotion, share in prediction.probabilities.items()
        },
    }


def as_table(names: Sequence[str], top: int) -> Callable[[Answers], Iterator[str]]:
    """Return a function from answers about `names` to aligned lines, each as soon as its answer is there."""
    width = max(4, *(columns(shortened(printable(name))) for name in names)) if names else 4

    def lines(answers: Answers) -> Iterator[str]:
        yield f"{'file':{width}}  {'emotion':9}  confidence  candidates"
        for name, prediction in answers:
            shown = shortened(printable(name))
            padding = " " * (width - columns(shown))
            share = "" if prediction.reason else f"{prediction.confidence:.2f}"
            candidates = "  ".join(f"{emotion} {share:.2f}" for emotion, share in ranked(prediction, top))
            yield f"{shown}{padding}  {verdict(prediction):9}  {share:>10}  {candidates}".rstrip()

    return lines


def as_lines(top: int) -> Callable[[Answers], Iterator[str]]:
    """Return a function from answers to lines of name, emotion, confidence and candidates, with tabs between."""

    def lines(answers: Answers) -> Iterator[str]:
        for name, prediction in answers:
            share = "" if prediction.reason else f"{prediction.confidence:.4f}"
            candidates = ", ".join(f"{emotion} {share:.4f}" for emotion, share in ranked(prediction, top))
            yield "\t".join([printable(name), verdict(prediction), share, candidates])

    return lines


def as_json(answers: Answers) -> Iterator[str]:
    """Yield one object a line."""
    for name, prediction in answers:
        yield json_line(name, {"duration_s": round(prediction.duration_s, 3)}, prediction)


def as_csv(answers: Answers) -> Iterator[str]:
    """Yield a header and one row an answer, with a column for each emotion."""
    for place, (name, prediction) in enumerate(answers):
        if not place:
            yield csv_line(["file", "duration_s", "emotion", "confidence", *prediction.probabilities])
        yield csv_line([name, f"{prediction.duration_s:.3f}", *csv_cells(prediction)])


def json_line(name: str, position: dict[str, float], prediction: Prediction) -> str:
    """Return name, `position` and answer as one JSON object."""
    return json.dumps({"file": printable(name, escape=False), **position, **record(prediction)}, ensure_ascii=False)


def csv_line(cells: Sequence[str]) -> str:
    """Return `cells` as one row, quoted where needed, without a line end."""
    text = io.StringIO()
    csv.writer(text, lineterminator="").writerow(cells)
    return text.getvalue()


def csv_cells(prediction: Prediction) -> list[str]:
    """Return emotion, confidence and all probabilities; empty where nobody speaks."""
    known = record(prediction)
    numbers = [known["confidence"], *known["probabilities"].values()]
    return [known["emotion"], *("" if number is None else f"{number:.4f}" for number in numbers)]


def printable(name: str, *, escape: bool = True) -> str:
    """Return `name` with bytes that are no text, and with `escape` also control characters, as escapes."""
    text = name.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")
    if not escape:
        return text
    control = {ord(letter): repr(letter)[1:-1] for letter in text if unicodedata.category(letter) in ("Cc", "Cf", "Zl")}
    return text.translate(control)


def shortened(name: str) -> str:
    """Return `name`, or its end where it is too wide for a table."""
    return name if len(name) <= WIDEST_NAME else ELLIPSIS + name[1 - WIDEST_NAME :]


def columns(text: str) -> int:
    """Return how many columns of a terminal `text` takes: two for a letter of East Asia, none for an accent."""
    wide = sum(unicodedata.east_asian_width(letter) in "WF" for letter in text)
    return len(text) + wide - sum(unicodedata.combining(letter) > 0 for letter in text)


def _rounded(number: float) -> float:
    return round(float(number), 4)
