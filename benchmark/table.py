"""`metrics/benchmark.json` as `metrics/benchmark.md`."""

from collections.abc import Mapping
from typing import Any

from benchmark.views import SINGLE, TRACKS
from tools.report.markdown import percent, table, with_interval

Figures = Mapping[str, Any]

NOTES = {
    "random": "every speaker is in training too: a flattering protocol",
    "luna_jimenez": "TESS is in training",
    "emobox": "TESS is in training",
    "tess_swap": "RAVDESS is in training",
}
OVER = {("ravdess", "speakers"): "actors", ("ravdess", "clips"): "RAVDESS clips", ("tess", "clips"): "TESS clips"}
INTRODUCTION = """\
# Benchmark

Compare rows of one protocol only: other protocols test other clips, and some test voices that were in training.
Rows in bold are this project's; the others are published figures, with what is loose about them. All in percent.
Brackets hold 95 % bootstrap intervals; folds are given as mean ± deviation. ECE is the expected calibration error,
before and after a temperature that was fitted on the valid part. "One crop" is what the exported model does.

Each of this project's rows is nested: the temperature comes from a model that was trained without the valid part; a
second one, trained with the same schedule on all that is not tested, is tested once, after its last epoch. Both
trainings have the parameters of `params.yaml`, the same in every cell."""
UNSEEN_SAYS = {"unseen": "actors 21 to 24, on whom nothing was chosen", "others": "the other 20"}
UNSEEN_INTRODUCTION = """\
## Actors on whom nothing was chosen

The recipe was chosen on 20 of RAVDESS's actors ([ablation](ablation.md)), and these protocols test them. Were a
figure high because of that choice, the four that were left out would be recognised less well. One crop, the
high-resolution model; intervals over clips or actors, as many as there are."""
TRACK_NAMES = {"adapted": "speaker-adapted", "ensemble": "ensemble"}
TRACKS_INTRODUCTION = """\
## Tracks of their own

Not to be compared with the rows above. Speaker-adapted: the high-resolution model, one crop, after all log-mels of a
test speaker were shifted by one number that brings their mean level to that of the training speakers of the corpus;
it takes the speaker's other clips, not their emotions. Ensemble: the log probabilities of the cell's four networks
averaged: both resolutions, trained without and with the valid part."""
HEADER = ("protocol", "system", "accuracy", "UAR", "accuracy over folds", "UAR over folds", "ECE", "what to know")


def to_markdown(figures: Figures) -> str:
    """Return the page: one table grouped by protocol, then tracks of their own, and what lies behind the figures."""
    parts = [
        INTRODUCTION,
        table(HEADER, _rows(figures)),
        _tracks(figures),
        _corpora(figures),
        _recalls(figures),
        _unseen(figures),
    ]
    return "\n\n".join([*parts, *([_leak_gap(figures)] if "leak_gap" in figures else [])]) + "\n"


def system_name(figures: Figures, view: str) -> str:
    """Return what a view's row is called."""
    if view in TRACK_NAMES:
        return TRACK_NAMES[view]
    size = figures["image_size"][view.partition("_")[0]]
    return f"{size} px, " + (f"{figures['crops']} crops averaged" if view == "high_crops" else "one crop")


def _rows(figures: Figures) -> list[list[str]]:
    rows = []
    for protocol, title in figures["titles"].items():
        ours = figures["protocols"].get(protocol, {})
        group = [_own_row(figures, protocol, view) for view in SINGLE if view in ours]
        group += [_published_row(row) for row in figures["published"] if row["protocol"] == protocol]
        rows += [[title if place == 0 else "", *row] for place, row in enumerate(group)]
    return rows


def _tracks(figures: Figures) -> str:
    rows = [
        [protocol if place == 0 else "", *_own_row(figures, protocol, view)]
        for protocol in figures["protocols"]
        for place, view in enumerate(TRACKS)
    ]
    return f"{TRACKS_INTRODUCTION}\n\n{table(HEADER, rows)}"


def _own_row(figures: Figures, protocol: str, view: str) -> list[str]:
    scores = figures["protocols"][protocol][view]
    spreads = [_spread(scores["folds"][name]) for name in ("accuracy", "uar")]
    ece = f"{percent(scores['ece_raw'])} → {percent(scores['ece'])}"
    drawn = " and ".join(OVER[corpus, units] for corpus, units in scores["interval_over"].items())
    note = f"{scores['clips']:,} clips; intervals over {drawn}; {NOTES[protocol]}"
    rates = [f"**{with_interval(scores, name)}**" for name in ("accuracy", "uar")]
    return [f"**{system_name(figures, view)}**", *rates, *spreads, ece, note]


def _spread(folds: Figures) -> str:
    return f"{percent(folds['mean'])} ± {percent(folds['deviation'])}" if "deviation" in folds else ""


def _published_row(row: Figures) -> list[str]:
    accuracy, uar, ece = (percent(row[name]) if name in row else "" for name in ("accuracy", "uar", "ece"))
    return [row["system"], accuracy, uar, "", "", ece, row["note"]]


def _corpora(figures: Figures) -> str:
    rows = [
        [protocol, system_name(figures, view), corpus, f"{scores['clips']:,}", *_rates(scores)]
        for protocol, views in figures["protocols"].items()
        for view in SINGLE
        for corpus, scores in views[view]["corpora"].items()
    ]
    header = ("protocol", "system", "corpus", "clips", "accuracy", "UAR")
    return f"## By corpus\n\n{table(header, rows)}"


def _rates(scores: Figures) -> list[str]:
    return [with_interval(scores, name) for name in ("accuracy", "uar")]


def _recalls(figures: Figures) -> str:
    protocols = {name: views["high"]["recall"] for name, views in figures["protocols"].items()}
    emotions = list(dict.fromkeys(emotion for recall in protocols.values() for emotion in recall))
    rows = [
        [name, system_name(figures, "high"), *(percent(recall[one]) if one in recall else "" for one in emotions)]
        for name, recall in protocols.items()
    ]
    return f"## Recall of each emotion\n\n{table(('protocol', 'system', *emotions), rows)}"


def _unseen(figures: Figures) -> str:
    rows = [
        [protocol, says, f"{rates['clips']:,}", *_rates(rates)]
        for protocol, groups in figures["unseen"].items()
        for says, rates in ((UNSEEN_SAYS[group], groups[group]) for group in UNSEEN_SAYS)
    ]
    header = ("protocol", "clips of", "clips", "accuracy", "UAR")
    return f"{UNSEEN_INTRODUCTION}\n\n{table(header, rows)}"


def _leak_gap(figures: Figures) -> str:
    rows = [
        [
            system_name(figures, view),
            percent(gap["known_voices"]),
            percent(gap["new_voices"]),
            with_interval(gap, "gap"),
        ]
        for view, gap in figures["leak_gap"].items()
    ]
    header = ("system", "`random`, its RAVDESS part", "`luna_jimenez`", "leak gap, points")
    return (
        "## Leak gap\n\nHow much better the same actors' clips are recognised when the network was trained on other "
        f"clips of theirs; the interval draws actors.\n\n{table(header, rows)}"
    )
