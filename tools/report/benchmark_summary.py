"""The short version of `metrics/benchmark.json`: one model, one crop, beside what is published."""

import json
from pathlib import Path
from typing import Any

from speech_emotion.core.errors import PipelineError
from tools.report.markdown import percent, table, with_interval

VIEW = "high"  # what is exported
PAGE = "benchmark.md"


def read_benchmark(path: Path) -> dict[str, Any] | None:
    """Return the content of `path`, None where the benchmark has not run.

    Raises:
        PipelineError: it is damaged.
    """
    if not path.exists():
        return None
    try:
        figures: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        return figures
    except ValueError as error:
        raise PipelineError(f"{path}: is damaged ({error}); run `dvc repro benchmark/dvc.yaml:pool`") from error


def benchmark_table(figures: dict[str, Any]) -> str:
    """Return a table grouped by protocol: this project's row, then the published ones."""
    rows = []
    for protocol, title in figures["titles"].items():
        group = [_published(row) for row in figures["published"] if row["protocol"] == protocol]
        if protocol in figures["protocols"]:
            group.insert(0, _own(figures, protocol))
        rows += [[title if place == 0 else "", *row] for place, row in enumerate(group)]
    return table(("protocol", "system", "accuracy, %", "UAR, %"), rows)


def leak_gap_sentence(figures: dict[str, Any]) -> str:
    """Return what a random split adds for nothing, empty where it was not measured."""
    if "leak_gap" not in figures:
        return ""
    gap = figures["leak_gap"][VIEW]
    return (
        f"The leak gap: RAVDESS's clips are recognised {percent(gap['known_voices'])} % of the time where other clips "
        f"of the same actors were in training, and {percent(gap['new_voices'])} % where none was: "
        f"{with_interval(gap, 'gap')} points."
    )


def _own(figures: dict[str, Any], protocol: str) -> list[str]:
    scores = figures["protocols"][protocol][VIEW]
    rates = [f"**{with_interval(scores, name)}**" for name in ("accuracy", "uar")]
    return [f"**this project, {figures['image_size'][VIEW]} px, one crop**", *rates]


def _published(row: dict[str, Any]) -> list[str]:
    return [row["system"], *(percent(row[name]) if name in row else "" for name in ("accuracy", "uar"))]
