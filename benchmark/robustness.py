"""Stage `robustness`: what known conditions of microphone, line and room cost, as figures and a page."""

import argparse
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from benchmark.answers import LAST, Answers
from benchmark.cells import PROTOCOLS
from benchmark.conditions import AS_RECORDED, CONDITIONS
from benchmark.degraded import folder_name
from benchmark.pool import FUSION, System, read_systems
from benchmark.scoring import LOGITS, brief, difference, fused, scored
from speech_emotion.core.command import run
from speech_emotion.core.errors import PipelineError
from speech_emotion.core.files import write_text
from speech_emotion.scores import confusion
from speech_emotion.scores.metrics import rounded, to_json
from tools.report.pages import render

PAGE = Path(__file__).with_name("robustness.md.j2")
PROTOCOL = "luna_jimenez"
# Condition -> how much accuracy it may cost, as a fraction of 1.
GOALS = {
    "20 dB softer": 0.01,
    "20 dB louder": 0.01,
    "white noise, 20 dB": 0.03,
    "babble, 20 dB": 0.03,
    "telephone": 0.03,
    "MP3, 32 kbit/s": 0.03,
}

Conditions = dict[str, pd.DataFrame]  # scored clips by condition


def asked(system: System) -> dict[tuple[str, int], Answers]:
    """Return the cells of the protocol that were asked about degraded clips."""
    return {
        one: answers
        for one, answers in system.items()
        if one[0] in PROTOCOLS[PROTOCOL] and answers.degraded is not None
    }


def under(answers: Answers, condition: str) -> pd.DataFrame:
    """Return the last training's answers, those about the part test as under `condition`; the part valid stays clean.

    Raises:
        PipelineError: a tested clip was not asked about under `condition`.
    """
    clean, degraded = answers.track(LAST), answers.degraded
    if degraded is None:
        raise PipelineError("the cell has no degraded answers; run it with --degraded")
    there = degraded[degraded["condition"] == folder_name(condition)].set_index("clip")[LOGITS]
    test = clean["part"] == "test"
    if missing := sorted(set(clean["clip"][test]) - set(there.index)):
        raise PipelineError(f"{missing[0]}: was not asked about under `{condition}`; run its cell again with --force")
    changed = clean.copy()
    changed.loc[test, LOGITS] = there.loc[clean["clip"][test]].to_numpy()
    return changed


def clips_of(systems: Mapping[str, System]) -> dict[str, Conditions]:
    """Return the scored clips by system and condition, of two systems also their fusion where both were asked."""
    cells = {name: of for name, system in systems.items() if (of := asked(system))}
    found = {
        name: {condition: _pooled({one: under(of[one], condition) for one in of}) for condition in CONDITIONS}
        for name, of in cells.items()
    }
    if len(cells) == 2:
        first, second = cells.values()
        both = [one for one in first if one in second]
        if both:
            found[FUSION] = {
                condition: _pooled(
                    {one: fused(under(first[one], condition), under(second[one], condition)) for one in both}
                )
                for condition in CONDITIONS
            }
    return found


def robustness(systems: Mapping[str, System]) -> dict[str, Any]:
    """Return the content of `metrics/robustness.json`, figures as fractions of 1, by system and condition.

    Raises:
        PipelineError: no cell was asked about degraded clips.
    """
    clips = clips_of(systems)
    if not clips:
        raise PipelineError(f"no cell of {PROTOCOL} has degraded answers; run `python -m benchmark.run --force`")
    figures: dict[str, Any] = rounded(
        {name: {one: _figures(of[AS_RECORDED], rows) for one, rows in of.items()} for name, of in clips.items()}
    )
    return {"systems": figures, "goals": {name: _goals(of) for name, of in figures.items()}}


def page(figures: Mapping[str, Any]) -> str:
    """Return `metrics/robustness.md`."""
    return render(PAGE, {**figures, "conditions": list(CONDITIONS), "as_recorded": AS_RECORDED})


def main(argv: Sequence[str] | None = None) -> None:
    """Read argv and cells, write figures and page."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("metrics", type=Path, help="folder to write to")
    parser.add_argument("systems", type=Path, nargs="+", help="folders of cells, each named after its encoder")
    args = parser.parse_args(argv)
    figures = robustness(read_systems(args.systems))
    write_text(args.metrics / "robustness.md", page(figures))
    write_text(args.metrics / "robustness.json", to_json(figures))
    met = {name: f"{sum(one['met'] for one in of.values())} of {len(of)}" for name, of in figures["goals"].items()}
    print(f"robustness: goals met: {', '.join(f'{name} {count}' for name, count in met.items())}")


def _pooled(cells: Mapping[tuple[str, int], pd.DataFrame]) -> pd.DataFrame:
    each = [scored(answers).assign(cell=cell, seed=seed) for (cell, seed), answers in cells.items()]
    return pd.concat(each, ignore_index=True)


def _figures(clean: pd.DataFrame, clips: pd.DataFrame) -> dict[str, Any]:
    gap = difference(clean, clips, confusion.accuracy)
    return {**brief(clips), "gap": gap["gap"], "gap_ci": gap["gap_ci"]}


def _goals(conditions: Mapping[str, Any]) -> dict[str, Any]:
    return {
        name: {
            "allowed": most,
            "lost": -conditions[name]["gap"],
            "met": -conditions[name]["gap"] <= most,
        }
        for name, most in GOALS.items()
    }


if __name__ == "__main__":
    run(main)
