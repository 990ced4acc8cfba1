"""The difference between two models, with its interval over the test clips: a paired bootstrap.

Both models are scored on the same draws of clips (or of speakers), so that what makes a clip hard for both cancels.
Efron & Tibshirani 1993, chapter 13.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial

import numpy as np
import pandas as pd

from speech_emotion.clips import EMOTIONS, indices
from speech_emotion.core.errors import PipelineError
from speech_emotion.scores import bootstrap, confusion
from speech_emotion.scores.revisions import Results

Score = Callable[[confusion.Counts], confusion.Scores]

HEADLINE: dict[str, Score] = {"UAR": confusion.uar, "accuracy": confusion.accuracy, "macro F1": confusion.macro_f1}


@dataclass(frozen=True)
class Difference:
    """One score of two models in percent, and their difference in points with its 95 % interval."""

    score: str
    before: float
    after: float
    low: float
    high: float

    @property
    def points(self) -> float:
        """By how much the later model is better."""
        return self.after - self.before

    @property
    def verdict(self) -> str:
        """What the interval allows to say: better, worse or no difference shown."""
        if self.low > 0:
            return "better"
        return "worse" if self.high < 0 else "no difference shown"


@dataclass(frozen=True)
class Group:
    """Differences on one set of clips, with what the bootstrap drew of each corpus: `8 speakers`, or `clips`."""

    name: str
    clips: int
    over: Mapping[str, str]
    differences: tuple[Difference, ...]


@dataclass(frozen=True)
class Comparison:
    """What changed between two runs of one encoder: on all common clips, by corpus, and what to know about it."""

    encoder: str
    before: str
    after: str
    groups: tuple[Group, ...]
    notes: tuple[str, ...]

    @property
    def uar(self) -> Difference:
        """The difference that decides: of the unweighted average recall on all common clips."""
        return self.groups[0].differences[0]


def compare(before: Results, after: Results) -> Comparison:
    """Compare two runs on the clips that both tested, with the actual emotions of the later one.

    Raises:
        PipelineError: they have no clip in common.
    """
    earlier = before.predictions[["clip", "actual", "predicted"]]
    both = earlier.merge(after.predictions, on="clip", suffixes=("_before", "_after"), validate="one_to_one")
    if both.empty:
        raise PipelineError(
            f"{before.name} and {after.name} tested no clip in common: their splits differ; "
            "compare runs of one protocol (params.yaml, section split)"
        )
    groups, notes = _groups(both), _notes(before, after, both)
    return Comparison(after.encoder, before.name, after.name, tuple(groups), tuple(notes))


def _groups(both: pd.DataFrame) -> Iterator[Group]:
    tested = sorted(set(both["actual_after"]), key=EMOTIONS.index)
    recalls = {f"recall of {emotion}": partial(_recall, emotion=EMOTIONS.index(emotion)) for emotion in tested}
    yield _group("all", both, HEADLINE | recalls)
    corpora = sorted(set(both["corpus"]))
    # With one corpus its rows would repeat those of all clips.
    for corpus in corpora if len(corpora) > 1 else []:
        yield _group(corpus, both[both["corpus"] == corpus], HEADLINE)


def _group(name: str, both: pd.DataFrame, scores: dict[str, Score]) -> Group:
    actual = indices(both["actual_after"])
    answers = [indices(both[column]) for column in ("predicted_before", "predicted_after")]
    matrices = np.stack([confusion.by_clip(actual, predicted) for predicted in answers], axis=1)
    # [resamples, 2 models, emotions, emotions]
    over, drawn = bootstrap.resampled_clips(matrices, both["corpus"].tolist(), both["speaker"].tolist())
    whole = matrices.sum(axis=0)
    differences = tuple(_difference(score, function, whole, drawn) for score, function in scores.items())
    speakers = both.groupby("corpus")["speaker"].nunique()
    named = {corpus: f"{speakers[corpus]} {unit}" if unit == "speakers" else unit for corpus, unit in over.items()}
    return Group(name, len(both), named, differences)


def _difference(score: str, function: Score, whole: confusion.Counts, drawn: confusion.Counts) -> Difference:
    before, after = (100 * function(whole)).tolist()
    low, high = bootstrap.interval(100 * np.diff(function(drawn), axis=1)[:, 0])
    return Difference(score, before, after, low, high)


def _recall(matrix: confusion.Counts, emotion: int) -> confusion.Scores:
    return np.asarray(confusion.recall(matrix)[..., emotion])


def _notes(before: Results, after: Results, both: pd.DataFrame) -> Iterator[str]:
    counts = [len(results.predictions) for results in (before, after)]
    if max(counts) > len(both):
        yield (
            f"the test parts differ: {counts[0]:,} clips in {before.name}, {counts[1]:,} in {after.name}; "
            f"compared on the {len(both):,} common ones"
        )
    relabelled = int((both["actual_before"] != both["actual_after"]).sum())
    if relabelled:
        yield f"{relabelled:,} clips have another actual emotion now; both models are scored against the new one"
    if len(both) == max(counts) and {"ece"} <= before.metrics.keys() & after.metrics.keys():
        errors = (100 * results.metrics["ece"] for results in (before, after))
        yield "expected calibration error {:.1f} % before, {:.1f} % now (no interval)".format(*errors)
