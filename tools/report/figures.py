"""The figures that README and model card show, from `metrics/`, `params.yaml` and the benchmark."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from speech_emotion.core.errors import PipelineError
from speech_emotion.core.params import read_section
from speech_emotion.scores.rates import rates
from speech_emotion.scores.revisions import Results

DESCRIBED_BY = ("intensity", "sex")  # empty where a corpus does not say
OVER = {
    "speakers": "over {corpus}'s speakers",
    "clips": "over {corpus}'s clips, because too few of its speakers are tested to draw from",
}


@dataclass(frozen=True)
class Group:
    """Rates (`scores.rates`) of some test clips; the group of all of them has no name."""

    name: str
    speakers: int
    rates: dict[str, Any]


@dataclass(frozen=True)
class EncoderFigures:
    """What is shown of one encoder.

    Attributes:
        name: the encoder's.
        backbone: its network and what its first weights were, empty where params.yaml has none.
        metrics: content of its `metrics.json`.
        groups: all test clips, then each corpus where several are tested.
        described: the clips of each intensity and sex.
        mistakes: what was taken for what, the largest share of the actual emotion first.
    """

    name: str
    backbone: str
    metrics: dict[str, Any]
    groups: list[Group]
    described: list[Group]
    mistakes: list[dict[str, Any]]

    @property
    def rates(self) -> dict[str, Any]:
        """Those of all test clips."""
        return self.groups[0].rates

    @property
    def over(self) -> str:
        """What the intervals' resamples draw."""
        return "; ".join(OVER[unit].format(corpus=corpus) for corpus, unit in self.rates["over"].items())


def encoder_figures(results: Results, params: Path) -> EncoderFigures:
    """Return what is shown of the encoder that `results` are of."""
    clips = results.predictions
    return EncoderFigures(
        name=results.encoder,
        backbone=_backbone(params, results.encoder),
        metrics=results.metrics,
        groups=[_group("", clips), *_by_corpus(clips)],
        described=[_group(f"{by} {value}", group) for by in DESCRIBED_BY for value, group in _stated(clips, by)],
        mistakes=mistakes(clips).to_dict("records"),
    )


def mistakes(clips: pd.DataFrame) -> pd.DataFrame:
    """Return what was taken for what, the largest `share` of the actual emotion first, with the number of `clips`."""
    wrong = clips[clips["actual"] != clips["predicted"]]
    counts = wrong.groupby(["actual", "predicted"]).size().rename("clips").reset_index()
    counts["share"] = counts["clips"] / counts["actual"].map(clips["actual"].value_counts())
    return counts.sort_values(["share", "actual", "predicted"], ascending=[False, True, True], ignore_index=True)


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
        raise PipelineError(f"{path}: is damaged ({error}); `git checkout {path}` brings it back") from error


def _backbone(params: Path, encoder: str) -> str:
    if "backbone" not in read_section(params, encoder):
        return ""
    return "{name} (weights: {weights})".format_map(read_section(params, f"{encoder}.backbone"))


def _by_corpus(clips: pd.DataFrame) -> list[Group]:
    groups = [_group(corpus, group) for corpus, group in clips.groupby("corpus")]
    return groups if len(groups) > 1 else []  # one corpus would repeat the row of all clips


def _stated(clips: pd.DataFrame, by: str) -> Iterator[tuple[str, pd.DataFrame]]:
    yield from clips[clips[by] != ""].groupby(by)


def _group(name: str, clips: pd.DataFrame) -> Group:
    return Group(name, clips["speaker"].nunique(), rates(clips))
