"""The results section of the README."""

from dataclasses import dataclass
from typing import Any

import pandas as pd

from speech_emotion.core.errors import PipelineError
from speech_emotion.splits.protocols import SplitSettings
from tools.report.benchmark_summary import benchmark_table, leak_gap_sentence
from tools.report.breakdown import rates
from tools.report.markdown import percent, table, with_interval
from tools.report.protocol import protocol_in_words

BEGIN, END = "<!-- begin results -->", "<!-- end results -->"
OVER = {
    "speakers": "over {corpus}speakers",
    "clips": "over {corpus}clips, because too few speakers are tested to draw from",
}


@dataclass(frozen=True)
class Report:
    """What the results and the model card tell of.

    Attributes:
        split: `params.split`.
        image_size: of both models, `low` and `high`, in pixels.
        backbone: name of the network and what its first weights were.
        metrics: content of `metrics/metrics.json`.
        clips: `metrics/predictions.csv`, described (`breakdown.described`).
        benchmark: content of `metrics/benchmark.json`, if there is one.
    """

    split: SplitSettings
    image_size: dict[str, int]
    backbone: str
    metrics: dict[str, Any]
    clips: pd.DataFrame
    benchmark: dict[str, Any] | None


def results_section(report: Report) -> str:
    """Return the section in Markdown, without its marks."""
    ece = f"{percent(report.metrics['ece'])} % after temperature scaling, {percent(report.metrics['ece_raw'])} % before"
    parts = [
        protocol_in_words(report.split),
        models_table(report),
        f"UAR is the unweighted average recall. Brackets hold 95 % bootstrap intervals ({interval_over(report)}). "
        f"Expected calibration error: {ece}.",
        _recalls(report),
        "More: [model card](metrics/MODEL_CARD.md), [confusion matrix](metrics/confusion.png).",
    ]
    if report.benchmark:
        parts += [
            "The same recipe under every public protocol. Compare rows of one protocol only; "
            "[the full table](metrics/benchmark.md) says what is loose about each figure.",
            benchmark_table(report.benchmark),
            leak_gap_sentence(report.benchmark),
        ]
    return "\n\n".join(part for part in parts if part)


def filled(page: str, section: str) -> str:
    """Return `page` with `section` between the marks.

    Raises:
        PipelineError: the marks are not there once each, in order.
    """
    before, begin, rest = page.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end or BEGIN in after or END in before or END in after:
        raise PipelineError(f"README.md: needs the lines '{BEGIN}' and '{END}' once each, in this order; put them in")
    return f"{before}{BEGIN}\n{section}\n{END}{after}"


def models_table(report: Report) -> str:
    """Return accuracy and UAR of both models, and by corpus where several are tested."""
    header = ("model", "test clips", "accuracy, %", "UAR, %")
    metrics, corpora = report.metrics, sorted(set(report.clips["corpus"]))
    groups = {"": report.clips} | {
        f", {corpus}": report.clips[report.clips["corpus"] == corpus] for corpus in corpora if len(corpora) > 1
    }
    name = f"{report.image_size['high']} px"
    rows = [
        [name + group, f"{len(clips):,}", *(with_interval(scores, score) for score in ("accuracy", "uar"))]
        for group, clips in groups.items()
        for scores in [rates(clips)]
    ]
    low = [percent(metrics["low_resolution"][score]) for score in ("accuracy", "uar")]
    return table(header, [*rows, [f"{report.image_size['low']} px", f"{metrics['clips']:,}", *low]])


def interval_over(report: Report) -> str:
    """Return what the intervals' resamples draw."""
    over: dict[str, str] = rates(report.clips)["over"]
    parts = [OVER[unit].format(corpus=f"{corpus}'s " if len(over) > 1 else "") for corpus, unit in over.items()]
    return "; ".join(parts)


def _recalls(report: Report) -> str:
    recalls = rates(report.clips)["recalls"]
    cells = [percent(recall["recall"]) for recall in recalls.values()]
    return table(("model", *recalls), [[f"recall, %, {report.image_size['high']} px", *cells]])
