"""Stage `table`: the answers of all rows to `metrics/ablation.md`."""

import argparse
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from benchmark.ablation.rows import Ablation, read_ablation
from benchmark.ablation.views import CROPS, ONE_CROP, OWN_LEVEL, OWN_MELS, VIEWS
from benchmark.answers import Answers, read_answers
from benchmark.scoring import pool
from speech_emotion import bootstrap, confusion
from speech_emotion.command import run
from speech_emotion.errors import PipelineError
from speech_emotion.files import write_text
from speech_emotion.reporting.markdown import percent, table

Matrices = NDArray[np.float64]  # [speakers, emotions, emotions]

INTRODUCTION = """\
# Ablation

What each lever of the recipe gives: every row changes one thing, and is trained and tested like the first. Tested are
the {speakers} actors that the protocol `speakers` does not test, each once: seed by seed other ones, the rest and TESS
in training. Nothing here is a result: levers are chosen on these figures. All in percent; brackets hold 95 % bootstrap
intervals over actors. "Difference" is that of the UAR to the first row, on the same draws of actors; "over seeds" is
the difference of each seed, whose actors differ, too."""
HEADER = ("what changed", "accuracy", "UAR", "difference", "over seeds", "UAR, {crops} crops")
ADAPTED = """\
## Speaker-adapted

A track of its own: the networks of the first row, asked after each test speaker's log-mels were shifted to the mean
level of the training speakers."""
ADAPTED_HEADER = ("shifted", "accuracy", "UAR", "difference", "over seeds")
SHIFTS = {OWN_LEVEL: "by one number a speaker", OWN_MELS: "by one number for each mel bin of a speaker"}


def read_rows(ablation: Ablation, folders: Sequence[Path]) -> dict[str, list[Answers]]:
    """Return the answers of each row, seed by seed, in the order of `rows.yaml`.

    Raises:
        PipelineError: a row or a seed has no answers; two rows tested different clips.
    """
    there = {folder.name: folder for folder in folders}
    missing = [name for name in ablation.rows if name not in there]
    if missing:
        raise PipelineError(f"ablation: row '{missing[0]}' has no answers; run `python -m benchmark.run --ablation`")
    rows = {name: [read_answers(there[name] / str(seed), VIEWS) for seed in ablation.seeds] for name in ablation.rows}
    first = next(iter(rows.values()))
    for name, answers in rows.items():
        if any(not mine.clips.equals(theirs.clips) for mine, theirs in zip(answers, first, strict=True)):
            raise PipelineError(f"ablation: row '{name}' tested other clips than the first; run it again with --force")
    return rows


def to_markdown(ablation: Ablation, rows: Mapping[str, Sequence[Answers]]) -> str:
    """Return the page: a table with one line a row, and the speaker-adapted scores of the first."""
    first, *others = rows.values()
    plain = View(first, ONE_CROP)
    names = [ablation.rows[name].says for name in rows]
    views = [plain, *(View(answers, ONE_CROP) for answers in others)]
    lines = [
        [name, *_scores(view), *(_difference(view, plain) if view is not plain else ["", ""]), percent(crops.uar)]
        for name, view, crops in zip(names, views, (View(answers, CROPS) for answers in rows.values()), strict=True)
    ]
    shifted = {says: View(first, view) for view, says in SHIFTS.items()}
    adapted = [[says, *_scores(view), *_difference(view, plain)] for says, view in shifted.items()]
    parts = [
        INTRODUCTION.format(speakers=len(plain.matrices)),
        table([text.format(crops=ablation.crops) for text in HEADER], lines),
        ADAPTED,
        table(ADAPTED_HEADER, adapted),
    ]
    return "\n\n".join(parts) + "\n"


class View:
    """What one view of a row's seeds says.

    Attributes:
        matrices: `[speakers, emotions, emotions]`.
        uar: over all clips.
        uars: of each seed.
    """

    def __init__(self, answers: Sequence[Answers], view: str) -> None:
        self.matrices = _by_speaker(answers, view)
        self.uar = float(confusion.uar(self.matrices.sum(axis=0)))
        self.uars = np.array([confusion.uar(_by_speaker([one], view).sum(axis=0)) for one in answers])


def _by_speaker(answers: Sequence[Answers], view: str) -> Matrices:
    pooled = pool(answers, view)
    _, units = np.unique(pooled.speaker, return_inverse=True)
    return confusion.count(pooled.actual, pooled.predicted, units)


def _scores(view: View) -> list[str]:
    drawn = bootstrap.resampled(view.matrices)
    return [
        _with_interval(float(score(view.matrices.sum(axis=0))), score(drawn))
        for score in (confusion.accuracy, confusion.uar)
    ]


def _difference(view: View, first: View) -> list[str]:
    pair = bootstrap.resampled(np.stack([view.matrices, first.matrices], axis=1))
    uars = confusion.uar(pair)
    by_seed = ", ".join(f"{100 * one:+.1f}" for one in view.uars - first.uars)
    return [_with_interval(view.uar - first.uar, uars[:, 0] - uars[:, 1]), by_seed]


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
