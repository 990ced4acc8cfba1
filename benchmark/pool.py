"""Stage `pool`: the answers of all cells to figures, a page and pictures."""

import argparse
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from benchmark.adaptation import ENROLLED
from benchmark.answers import ADAPTED, FIRST, LAST, Answers, read_answers, read_settings
from benchmark.cells import NEW_VOICES, PROTOCOLS, STRANGERS, UNSEEN
from benchmark.pictures import save_enrolment, save_reliability
from benchmark.scoring import among_own, brief, difference, ensemble, fused, scored, scores
from speech_emotion.clips import EMOTIONS
from speech_emotion.core.command import run
from speech_emotion.core.errors import PipelineError
from speech_emotion.core.files import write_text
from speech_emotion.core.params import read_section
from speech_emotion.scores import confusion
from speech_emotion.scores.metrics import rounded, to_json
from tools.report.figures import read_benchmark
from tools.report.pages import render

PAGE = Path(__file__).with_name("page.md.j2")
ENSEMBLE, FUSION = "ensemble", "fusion"
OWN = {"own": LAST, "own_adapted": ADAPTED}  # among the emotions that a left-out corpus has
CURVE = ("accuracy", "accuracy_ci", "uar", "uar_ci")
PUBLISHED = ["accuracy", "uar", "ece"]
# As readers see them, in this order.
TITLES = {
    "random": "`random`: 20 % of the RAVDESS and TESS clips",
    "luna_jimenez": "`luna_jimenez`: unseen actors, RAVDESS, 5 folds",
    "emobox": "`emobox`: unseen actors, RAVDESS, 6 folds",
    "tess_swap": "`tess_swap`: one TESS voice tested, the other in training, both ways",
    "luna_jimenez_nemo": "`luna_jimenez` with nEMO in training, too",
    "cross_corpus_nemo": "`cross_corpus`: nEMO left out (Polish, 6 emotions)",
    "cross_corpus_ravdess": "`cross_corpus`: RAVDESS left out (8 emotions)",
    "cross_corpus_tess": "`cross_corpus`: TESS left out (7 emotions)",
    "listeners": "human listeners",
}

System = Mapping[tuple[str, int], Answers]  # of one encoder, or of both fused, by cell and seed
Tracks = dict[str, pd.DataFrame]  # scored clips of one protocol


def read_system(folder: Path) -> dict[tuple[str, int], Answers]:
    """Return the answers below `folder` by cell and seed.

    Settings are compared because `benchmark.run` knows no hashes and would leave cells of older ones.

    Raises:
        PipelineError: a protocol lacks a cell, or one seed of a cell; its cells were made with different settings.
    """
    found = {(path.parent.name, int(path.name)): path for path in sorted(folder.glob("*/[0-9]*"))}
    if not found:
        raise PipelineError(f"{folder}: holds no cells; run `python -m benchmark.run`")
    for names in PROTOCOLS.values():
        seeds = sorted({seed for name, seed in found if name in names})
        wanted = [folder / name / str(seed) for name in names for seed in seeds]
        there = [path for path in wanted if path in found.values()]
        if there and (missing := [path for path in wanted if path not in there]):
            raise PipelineError(
                f"{missing[0]}: is missing; run `python -m benchmark.run`, or delete its protocol's cells"
            )
        for path in there[1:]:
            if read_settings(path) != read_settings(there[0]):
                raise PipelineError(f"{path} and {there[0]} have different settings; run all again with --force")
    return {one: read_answers(path) for one, path in found.items()}


def read_systems(folders: Sequence[Path]) -> dict[str, System]:
    """Return the systems whose folders, each named after its encoder, are there: not all need to have been run.

    Raises:
        PipelineError: none is there; as `read_system`.
    """
    if there := [folder for folder in folders if folder.exists()]:
        return {folder.name: read_system(folder) for folder in there}
    raise PipelineError(f"{folders[0]}: holds no cells; run `python -m benchmark.run`")


def fused_system(first: System, second: System) -> System:
    """Return the fusion of the cells that both systems have."""
    both: dict[tuple[str, int], Answers] = {}
    for one in [one for one in first if one in second]:
        parts = [fused(first[one].track(track), second[one].track(track)) for track in (LAST, ADAPTED)]
        both[one] = Answers(pd.concat(parts), first[one].enrolment[:0])
    return both


def tracks(system: System, protocol: str) -> Tracks:
    """Return the scored clips of a protocol by track, with the `cell` and the `seed` that answered; none if not run."""
    names = [one for one in system if one[0] in PROTOCOLS[protocol]]
    seeds = sorted({seed for _, seed in names})
    found: dict[str, list[pd.DataFrame]] = {
        track: [scored(system[cell, seed].track(track)).assign(cell=cell, seed=seed) for cell, seed in names]
        for track in (FIRST, LAST, ADAPTED)
        if any(system[one].has(track) for one in names)
    }
    for own, track in OWN.items() if names and protocol in STRANGERS else ():
        found[own] = [
            scored(among_own(system[cell, seed].track(track))).assign(cell=cell, seed=seed) for cell, seed in names
        ]
    if len(seeds) > 1:
        members = {cell: [system[cell, seed].track(LAST) for seed in seeds] for cell, _ in names}
        found[ENSEMBLE] = [scored(ensemble(of)).assign(cell=cell, seed=ENSEMBLE) for cell, of in members.items()]
    return {track: pd.concat(cells, ignore_index=True) for track, cells in found.items()}


def enrolment(system: System, protocol: str, known: Mapping[str, Any]) -> dict[str, Any]:
    """Return the rates by number of other clips of the voice; none and all of them are tracks that are `known`."""
    drawn = pd.concat([system[one].drawn() for one in system if one[0] in PROTOCOLS[protocol]])
    counts = {str(count): brief(rows) for count, rows in drawn.groupby("enrolled")}
    curve = {"0": known[LAST], **counts, "all": known[ADAPTED]}
    return {count: {rate: of[rate] for rate in CURVE} for count, of in curve.items()}


def benchmark(
    systems: Mapping[str, System], published: Sequence[Mapping[str, Any]], says: Mapping[str, Any]
) -> dict[str, Any]:
    """Return the content of `metrics/benchmark.json`, figures as fractions of 1.

    Args:
        systems: by name.
        published: figures of others.
        says: by system and protocol, what its trainings have of their own.
    """
    figures: dict[str, Any] = {"titles": TITLES, "says": {}, "protocols": {}, "enrolment": {}, "unseen": {}}
    clips: dict[str, dict[str, pd.DataFrame]] = {}  # of the last training, by protocol and system
    for protocol in PROTOCOLS:
        found = {name: of for name, system in systems.items() if (of := tracks(system, protocol))}
        clips[protocol] = {name: of[LAST] for name, of in found.items()}
        if not found:
            continue
        rates = {name: {track: scores(rows) for track, rows in of.items()} for name, of in found.items()}
        curves = {name: enrolment(systems[name], protocol, rates[name]) for name in rates if name != FUSION}
        figures["protocols"][protocol], figures["enrolment"][protocol] = rates, curves
        if protocol in NEW_VOICES:
            figures["unseen"][protocol] = {name: _unseen(rows) for name, rows in clips[protocol].items()}
    figures["says"] = {
        system: {protocol: words for protocol, words in rows.items() if protocol in figures["protocols"]}
        for system, rows in says.items()
    }
    known, new = clips["random"], clips["luna_jimenez"]
    if gaps := {name: _leak_gap(known[name], new[name]) for name in known if name in new}:
        figures["leak_gap"] = gaps
    return rounded(figures) | {"published": list(published)}


def with_kept(figures: Mapping[str, Any], before: Mapping[str, Any]) -> dict[str, Any]:
    """Return `figures`, and those of `before` of the protocols that have no cells now.

    The leak gap is of two protocols: it is kept if both are.

    Raises:
        PipelineError: a protocol has cells of fewer systems now: the others' figures would be lost.
    """
    ran = figures["protocols"]
    for protocol, systems in before["protocols"].items():
        if protocol in ran and (lost := sorted(systems.keys() - ran[protocol].keys())):
            raise PipelineError(f"{protocol}: has no cells of {lost[0]} now; run them, or pool without --keep")
    both: dict[str, Any] = dict(figures)
    for part in ("protocols", "enrolment", "unseen"):
        merged = {**before[part], **figures[part]}
        both[part] = {protocol: merged[protocol] for protocol in PROTOCOLS if protocol in merged}
    both["says"] = {}
    for system in dict.fromkeys([*before["says"], *figures["says"]]):
        kept = {protocol: words for protocol, words in before["says"].get(system, {}).items() if protocol not in ran}
        both["says"][system] = kept | figures["says"].get(system, {})
    if not {"random", "luna_jimenez"} & ran.keys() and "leak_gap" in before:
        both["leak_gap"] = before["leak_gap"]
    return both


def _unseen(clips: pd.DataFrame) -> dict[str, Any]:
    chosen = clips["speaker"].isin(UNSEEN)
    return {"unseen": brief(clips[chosen]), "others": brief(clips[~chosen])}


def _leak_gap(known: pd.DataFrame, new: pd.DataFrame) -> dict[str, Any]:
    """Return how much more accurate RAVDESS looks where each actor is in training too (a random split)."""
    gap = difference(new, known[known["corpus"] == "ravdess"], confusion.accuracy)
    return {"new_voices": gap.pop("before"), "known_voices": gap.pop("after"), **gap}


def page(figures: Mapping[str, Any]) -> str:
    """Return `metrics/benchmark.md`."""
    return render(PAGE, {**figures, "emotions": EMOTIONS, "enrolled_counts": (0, *ENROLLED, "all")})


def read_published(path: Path) -> list[dict[str, Any]]:
    """Return the published figures, which stand in `path` in percent, as fractions of 1, row by row.

    Raises:
        PipelineError: `path` cannot be read or has other columns.
    """
    try:
        table = pd.read_csv(path)[["protocol", "system", *PUBLISHED, "note"]]
    except (OSError, ValueError, KeyError) as error:
        raise PipelineError(f"{path}: is no table of figures ({error}); `git restore {path}` brings it back") from error
    fractions = table.assign(**(table[PUBLISHED] / 100).round(4))
    return [row.dropna().to_dict() for _, row in fractions.iterrows()]


def main(argv: Sequence[str] | None = None) -> None:
    """Read argv, cells and published figures, pool, write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("published", type=Path, help="table of published figures")
    parser.add_argument("rows", type=Path, help="YAML of what a protocol changes of params.yaml")
    parser.add_argument("metrics", type=Path, help="folder of the figures, the page and the pictures to write")
    parser.add_argument("systems", type=Path, nargs="+", help="folders of cells, each named after its encoder")
    parser.add_argument(
        "--keep",
        action="store_true",
        help="keep the figures of protocols that have no cells here (not through DVC, which deletes them first)",
    )
    args = parser.parse_args(argv)
    systems = read_systems(args.systems)
    rows = {name: read_section(args.rows, f"{name}.rows") for name in systems}
    says = {name: {one: row["says"] for one, row in of.items() if "says" in row} for name, of in rows.items()}
    if len(systems) == 2 and (both := fused_system(*systems.values())):
        systems[FUSION] = both
    figures = benchmark(systems, read_published(args.published), says)
    before = read_benchmark(args.metrics / "benchmark.json") if args.keep else None
    if before:
        figures = with_kept(figures, before)
    drawn = next(protocol for protocol in ("luna_jimenez", *PROTOCOLS) if protocol in figures["protocols"])
    answers = {name: found[LAST] for name, system in systems.items() if (found := tracks(system, drawn))}
    reliability, curves = (args.metrics / f"benchmark_{name}.png" for name in ("reliability", "enrolment"))
    if answers:  # else the picture is kept, too
        save_reliability(reliability, answers)
    save_enrolment(curves, figures)
    write_text(args.metrics / "benchmark.md", page(figures))
    write_text(args.metrics / "benchmark.json", to_json(figures))


if __name__ == "__main__":
    run(main)
