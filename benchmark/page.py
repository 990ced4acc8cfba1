"""`metrics/benchmark.json` as `metrics/benchmark.md`."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from benchmark.adaptation import ENROLLED
from speech_emotion.clips import EMOTIONS
from tools.report.markdown import percent, table, with_interval

Figures = Mapping[str, Any]

# As readers see them, in this order.
TITLES = {
    "random": "`random`: 20 % of the RAVDESS and TESS clips",
    "luna_jimenez": "`luna_jimenez`: unseen actors, RAVDESS, 5 folds",
    "emobox": "`emobox`: unseen actors, RAVDESS, 6 folds",
    "tess_swap": "`tess_swap`: one TESS voice tested, the other in training, both ways",
    "listeners": "human listeners",
}
NOTES = {"random": "every speaker is in training too: a flattering protocol"}
TRACKS = {"last": "", "first": ", first training alone", "ensemble": ", ensemble", "adapted": ", speaker-adapted"}
INTRODUCTION = """\
# Benchmark

Compare rows of one protocol only: other protocols test other clips, and some test voices that were in training.
Rows in bold are this project's; the others are published figures, with what is loose about them. All in percent.
Brackets hold 95 % bootstrap intervals; seeds and folds are given as mean ± deviation. ECE is the expected calibration
error, before and after a temperature that was fitted on the valid part.

Each of this project's rows is nested: temperatures and the weights of a fusion come from a model that was trained
without the valid part; a second one, trained with the same schedule on all that is not tested, is tested once, after
its last epoch. Both have the parameters of `params.yaml`, the same in every cell unless the last column says more."""
OF_THEIR_OWN = """\
## Tracks of their own

Not to be compared with the rows above. Ensemble: the mean log probabilities of the models of all seeds.
Speaker-adapted: one model, after the embeddings of each test speaker were shifted and scaled to the mean and deviation
within the training speakers. It takes all other clips of the voice, not their emotions, and not the clip itself."""
ENROLMENT = """\
## Speaker-adapted by the number of clips

Accuracy after adaptation to so many other clips of the voice, without their emotions; the clip that is scored is never
among them, every clip is scored. Means over 10 draws; "all" has one ([picture](benchmark_enrolment.png))."""
UNSEEN = """\
## Actors on whom nothing was chosen

The recipe was chosen on 20 of RAVDESS's actors (ablation), and these protocols test them. Were a figure high because
of that choice, the four that were left out would be recognised less well."""
UNSEEN_SAYS = {"unseen": "actors 21 to 24, on whom nothing was chosen", "others": "the other 20"}
LEAK_GAP = """\
## Leak gap

How much better the same actors' clips are recognised when the network was trained on other clips of theirs; the
interval draws actors."""
HEADER = (
    "protocol", "system", "accuracy", "UAR", "accuracy, seeds", "UAR, seeds", "UAR, folds", "ECE", "what to know",
)  # fmt: skip

SPREADS = (("seeds", "accuracy"), ("seeds", "uar"), ("folds", "uar"))


def to_markdown(figures: Figures) -> str:
    """Return the page: a table grouped by protocol, tracks of their own, and what lies behind the figures."""
    gaps = [
        [name, *(percent(gap[voices]) for voices in ("known_voices", "new_voices")), with_interval(gap, "gap")]
        for name, gap in figures.get("leak_gap", {}).items()
    ]
    unseen = [
        [protocol, name, UNSEEN_SAYS[group], f"{rates['clips']:,}", *_rates(rates)]
        for protocol, systems in figures["unseen"].items()
        for name, groups in systems.items()
        for group, rates in groups.items()
    ]
    recalls = [
        [protocol, name, *(percent(recall[one]) if one in recall else "" for one in EMOTIONS)]
        for protocol, name, recall in _last(figures, "recall")
    ]
    corpora = [
        [protocol, name, corpus, f"{rates['clips']:,}", *_rates(rates)]
        for protocol, name, corpora in _last(figures, "corpora")
        for corpus, rates in corpora.items()
    ]
    parts = [
        f"{INTRODUCTION}\n\n{table(HEADER, list(_grouped(figures, ('last', 'first'), published=True)))}",
        f"{OF_THEIR_OWN}\n\n{table(HEADER, list(_grouped(figures, ('ensemble', 'adapted'), published=False)))}",
        f"{ENROLMENT}\n\n{_enrolment(figures)}",
        f"## Recall of each emotion\n\n{table(('protocol', 'system', *EMOTIONS), recalls)}",
        f"## By corpus\n\n{table(('protocol', 'system', 'corpus', 'clips', 'accuracy', 'UAR'), corpora)}",
        f"{UNSEEN}\n\n{table(('protocol', 'system', 'clips of', 'clips', 'accuracy', 'UAR'), unseen)}",
        f"{LEAK_GAP}\n\n{table(('system', '`random`, its RAVDESS part', '`luna_jimenez`', 'points'), gaps)}",
    ]
    return "\n\n".join(parts) + "\n"


def _grouped(figures: Figures, tracks: Sequence[str], *, published: bool) -> Iterator[list[str]]:
    for protocol, title in figures["titles"].items():
        group = [
            _own(figures, protocol, name, track)
            for name, found in figures["protocols"].get(protocol, {}).items()
            for track in tracks
            if track in found
        ]
        group += [_published(row) for row in figures["published"] if published and row["protocol"] == protocol]
        yield from ([title if place == 0 else "", *row] for place, row in enumerate(group))


def _own(figures: Figures, protocol: str, name: str, track: str) -> list[str]:
    scores = figures["protocols"][protocol][name][track]
    spreads = [_spread(scores[over][rate]) for over, rate in SPREADS]
    drawn = " and ".join(f"{corpus.upper()} {units}" for corpus, units in scores["over"].items())
    notes = [f"{scores['clips']:,} clips; intervals over {drawn}", NOTES.get(protocol, "")]
    says = "; ".join(one for one in [*notes, figures["says"].get(name, {}).get(protocol, "")] if one)
    ece = f"{percent(scores['ece_raw'])} → {percent(scores['ece'])}"
    return [f"**{name}{TRACKS[track]}**", *(f"**{rate}**" for rate in _rates(scores)), *spreads, ece, says]


def _spread(scores: Figures) -> str:
    return f"{percent(scores['mean'])} ± {percent(scores['deviation'])}" if "deviation" in scores else ""


def _published(row: Figures) -> list[str]:
    accuracy, uar, ece = (percent(row[name]) if name in row else "" for name in ("accuracy", "uar", "ece"))
    return [row["system"], accuracy, uar, *("" for _ in SPREADS), ece, row["note"]]


def _enrolment(figures: Figures) -> str:
    rows = [
        [protocol, name, *(percent(rates["accuracy"]) for rates in curve.values())]
        for protocol, systems in figures["enrolment"].items()
        for name, curve in systems.items()
    ]
    return table(("protocol", "system", "0", *map(str, ENROLLED), "all"), rows)


def _last(figures: Figures, name: str) -> Iterator[tuple[str, str, Figures]]:
    for protocol, systems in figures["protocols"].items():
        yield from ((protocol, system, tracks["last"][name]) for system, tracks in systems.items())


def _rates(scores: Figures) -> list[str]:
    return [with_interval(scores, name) for name in ("accuracy", "uar")]
