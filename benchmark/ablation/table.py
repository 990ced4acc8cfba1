"""Stage `table`: the answers of all rows to `metrics/ablation.md`."""

import argparse
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from benchmark.ablation.rows import Ablation, read_ablation
from benchmark.answers import VIEWS, Answers, read_answers
from benchmark.scoring import pool
from speech_emotion import bootstrap, confusion
from speech_emotion.command import run
from speech_emotion.errors import PipelineError
from speech_emotion.files import write_text
from speech_emotion.reporting.markdown import percent, table

Matrices = NDArray[np.float64]  # [speakers, views, emotions, emotions]

INTRODUCTION = """\
# Ablation

What each lever of the recipe gives: every row changes one thing, and is trained and tested like the first. Tested are
the {speakers} actors that the protocol `speakers` does not test, each once: seed by seed other ones, the rest and TESS
in training. Nothing here is a result: levers are chosen on these figures. All in percent; brackets hold 95 % bootstrap
intervals over actors. "Difference" is that of the UAR to the first row, on the same draws of actors; "over seeds" is
the difference of each seed, whose actors differ, too."""
HEADER = ("what changed", "accuracy", "UAR", "difference", "over seeds", "UAR after stage one", "UAR, {crops} crops")


def read_rows(ablation: Ablation, folders: Sequence[Path]) -> dict[str, list[Answers]]:
    """Return the answers of each row, seed by seed, in the order of `rows.yaml`.

    Raises:
        PipelineError: a row or a seed has no answers; two rows tested different clips.
    """
    there = {folder.name: folder for folder in folders}
    missing = [name for name in ablation.rows if name not in there]
    if missing:
        raise PipelineError(f"ablation: row '{missing[0]}' has no answers; run `python -m benchmark.run --ablation`")
    rows = {name: [read_answers(there[name] / str(seed)) for seed in ablation.seeds] for name in ablation.rows}
    first = next(iter(rows.values()))
    for name, answers in rows.items():
        if any(not mine.clips.equals(theirs.clips) for mine, theirs in zip(answers, first, strict=True)):
            raise PipelineError(f"ablation: row '{name}' tested other clips than the first; run it again with --force")
    return rows


def to_markdown(ablation: Ablation, rows: Mapping[str, Sequence[Answers]]) -> str:
    """Return the page with one line a row."""
    matrices = {name: np.stack([_by_speaker(answers, view) for view in VIEWS], 1) for name, answers in rows.items()}
    first, *_ = matrices
    seeds = {name: np.array([_uar([one]) for one in answers]) for name, answers in rows.items()}
    lines = [
        [ablation.rows[name].says, *_figures(matrices[name], matrices[first], seeds[name] - seeds[first])]
        for name in rows
    ]
    header = [text.format(crops=ablation.crops) for text in HEADER]
    return f"{INTRODUCTION.format(speakers=len(matrices[first]))}\n\n{table(header, lines)}\n"


def _by_speaker(answers: Sequence[Answers], view: str) -> Matrices:
    pooled = pool(answers, view)
    _, units = np.unique(pooled.speaker, return_inverse=True)
    return confusion.count(pooled.actual, pooled.predicted, units)


def _uar(answers: Sequence[Answers]) -> float:
    return float(confusion.uar(_by_speaker(answers, "high").sum(axis=0)))


def _figures(row: Matrices, first: Matrices, by_seed: NDArray[np.float64]) -> list[str]:
    low, high, crops = (VIEWS.index(view) for view in ("low", "high", "high_crops"))
    scores = confusion.uar(row.sum(axis=0))
    pair = np.stack([row[:, high], first[:, high]], axis=1)
    drawn = bootstrap.resampled(pair)
    figures = [
        _with_interval(float(score(pair[:, 0].sum(axis=0))), score(drawn[:, 0]))
        for score in (confusion.accuracy, confusion.uar)
    ]
    if row is first:
        difference = ["", ""]
    else:
        uars = confusion.uar(drawn)
        gain = float(scores[high] - confusion.uar(first[:, high].sum(axis=0)))
        difference = [_with_interval(gain, uars[:, 0] - uars[:, 1]), ", ".join(f"{100 * one:+.1f}" for one in by_seed)]
    return [*figures, *difference, percent(scores[low]), percent(scores[crops])]


def _with_interval(score: float, drawn: NDArray[np.float64]) -> str:
    low, high = bootstrap.interval(drawn)
    return f"{percent(score)} ({percent(low)} to {percent(high)})"


def main(argv: Sequence[str] | None = None) -> None:
    """Read argv, rows and answers, write the page."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("rows", type=Path)
    parser.add_argument("page", type=Path, help="Markdown to write")
    parser.add_argument("answers", type=Path, nargs="+", help="folders of the rows")
    args = parser.parse_args(argv)
    ablation = read_ablation(args.rows)
    write_text(args.page, to_markdown(ablation, read_rows(ablation, args.answers)))
    print(f"{args.page}: {len(ablation.rows)} rows")


if __name__ == "__main__":
    run(main)
