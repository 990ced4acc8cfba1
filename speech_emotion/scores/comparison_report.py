"""A comparison as a table for a terminal, as Markdown for a review, as JSON for a program."""

import json
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

from speech_emotion.scores.bootstrap import RESAMPLES
from speech_emotion.scores.compare import Comparison, Difference, Group

MARKS = {"better": "green", "worse": "red", "no difference shown": "dim"}
JUSTIFIED = ("left", "right", "right", "right", "right", "left")
FIGURES = ("before", "after", "points", "low", "high")


def print_table(comparison: Comparison, console: Console) -> None:
    """Print a table for each group of clips, the notes and the verdict."""
    for group in comparison.groups:
        console.print(f"[bold]{_title(comparison, group)}[/]", highlight=False)
        table = Table(box=SIMPLE_HEAD, pad_edge=False, padding=(0, 1, 0, 0))
        for name, justified in zip(_header(comparison), JUSTIFIED, strict=True):
            table.add_column(name, justify=justified)  # type: ignore[arg-type]
        for difference in group.differences:
            table.add_row(*_cells(difference), style=MARKS[difference.verdict])
        console.print(table)
    for line in (*comparison.notes, verdict(comparison)):
        console.print(line, highlight=False, soft_wrap=True, markup=False)


def to_markdown(comparison: Comparison) -> str:
    """Return the verdict, a table for each group of clips, and the notes."""
    parts = [f"**{verdict(comparison)}**"]
    for group in comparison.groups:
        rule = ["---" if justified == "left" else "---:" for justified in JUSTIFIED]
        rows = [_header(comparison), rule, *map(_cells, group.differences)]
        parts.append("\n".join([f"{_title(comparison, group)}\n", *(f"| {' | '.join(row)} |" for row in rows)]))
    return "\n\n".join([*parts, *(f"- {note}" for note in comparison.notes)]) + "\n"


def to_json(comparisons: Sequence[Comparison]) -> str:
    """Return all figures by encoder, in percent and points, rounded to two decimals."""
    return json.dumps({comparison.encoder: _figures(comparison) for comparison in comparisons}, indent=2) + "\n"


def verdict(comparison: Comparison) -> str:
    """Say in one sentence whether the later model is better."""
    uar, group = comparison.uar, comparison.groups[0]
    return (
        f"{comparison.encoder}: UAR {uar.after:.1f} % against {uar.before:.1f} % in {comparison.before}: {uar.verdict} "
        f"({uar.points:+.1f} points, 95 % interval {_interval(uar)}; {group.clips:,} clips)"
    )


def _title(comparison: Comparison, group: Group) -> str:
    drawn = " and ".join(f"{corpus}'s {unit}" if len(group.over) > 1 else unit for corpus, unit in group.over.items())
    return (
        f"{comparison.encoder}, {group.name}: {group.clips:,} clips, paired bootstrap over {drawn}, {RESAMPLES:,} draws"
    )


def _header(comparison: Comparison) -> tuple[str, ...]:
    return ("score", f"{comparison.before} %", "now %", "points", "95 % interval", "verdict")


def _cells(one: Difference) -> tuple[str, ...]:
    return one.score, f"{one.before:.1f}", f"{one.after:.1f}", f"{one.points:+.1f}", _interval(one), one.verdict


def _interval(difference: Difference) -> str:
    return f"{difference.low:+.1f} to {difference.high:+.1f}"


def _figures(comparison: Comparison) -> dict[str, Any]:
    groups = [
        asdict(group) | {"differences": [_rounded(difference) for difference in group.differences]}
        for group in comparison.groups
    ]
    whole = {"before": comparison.before, "after": comparison.after, "verdict": comparison.uar.verdict}
    return whole | {"groups": groups, "notes": comparison.notes}


def _rounded(one: Difference) -> dict[str, str | float]:
    return {"score": one.score, **{name: round(getattr(one, name), 2) for name in FIGURES}, "verdict": one.verdict}
