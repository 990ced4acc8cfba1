"""The cells' answers to `metrics/benchmark.json`: all that the tables say, the published figures included."""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from benchmark.answers import Answers, read_answers
from benchmark.cells import NEW_VOICES, PROTOCOLS, UNSEEN
from benchmark.scoring import Pooled, leak_gap, pool, scores, unseen
from benchmark.views import SINGLE, VIEWS
from speech_emotion.core.errors import PipelineError, listed

# As readers see them, in this order.
TITLES = {
    "random": "`random`: 20 % of the RAVDESS and TESS clips",
    "luna_jimenez": "`luna_jimenez`: unseen actors, RAVDESS, 5 folds",
    "emobox": "`emobox`: unseen actors, RAVDESS, 6 folds",
    "tess_swap": "`tess_swap`: one TESS voice tested, the other in training, both ways",
    "listeners": "human listeners",
}
PUBLISHED_COLUMNS = ("protocol", "system", "accuracy", "uar", "ece", "note")


def read_cells(folders: Iterable[Path]) -> dict[str, Answers]:
    """Return the answers by cell, the name of its folder.

    Raises:
        PipelineError: a protocol has some of its cells and not the others; cells were made from different data or
            with different parameters; a clip is tested twice.
    """
    cells = {folder.name: read_answers(folder, VIEWS) for folder in folders}
    for protocol, names in PROTOCOLS.items():
        missing = [name for name in names if name not in cells]
        if 0 < len(missing) < len(names):
            raise PipelineError(f"{protocol}: {listed(missing)} is missing; run `python -m benchmark.run {missing[0]}`")
    _refuse_mixture(cells)
    return cells


def pooled_views(cells: Mapping[str, Answers], protocol: str) -> dict[str, Pooled]:
    """Return a protocol's clips by view."""
    chosen = [cells[name] for name in PROTOCOLS[protocol]]
    return {view: pool(chosen, view) for view in VIEWS}


def benchmark(cells: Mapping[str, Answers], published: pd.DataFrame) -> dict[str, Any]:
    """Return the content of `metrics/benchmark.json`; figures of ours and the published ones are fractions of 1."""
    views = {protocol: pooled_views(cells, protocol) for protocol, names in PROTOCOLS.items() if names[0] in cells}
    made_from = next(iter(cells.values())).made_from
    figures: dict[str, Any] = {
        "titles": TITLES,
        "image_size": {stage: made_from[stage]["image_size"] for stage in ("low", "high")},
        "crops": made_from["crops"],
        "protocols": {name: {view: scores(pooled) for view, pooled in of.items()} for name, of in views.items()},
        "temperatures": {name: cell.temperatures for name, cell in cells.items()},
        "unseen": {name: unseen(views[name]["high"], UNSEEN) for name in NEW_VOICES if name in views},
        "published": _published(published),
    }
    if {"random", "luna_jimenez"} <= views.keys():
        gaps = {view: leak_gap(views["random"][view], views["luna_jimenez"][view]) for view in SINGLE}
        figures["leak_gap"] = gaps
    return figures


def read_published(path: Path) -> pd.DataFrame:
    """Return the published figures, in percent, as they stand in `path`.

    Raises:
        PipelineError: `path` cannot be read or has other columns.
    """
    try:
        table = pd.read_csv(path)
    except (OSError, ValueError) as error:
        raise PipelineError(f"{path}: cannot be read ({error}); `git restore {path}` brings it back") from error
    if tuple(table.columns) != PUBLISHED_COLUMNS:
        raise PipelineError(f"{path}: has columns {', '.join(table)}; expected {', '.join(PUBLISHED_COLUMNS)}")
    return table


def _published(table: pd.DataFrame) -> list[dict[str, Any]]:
    rows: Sequence[dict[str, Any]] = table.to_dict("records")
    figures = ("accuracy", "uar", "ece")
    return [
        {key: round(value / 100, 4) if key in figures else value for key, value in row.items() if not pd.isna(value)}
        for row in rows
    ]


def _refuse_mixture(cells: Mapping[str, Answers]) -> None:
    if not cells:
        raise PipelineError("no cell has answers; run `python -m benchmark.run`")
    first, *others = cells
    for name in others:
        if cells[name].made_from != cells[first].made_from:
            raise PipelineError(
                f"{name} and {first} were made from different data or with different parameters; "
                "run `python -m benchmark.run` for all cells"
            )
    for protocol, names in PROTOCOLS.items():
        clips = pd.Series([clip for name in names if name in cells for clip in cells[name].clips["clip"]], dtype=str)
        twice = clips[clips.duplicated()]
        if len(twice):
            raise PipelineError(f"{protocol}: {twice.iloc[0]} is tested in two cells; run its cells again")
