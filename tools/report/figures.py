"""The figures that README and model card show, from `metrics/`, `params.yaml` and the benchmark."""

import json
from pathlib import Path
from typing import Any

import pandas as pd

from speech_emotion.core.errors import PipelineError
from speech_emotion.core.params import read_section, read_yaml
from speech_emotion.corpora import own
from speech_emotion.corpora.catalogue import PUBLISHED
from speech_emotion.scores.rates import rates
from speech_emotion.scores.revisions import Results

DESCRIBED_BY = ("intensity", "sex")  # empty where a corpus does not say
OVER = {
    "speakers": "over {corpus}'s speakers",
    "clips": "over {corpus}'s clips, because too few of its speakers are tested to draw from",
}


def encoder_figures(results: Results, params: Path) -> dict[str, Any]:
    """Return what the templates show of the encoder that `results` are of.

    `name`, `metrics`, `rates` of all test clips; `backbone`: its network and what its first weights were, empty where
    params.yaml has none; `groups`: all test clips, then each corpus where several are tested; `described`: the clips
    of each intensity and sex; `mistakes`: the largest share of the actual emotion first; `over`: what the intervals'
    resamples draw.
    """
    clips, section = results.predictions, read_yaml(params).get(results.encoder, {})  # a fusion has none
    whole, corpora = _group("", clips), [_group(corpus, group) for corpus, group in clips.groupby("corpus")]
    return {
        "name": results.encoder,
        "backbone": "{name} (weights: {weights})".format_map(section["backbone"]) if "backbone" in section else "",
        "metrics": results.metrics,
        "rates": whole["rates"],
        "over": "; ".join(OVER[unit].format(corpus=corpus) for corpus, unit in whole["rates"]["over"].items()),
        "groups": [whole, *(corpora if len(corpora) > 1 else [])],  # one corpus would repeat the row of all clips
        "described": [
            _group(f"{by} {value}", group) for by in DESCRIBED_BY for value, group in clips[clips[by] != ""].groupby(by)
        ],
        "mistakes": mistakes(clips).to_dict("records"),
    }


def own_corpora(params: Path, manifests: Path) -> list[dict[str, Any]]:
    """Return `name`, number of `clips` and of `speakers`, and `licence` of each corpus that somebody added.

    Raises:
        PipelineError: its manifest cannot be read.
    """
    names = [name for name in read_section(params, "corpora") if name not in PUBLISHED]
    tables = {name: own.read_rows(manifests / f"{name}.csv").values() for name in names}
    return [
        {
            "name": name,
            "clips": len(rows),
            "speakers": len({row.get("speaker") or own.NOBODY for row in rows}),
            "licence": own.licence(name).text.partition(": ")[2],
        }
        for name, rows in tables.items()
    ]


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


def read_who_is_right(path: Path) -> list[dict[str, Any]]:
    """Return for all clips, each emotion and each intensity how many clips both encoders name right, one alone, none.

    Each has `of` and `counts` by who is right, the same in all; the list is empty where the fusion has not run.

    Raises:
        PipelineError: the table is damaged.
    """
    if not path.exists():
        return []
    try:
        table = pd.read_csv(path, keep_default_na=False)
        outcomes = table["right"].unique()
        groups = [("all", table), *table.groupby("emotion"), *table[table["intensity"] != ""].groupby("intensity")]
        return [
            {"of": name, "counts": rows.groupby("right")["clips"].sum().reindex(outcomes, fill_value=0).to_dict()}
            for name, rows in groups
        ]
    except (ValueError, KeyError) as error:
        raise PipelineError(f"{path}: is damaged ({error}); run `dvc repro fuse`") from error


def _group(name: str, clips: pd.DataFrame) -> dict[str, Any]:
    return {"name": name, "speakers": clips["speaker"].nunique(), "rates": rates(clips)}
