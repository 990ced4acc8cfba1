"""Tables of scores as Markdown."""

from collections.abc import Mapping, Sequence
from typing import Any

# Columns that hold words; all others hold figures, and stand on the right.
WORDS = (
    "protocol",
    "system",
    "model",
    "corpus",
    "emotion",
    "actual",
    "predicted",
    "clips of",
    "what changed",
    "shifted",
    "what to know",
)


def table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Return a table with one line a row."""
    rule = ["---" if name in WORDS else "---:" for name in header]
    return "\n".join(f"| {' | '.join(row)} |" for row in (header, rule, *rows))


def percent(score: float) -> str:
    """Return a fraction of 1 in percent, one decimal."""
    return f"{100 * score:.1f}"


def with_interval(scores: Mapping[str, Any], name: str) -> str:
    """Return the score `name` in percent, with the interval that stands beside it as `<name>_ci`."""
    interval = scores[f"{name}_ci"]
    return f"{percent(scores[name])} ({percent(interval['low'])} to {percent(interval['high'])})"
