"""Stage `pool`: the answers of all cells to figures, a page and pictures."""

import argparse
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import pandas as pd

from benchmark.answers import ADAPTED, FIRST, LAST, Answers, read_answers, read_settings
from benchmark.cells import NEW_VOICES, PROTOCOLS, UNSEEN
from benchmark.page import TITLES, to_markdown
from benchmark.pictures import draw_enrolment
from benchmark.scoring import bins, brief, difference, ensemble, fusion, scored, scores
from speech_emotion.core.command import run
from speech_emotion.core.errors import PipelineError
from speech_emotion.core.files import write_text
from speech_emotion.core.params import read_section
from speech_emotion.scores import confusion
from speech_emotion.scores.figures import save
from speech_emotion.scores.metrics import rounded, to_json
from speech_emotion.scores.plots import draw_reliability

ENSEMBLE, FUSION = "ensemble", "fusion"
CURVE = ("accuracy", "accuracy_ci", "uar", "uar_ci")
PUBLISHED_COLUMNS = ["protocol", "system", "accuracy", "uar", "ece", "note"]

System = Mapping[tuple[str, int], Answers]  # of one encoder, or of both fused, by cell and seed
Tracks = dict[str, pd.DataFrame]  # scored clips of one protocol


def read_system(folder: Path) -> dict[tuple[str, int], Answers]:
    """Return the answers below `folder` by cell and seed.

    Raises:
        PipelineError: a protocol lacks a cell, or one seed of a cell; its cells were made with different settings.
    """
    found = {(path.parent.name, int(path.name)): path for path in sorted(folder.glob("*/[0-9]*"))}
    seeds = sorted({seed for _, seed in found})
    for names in PROTOCOLS.values():
        wanted = [(name, seed) for name in names for seed in seeds]
        there = [found[one] for one in wanted if one in found]
        if 0 < len(there) < len(wanted):
            missing = next(f"{folder}/{name}/{seed}" for name, seed in wanted if (name, seed) not in found)
            raise PipelineError(f"{missing}: is missing; run `python -m benchmark.run`, or delete its protocol's cells")
        _refuse_mixture(there)
    if not found:
        raise PipelineError(f"{folder}: holds no cells; run `python -m benchmark.run`")
    return {one: read_answers(path) for one, path in found.items()}


def _refuse_mixture(folders: Sequence[Path]) -> None:
    """Compare settings, because `benchmark.run` knows no hashes and would leave cells of older ones."""
    for folder in folders[1:]:
        if read_settings(folder) != read_settings(folders[0]):
            raise PipelineError(f"{folder} and {folders[0]} have different settings; run all again with --force")


def fused(first: System, second: System) -> System:
    """Return the fusion of the cells that both systems have."""
    return {one: _fused(first[one], second[one]) for one in first if one in second}


def _fused(first: Answers, second: Answers) -> Answers:
    tracks = [fusion(first.track(track), second.track(track)) for track in (LAST, ADAPTED)]
    return Answers(pd.concat(tracks), first.enrolment[:0])


def tracks(system: System, protocol: str) -> Tracks:
    """Return the scored clips of a protocol by track, with the `cell` and the `seed` that answered; none if not run."""
    names = [one for one in system if one[0] in PROTOCOLS[protocol]]
    found = {}
    for track in dict.fromkeys(track for one in names for track in (FIRST, LAST, ADAPTED) if system[one].has(track)):
        cells = [scored(system[cell, seed].track(track)).assign(cell=cell, seed=seed) for cell, seed in names]
        found[track] = pd.concat(cells, ignore_index=True)
    if len(seeds := sorted({seed for _, seed in names})) > 1:
        members = {cell: [system[cell, seed].track(LAST) for seed in seeds] for cell, _ in names}
        together = [scored(ensemble(of)).assign(cell=cell, seed=ENSEMBLE) for cell, of in members.items()]
        found[ENSEMBLE] = pd.concat(together, ignore_index=True)
    return found


def enrolment(system: System, protocol: str, known: Mapping[str, Any]) -> dict[str, Any]:
    """Return the rates by number of other clips of the voice; none and all of them are tracks that are `known`."""
    drawn = pd.concat([system[one].drawn() for one in system if one[0] in PROTOCOLS[protocol]])
    counts = {str(count): brief(rows) for count, rows in drawn.groupby("enrolled")}
    return {"0": known[LAST], **counts, "all": known[ADAPTED]}


def benchmark(systems: Mapping[str, System], published: pd.DataFrame, says: Mapping[str, Any]) -> dict[str, Any]:
    """Return the content of `metrics/benchmark.json`; figures of ours and the published ones are fractions of 1.

    Args:
        systems: by name.
        published: figures in percent.
        says: by system and protocol, what its trainings have of their own.
    """
    figures: dict[str, Any] = {"titles": TITLES, "says": says, "protocols": {}, "enrolment": {}, "unseen": {}}
    gaps: dict[str, Any] = {}
    for protocol in PROTOCOLS:
        clips = {name: found for name, system in systems.items() if (found := tracks(system, protocol))}
        figures["protocols"][protocol] = found = {
            name: {track: scores(rows) for track, rows in of.items()} for name, of in clips.items()
        }
        curves = {name: enrolment(systems[name], protocol, found[name]) for name in found if name != FUSION}
        figures["enrolment"][protocol] = {
            name: {count: {rate: of[rate] for rate in CURVE} for count, of in curve.items()}
            for name, curve in curves.items()
        }
        if protocol in NEW_VOICES:
            figures["unseen"][protocol] = {name: _unseen(of[LAST]) for name, of in clips.items()}
        gaps[protocol] = {name: of[LAST] for name, of in clips.items()}
    both = [name for name in systems if name in gaps["random"] and name in gaps["luna_jimenez"]]
    if both:
        figures["leak_gap"] = {name: _leak_gap(gaps["random"][name], gaps["luna_jimenez"][name]) for name in both}
    return rounded(_without_empty(figures)) | {"published": _published(published)}


def _without_empty(figures: dict[str, Any]) -> dict[str, Any]:
    protocols = ("protocols", "enrolment", "unseen")
    return figures | {name: {key: value for key, value in figures[name].items() if value} for name in protocols}


def _unseen(clips: pd.DataFrame) -> dict[str, Any]:
    chosen = clips["speaker"].isin(UNSEEN)
    return {"unseen": brief(clips[chosen]), "others": brief(clips[~chosen])}


def _leak_gap(known: pd.DataFrame, new: pd.DataFrame) -> dict[str, Any]:
    """Return how much more accurate RAVDESS looks where each actor is in training too (a random split)."""
    gap = difference(new, known[known["corpus"] == "ravdess"], confusion.accuracy)
    return {"new_voices": gap.pop("before"), "known_voices": gap.pop("after"), **gap}


def read_published(path: Path) -> pd.DataFrame:
    """Return the published figures, in percent, as they stand in `path`.

    Raises:
        PipelineError: `path` cannot be read or has other columns.
    """
    try:
        return pd.read_csv(path)[PUBLISHED_COLUMNS]
    except (OSError, ValueError, KeyError) as error:
        raise PipelineError(f"{path}: is no table of figures ({error}); `git restore {path}` brings it back") from error


def _published(table: pd.DataFrame) -> list[dict[str, Any]]:
    table = table.assign(**(table[["accuracy", "uar", "ece"]] / 100).round(4))
    return [{key: value for key, value in row.items() if pd.notna(value)} for row in table.to_dict("records")]


def main(argv: Sequence[str] | None = None) -> None:
    """Read argv, cells and published figures, pool, write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("published", type=Path, help="table of published figures")
    parser.add_argument("rows", type=Path, help="YAML of what a protocol changes of params.yaml")
    parser.add_argument("metrics", type=Path, help="folder of the figures, the page and the pictures to write")
    parser.add_argument("systems", type=Path, nargs="+", help="folders of cells, each named after its encoder")
    args = parser.parse_args(argv)
    systems: dict[str, System] = {folder.name: read_system(folder) for folder in args.systems}
    says = {name: _says(args.rows, name) for name in systems}
    if len(systems) == 2 and (both := fused(*systems.values())):
        systems[FUSION] = both
    figures = benchmark(systems, read_published(args.published), says)
    drawn = next(protocol for protocol in ("luna_jimenez", *PROTOCOLS) if protocol in figures["protocols"])
    last = {name: known[LAST] for name, system in systems.items() if (known := tracks(system, drawn))}
    panels = {
        f"{name}, {when}": bins(clips, column)
        for name, clips in last.items()
        for when, column in (("before", "raw_confidence"), ("after", "confidence"))
    }
    width_in = 4.8 * len(panels)
    reliability, curves = (args.metrics / f"benchmark_{name}.png" for name in ("reliability", "enrolment"))
    save(reliability, partial(draw_reliability, panels=panels), width_in=width_in, height_in=5.6)
    save(curves, partial(draw_enrolment, figures=figures), width_in=9.6, height_in=4)
    write_text(args.metrics / "benchmark.md", to_markdown(figures))
    write_text(args.metrics / "benchmark.json", to_json(figures))


def _says(rows: Path, encoder: str) -> dict[str, str]:
    changes = read_section(rows, f"{encoder}.rows")
    return {protocol: changes[protocol]["says"] for protocol in changes if "says" in changes[protocol]}


if __name__ == "__main__":
    run(main)
