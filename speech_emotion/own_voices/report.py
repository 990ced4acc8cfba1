"""What a check found, as tables on a terminal."""

from collections import Counter
from collections.abc import Mapping
from statistics import median

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from speech_emotion.clips import EMOTIONS, PARTS
from speech_emotion.core.errors import listed
from speech_emotion.corpora.own import NOBODY
from speech_emotion.own_voices.check import Checked
from speech_emotion.own_voices.parts import parts_of


def print_check(checked: Checked, labels: Mapping[str, str], console: Console) -> None:
    """Print how many clips each emotion and part has, what they sound like, and every problem."""
    console.print(_counts(checked, labels))
    for line in _sound(checked):
        console.print(line, highlight=False)
    problems = Table(box=SIMPLE_HEAD, pad_edge=False, padding=(0, 1, 0, 0))
    for name in ("", "what", "which"):
        problems.add_column(name, overflow="fold")
    for problem in checked.problems:
        word, style = ("wrong", "red") if problem.fails else ("note", "dim")
        problems.add_row(word, escape(problem.what), escape(listed(problem.names)), style=style)
    if checked.problems:
        console.print(problems)
    verdict = "it cannot be added as it is" if checked.fails else "it can be added"
    console.print(f"{checked.table.path}: {verdict}", highlight=False, soft_wrap=True, markup=False)


def _counts(checked: Checked, labels: Mapping[str, str]) -> Table:
    rows = checked.table.rows
    part = {speaker: name for name, speakers in parts_of(rows).items() for speaker in speakers}
    counts = Counter((labels.get(row.emotion, row.emotion), part.get(row.speaker or NOBODY, "")) for row in rows)
    table = Table(box=SIMPLE_HEAD, pad_edge=False, padding=(0, 1, 0, 0))
    table.add_column("clips")
    for name in (*PARTS, "all"):
        table.add_column(name, justify="right")
    others = sorted({emotion for emotion, _ in counts} - set(EMOTIONS))
    for emotion in (*EMOTIONS, *others):
        cells = [counts[emotion, name] for name in PARTS]
        table.add_row(escape(emotion or "(none)"), *map(str, cells), str(sum(cells)))
    speakers = [str(len(set(names))) for names in parts_of(rows).values()]
    table.add_row("speakers", *speakers, str(len({row.speaker for row in rows})), style="bold")
    return table


def _sound(checked: Checked) -> list[str]:
    found = list(checked.recordings.values())
    if not found:
        return []
    rates = Counter(one.sample_rate for one in found)
    spans = ((("length", "s"), [one.duration_s for one in found]), (("level", "dB"), [one.level_db for one in found]))
    lines = [
        f"{name}: {min(values):.1f} to {max(values):.1f} {unit}, half of them under {median(values):.1f}"
        for (name, unit), values in spans
    ]
    return [*lines, f"sample rate: {', '.join(f'{rate} Hz ({count})' for rate, count in sorted(rates.items()))}"]
