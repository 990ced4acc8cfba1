"""Stage `table`: the answers of all rows to `metrics/ablation.md`."""

import argparse
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from benchmark.ablation.removed import Removed, read_removed
from benchmark.ablation.rows import Ablation, read_ablation
from benchmark.ablation.views import CROPS, ONE_CROP, OWN_LEVEL, OWN_MELS, VIEWS
from benchmark.answers import Answers, read_answers
from benchmark.scoring import pool
from speech_emotion.core.command import run
from speech_emotion.core.errors import PipelineError
from speech_emotion.core.files import write_text
from speech_emotion.scores import bootstrap, confusion
from tools.report.markdown import percent, table

Matrices = NDArray[np.float64]  # [speakers, emotions, emotions]

INTRODUCTION = """\
# Ablation

What each lever of the recipe gives: every row changes one thing, and is trained and tested like the first. Tested are
the {speakers} actors that the protocol `speakers` does not test, each once: seed by seed other ones, the rest and TESS
in training. The first training has {base}, unless a row says otherwise.
Nothing here is a result: levers are chosen on these figures. All in percent; brackets hold 95 % bootstrap intervals
over actors. "Difference" is that of the UAR to the first row, on the same draws of actors; "over seeds" is the
difference of each seed, whose actors differ, too. A row that lacks a seed is compared on the actors that it has."""
HEADER = ("what changed", "seeds", "accuracy", "UAR", "difference", "over seeds", "UAR, {crops} crops")
REMOVED = """\
## Tried and removed

Levers that brought nothing; the code is in the commit `{commit}`. Differences are to the first row of their time:
{first}."""
ADAPTED = """\
## Speaker-adapted

A track of its own: the networks of the first row, asked after each test speaker's log-mels were shifted to the mean
level of the training speakers."""
ADAPTED_HEADER = ("shifted", "accuracy", "UAR", "difference", "over seeds")
SHIFTS = {OWN_LEVEL: "by one number a speaker", OWN_MELS: "by one number for each mel bin of a speaker"}


Seeds = Mapping[int, Answers]


def read_rows(ablation: Ablation, folders: Sequence[Path]) -> dict[str, Seeds]:
    """Return the answers of each row by seed, in the order of `rows.yaml`.

    Raises:
        PipelineError: a row has no answers, or the first lacks a seed; two rows tested different clips.
    """
    there = {folder.name: folder for folder in folders}
    rows: dict[str, Seeds] = {}
    for name in ablation.rows:
        found = {seed: there[name] / str(seed) for seed in ablation.seeds if name in there}
        rows[name] = {seed: read_answers(folder, VIEWS) for seed, folder in found.items() if folder.exists()}
        first = next(iter(rows.values()))
        if not rows[name] or len(first) < len(ablation.seeds):
            raise PipelineError(f"ablation: row '{name}' lacks answers; run `python -m benchmark.run --ablation`")
        if any(not answers.clips.equals(first[seed].clips) for seed, answers in rows[name].items()):
            raise PipelineError(f"ablation: row '{name}' tested other clips than the first; run it again with --force")
    return rows


def to_markdown(ablation: Ablation, rows: Mapping[str, Seeds], removed: Removed) -> str:
    """Return the page: a table with one line a row, lines of earlier rows, speaker-adapted scores of the first row."""
    name, *_ = rows
    first = rows[name]
    lines = [_line(ablation.rows[name].says, seeds, first) for name, seeds in rows.items()]
    adapted = [
        [says, *_scores(View(first, view)), *_difference(View(first, view), View(first, ONE_CROP))]
        for view, says in SHIFTS.items()
    ]
    header = [text.format(crops=ablation.crops) for text in HEADER]
    speakers = len(View(first, ONE_CROP).matrices)
    introduction = f"{INTRODUCTION.format(speakers=speakers, base=ablation.base.says)}\n{ablation.trained_on}".rstrip()
    parts = [introduction, table(header, lines)]
    if removed.lines:
        parts += [REMOVED.format(commit=removed.commit, first=removed.first), table(header, removed.lines)]
    return "\n\n".join([*parts, ADAPTED, table(ADAPTED_HEADER, adapted)]) + "\n"


def _line(says: str, seeds: Seeds, first: Seeds) -> list[str]:
    view, plain = View(seeds, ONE_CROP), View({seed: first[seed] for seed in seeds}, ONE_CROP)
    difference = _difference(view, plain) if seeds is not first else ["", ""]
    return [says, str(len(seeds)), *_scores(view), *difference, percent(View(seeds, CROPS).uar)]


class View:
    """What one view of a row's seeds says.

    Attributes:
        matrices: `[speakers, emotions, emotions]`.
        uar: over all clips.
        uars: of each seed.
    """

    def __init__(self, seeds: Seeds, view: str) -> None:
        self.matrices = _by_speaker(list(seeds.values()), view)
        self.uar = float(confusion.uar(self.matrices.sum(axis=0)))
        self.uars = np.array([confusion.uar(_by_speaker([one], view).sum(axis=0)) for one in seeds.values()])


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
    parser.add_argument("removed", type=Path, help="lines of rows that there are no more")
    parser.add_argument("page", type=Path, help="Markdown to write")
    parser.add_argument("answers", type=Path, nargs="+", help="folders of the rows")
    args = parser.parse_args(argv)
    ablation = read_ablation(args.rows)
    write_text(args.page, to_markdown(ablation, read_rows(ablation, args.answers), read_removed(args.removed)))
    print(f"{args.page}: {len(ablation.rows)} rows")


if __name__ == "__main__":
    run(main)
