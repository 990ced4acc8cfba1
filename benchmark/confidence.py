"""Confidence on strangers: its temperature, and the threshold from which answers can be trusted.

A temperature that was fitted on the actors of one corpus says nothing about voices, rooms and languages of another.
Here both come from corpora that the model had not heard, and are checked on one more. Each corpus counts the same,
however many clips it has. Selective classification: Geifman & El-Yaniv 2017, arXiv:1705.08500.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from benchmark.answers import ADAPTED, LAST, Answers
from benchmark.scoring import LOGITS, bins, brief
from speech_emotion.clips import EMOTIONS, indices
from speech_emotion.core.errors import PipelineError, listed
from speech_emotion.model.calibration import calibrated, fit_temperature

TARGET = 0.7  # of the answers that are given are to be right
LEAST_COVERAGE = 0.05  # of the clips: so few can be right by luck
STEPS = 1000  # thresholds that are tried
SHARES = (1.0, 0.8, 0.6, 0.5, 0.4, 0.3, 0.2, 0.1)  # of the clips, the most confident ones

System = Mapping[tuple[str, int], Answers]  # by cell, each of which leaves a corpus out, and seed


@dataclass(frozen=True)
class Threshold:
    """The confidence from which an answer counts, and what it gave where it was chosen."""

    confidence: float
    coverage: float  # share of the clips with such an answer
    accuracy: float  # of these
    chosen_on: str


def strangers(system: System, track: str) -> pd.DataFrame:
    """Return the answers on `track` about clips of corpora that were left out: columns as `answers.COLUMNS`, `seed`.

    Raises:
        PipelineError: there are none, or a corpus was not left out with each seed.
    """
    tables = [one.track(track).assign(seed=seed) for (_, seed), one in system.items()]
    if not tables:
        raise PipelineError(
            "confidence: no cell leaves a corpus out; run `python -m benchmark.run 'cell@*cross_corpus*'`"
        )
    answers = pd.concat(tables, ignore_index=True)
    tested = answers[answers["part"] == "test"].reset_index(drop=True)
    seeds = {corpus: sorted(set(rows["seed"])) for corpus, rows in tested.groupby("corpus")}
    every = sorted(set(tested["seed"]))
    if lacking := [f"{corpus} with {listed(map(str, every))}" for corpus, of in seeds.items() if of != every]:
        raise PipelineError(f"confidence: {lacking[0]} is not complete; run `python -m benchmark.run` for all seeds")
    return tested


def stranger_temperature(answers: pd.DataFrame) -> float:
    """Return the geometric mean of the temperatures that fit each corpus alone."""
    each = [fit_temperature(rows[LOGITS].to_numpy(), indices(rows["emotion"])) for _, rows in answers.groupby("corpus")]
    return float(np.exp(np.mean(np.log(each))))


def confident(answers: pd.DataFrame, temperature: float) -> pd.DataFrame:
    """Return each answer with `actual`, `predicted`, `right`, `confidence`, and its `weight`: 1 for all of a corpus."""
    logits = answers[LOGITS].to_numpy()
    predicted = np.asarray(EMOTIONS)[logits.argmax(axis=1)]
    return answers[["clip", "corpus", "speaker", "seed"]].assign(
        actual=answers["emotion"],
        predicted=predicted,
        right=predicted == answers["emotion"].to_numpy(),
        confidence=calibrated(logits, temperature).max(axis=1),
        weight=1 / answers.groupby("corpus")["clip"].transform("size"),
    )


def choose_threshold(clips: pd.DataFrame) -> Threshold | None:
    """Return the lowest threshold from which the answers are right in `TARGET` of the cases, or None."""
    levels = np.arange(STEPS) / STEPS
    given = clips["confidence"].to_numpy() >= levels[:, None]  # [levels, clips]
    weights, right = clips["weight"].to_numpy(), clips["right"].to_numpy()
    coverage = given @ weights / weights.sum()
    accuracy = given @ (weights * right) / np.maximum(given @ weights, 1e-12)
    good = np.flatnonzero((accuracy >= TARGET) & (coverage >= LEAST_COVERAGE))
    if not len(good):
        return None
    chosen_on = f"{listed(sorted(set(clips['corpus'])))}, each left out of training"
    return Threshold(*(round(float(found[good[0]]), 4) for found in (levels, coverage, accuracy)), chosen_on)


def curve(clips: pd.DataFrame) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return coverage and accuracy, `[clips]` each, of the most confident clip, the two most confident ones, all."""
    ranked = clips.sort_values("confidence", ascending=False, kind="stable")
    weights, right = ranked["weight"].to_numpy(), ranked["right"].to_numpy()
    given = weights.cumsum()
    return given / given[-1], (weights * right).cumsum() / given


def accuracy_at(clips: pd.DataFrame, share: float) -> float:
    """Return the accuracy of the most confident `share` of the clips."""
    coverage, accuracy = curve(clips)
    return float(accuracy[min(int(np.searchsorted(coverage, share - 1e-9)), len(accuracy) - 1)])


def confidence_figures(system: System) -> dict[str, Any]:
    """Return what is known of one encoder's confidence on strangers, as fractions of 1.

    `temperature` and `threshold` are chosen on all corpora that were left out; `checked` has, for each of them, what
    those chosen on the other ones give there, where there are others.
    """
    answers, moved = strangers(system, LAST), strangers(system, ADAPTED)
    temperature = stranger_temperature(answers)
    clips = confident(answers, temperature)
    groups = {"all": clips, **dict(iter(clips.groupby("corpus")))}
    corpora = sorted(set(answers["corpus"]))
    return {
        "temperature": temperature,
        "threshold": _as_values(choose_threshold(clips)),
        "accuracy": {name: {f"{share:.0%}": accuracy_at(of, share) for share in SHARES} for name, of in groups.items()},
        "checked": {one: _checked(answers, moved, one) for one in corpora} if len(corpora) > 1 else {},
    }


def _checked(answers: pd.DataFrame, moved: pd.DataFrame, corpus: str) -> dict[str, Any]:
    """Return what temperature and threshold of the other corpora give on `corpus`."""
    others = answers[answers["corpus"] != corpus]
    temperature = stranger_temperature(others)
    threshold = choose_threshold(confident(others, temperature))
    plain, adapted = (confident(table[table["corpus"] == corpus], temperature) for table in (answers, moved))
    raw = confident(answers[answers["corpus"] == corpus], 1.0)
    return {
        "temperature": temperature,
        "threshold": _as_values(threshold),
        "ece": {"raw": bins(raw, "confidence").ece, "calibrated": bins(plain, "confidence").ece},
        **({LAST: _given(plain, threshold), ADAPTED: _given(adapted, threshold)} if threshold else {}),
    }


def _given(clips: pd.DataFrame, threshold: Threshold) -> dict[str, Any]:
    """Return which share of `clips` has an answer, and how good these are."""
    given = clips[clips["confidence"] >= threshold.confidence]
    return {"coverage": len(given) / len(clips), **(brief(given) if len(given) else {})}


def _as_values(threshold: Threshold | None) -> dict[str, Any] | None:
    return None if threshold is None else vars(threshold)


def coverage_curves(system: System) -> dict[str, Sequence[NDArray[np.float64]]]:
    """Return `curve` of each corpus that was left out, and of all of them."""
    answers = strangers(system, LAST)
    clips = confident(answers, stranger_temperature(answers))
    return {**{corpus: curve(rows) for corpus, rows in clips.groupby("corpus")}, "all": curve(clips)}
