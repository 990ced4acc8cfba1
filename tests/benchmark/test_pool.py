"""From the cells' answers to figures and a page."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from benchmark import pool as pool_stage
from benchmark.answers import ADAPTED, FIRST, LAST, Answers, write_answers
from benchmark.cells import PROTOCOLS
from benchmark.pool import FUSION, benchmark, fused_system, page, read_published, read_system, with_kept
from speech_emotion.clips import EMOTIONS
from speech_emotion.core.errors import PipelineError
from tests.benchmark.test_scoring import answered
from tests.benchmarks import made_up_system, published_labels
from tests.trainings import train_settings
from tests.workspace import ROOT

PUBLISHED = ROOT / "benchmark" / "published.csv"
# Accuracy and UAR in percent, as published.
SYSTEMS = {
    "random": [(80.1, None), (83.1, None)],
    "luna_jimenez": [(61.7, None), (76.6, None), (81.8, None)],
    "emobox": [(None, 75.3), (None, 72.0)],
    "tess_swap": [(49.5, None), (84.9, None)],
    "listeners": [(67.0, None)],
}


@pytest.fixture(scope="module")
def figures() -> dict[str, Any]:
    labels = published_labels()
    chosen = ("random", "luna_jimenez", "emobox", "tess_swap", "cross_corpus_nemo")  # the others are alike
    cells = [cell for protocol in chosen for cell in PROTOCOLS[protocol]]
    systems: dict[str, Any] = {
        "image": made_up_system(labels, seeds=2, cells=cells),
        "speech": made_up_system(labels, skill=0.5, seeds=1, cells=cells),
    }
    systems[FUSION] = fused_system(systems["image"], systems["speech"])
    return benchmark(systems, read_published(PUBLISHED), {"speech": {"tess_swap": "other shares"}})


def test_every_clip_of_a_protocol_is_scored_on_every_track(figures: dict[str, Any]) -> None:
    for protocol, clips in {"random": 848, "luna_jimenez": 1440, "emobox": 1440, "tess_swap": 2800}.items():
        found = figures["protocols"][protocol]
        assert list(found["image"]) == [FIRST, LAST, ADAPTED, "ensemble"]
        assert list(found["speech"]) == [FIRST, LAST, ADAPTED]
        assert list(found[FUSION]) == [LAST, ADAPTED]
        assert {scores["clips"] for tracks in found.values() for scores in tracks.values()} == {clips}
        uar = {name: tracks[LAST]["uar"] for name, tracks in found.items()}
        assert uar["image"] < uar["speech"] < uar[FUSION]
        assert list(figures["enrolment"][protocol]["image"]) == ["0", "1", "2", "5", "10", "20", "all"]
    assert list(figures["protocols"]["cross_corpus_nemo"]["speech"]) == [FIRST, LAST, ADAPTED, "own", "own_adapted"]
    assert set(figures["protocols"]["cross_corpus_nemo"]["image"]["own"]["recall"]) == set(EMOTIONS) - {
        "calm",
        "disgust",
    }
    gap = figures["leak_gap"]["image"]
    assert gap["new_voices"] == figures["protocols"]["luna_jimenez"]["image"][LAST]["accuracy"]
    assert gap["known_voices"] == figures["protocols"]["random"]["image"][LAST]["corpora"]["ravdess"]["accuracy"]
    assert 0 < gap["gap_ci"]["low"] < gap["gap"] < gap["gap_ci"]["high"]
    assert figures["unseen"]["emobox"]["image"]["unseen"]["clips"] == 240


def main_table(text: str) -> dict[str, list[list[str]]]:
    """Return the rows of the first table by protocol, without that column."""
    lines = [line for line in text.split("\n## ")[0].splitlines() if line.startswith("| ")][2:]
    groups: dict[str, list[list[str]]] = {}
    for line in lines:
        title, *row = [cell.strip() for cell in line.strip("|").split("|")]
        name = title.partition(":")[0].strip("`") if title else list(groups)[-1]
        groups.setdefault(name, []).append(row)
    return groups


def test_published_figures_stand_beside_ours_under_their_protocol(figures: dict[str, Any]) -> None:
    groups = main_table(page(figures))
    groups["listeners"] = groups.pop("human listeners")
    for protocol, published in SYSTEMS.items():
        theirs = [row for row in groups[protocol] if not row[0].startswith(("**", "image, earlier run"))]
        assert [row[1:3] for row in theirs] == [["" if one is None else str(one) for one in row] for row in published]
        assert all(row[-1] for row in theirs)
    ours = [row for row in groups["luna_jimenez"] if row[0].startswith("**")]
    names = ["image", "image, first training alone", "speech", "speech, first training alone", FUSION]
    assert [row[0] for row in ours] == [f"**{name}**" for name in names]
    last = figures["protocols"]["luna_jimenez"]["image"][LAST]
    interval = " to ".join(f"{100 * last['accuracy_ci'][end]:.1f}" for end in ("low", "high"))
    assert ours[0][1] == f"**{100 * last['accuracy']:.1f} ({interval})**"
    seeds = last["seeds"]["accuracy"]
    assert ours[0][3] == f"{100 * seeds['mean']:.1f} ± {100 * seeds['deviation']:.1f}"
    assert groups["tess_swap"][2][-1].endswith("other shares")


def test_what_is_loose_about_a_figure_is_said(figures: dict[str, Any]) -> None:
    notes = {row["system"]: row["note"] for row in figures["published"]}
    assert "picked on the test fold" in notes["xlsr-wav2vec2, fine-tuned (Luna-Jimenez 2022)"]
    assert "every speaker is in training" in notes["tutorial: fastai, resnet34, 144 px"]


def write(system: Mapping[tuple[str, int], Answers], folder: Path, **settings: Any) -> Path:
    for (cell, seed), answers in system.items():
        write_answers(folder / cell / str(seed), answers, {"low": train_settings(seed=seed, **settings)})
    return folder


def test_stage_writes_the_same_bytes_twice_of_the_protocols_that_are_there(tmp_path: Path) -> None:
    system = made_up_system(published_labels(), cells=["random"])
    folders = [write(system, tmp_path / name) for name in ("image", "speech")]
    written = []
    for attempt in ("one", "two"):
        arguments = [PUBLISHED, ROOT / "benchmark/protocols.yaml", tmp_path / attempt, *folders]
        pool_stage.main(list(map(str, arguments)))
        written.append({path.name: path.read_bytes() for path in (tmp_path / attempt).iterdir()})
    assert written[0] == written[1]
    assert list(json.loads(written[0]["benchmark.json"])["protocols"]) == ["random"]
    pictures = {name for name, content in written[0].items() if content.startswith(b"\x89PNG")}
    assert pictures == {"benchmark_enrolment.png", "benchmark_reliability.png"}


def test_what_others_have_run_is_kept_on_request(tmp_path: Path) -> None:
    metrics, rows, labels = tmp_path / "metrics", ROOT / "benchmark/protocols.yaml", published_labels()

    def pooled(*protocols: str, options: tuple[str, ...] = ()) -> tuple[dict[str, Any], bytes]:
        cells = [cell for protocol in protocols for cell in PROTOCOLS[protocol]]
        folder = write(made_up_system(labels, cells=cells), tmp_path / "-".join(protocols) / "speech")
        pool_stage.main([*map(str, (PUBLISHED, rows, metrics, folder)), *options])
        figures = json.loads((metrics / "benchmark.json").read_text(encoding="utf-8"))
        return figures, (metrics / "benchmark_reliability.png").read_bytes()

    luna_jimenez, picture = pooled("luna_jimenez")
    luna_jimenez |= {"says": {"speech": {"luna_jimenez": "in another year"}}, "leak_gap": {"speech": {"gap": 0.5}}}
    (metrics / "benchmark.json").write_text(json.dumps(luna_jimenez), encoding="utf-8")
    both, same_picture = pooled("random", options=("--keep",))
    random, _ = pooled("random")
    for part in ("protocols", "enrolment", "unseen"):
        assert both[part] == {**random[part], **luna_jimenez[part]}, part
    assert both["says"]["speech"] == {**luna_jimenez["says"]["speech"], **random["says"]["speech"]}
    assert "leak_gap" not in both, "it would be of other answers"
    assert list(both["protocols"]) == ["random", "luna_jimenez"]
    assert (same_picture, list(random["protocols"])) == (picture, ["random"])


def test_what_is_kept_belongs_together() -> None:
    gap = {"speech": {"gap": 0.5}}
    before = {
        "protocols": {"random": {"image": {}, "speech": {}}, "emobox": {"speech": {}}},
        "enrolment": {}, "unseen": {}, "says": {"image": {"random": "as ever"}}, "leak_gap": gap,
    }  # fmt: skip
    now: dict[str, Any] = {
        "protocols": {"emobox": {"speech": {}}},
        "enrolment": {},
        "unseen": {},
        "says": {"speech": {}},
    }
    both = with_kept(now, before)
    assert (both["says"], both["leak_gap"]) == ({"image": {"random": "as ever"}, "speech": {}}, gap)
    with pytest.raises(PipelineError, match="random: has no cells of image now"):
        with_kept(now | {"protocols": {"random": {"speech": {}}}}, before)


def test_missing_folds_and_cells_of_other_settings_are_named(tmp_path: Path) -> None:
    one = Answers(
        answered({("ravdess/1", "sad"): "sad"}), pd.DataFrame(columns=["clip", "enrolled", "draw", "predicted"])
    )
    with pytest.raises(PipelineError, match="holds no cells"):
        read_system(tmp_path)
    write({("tess_swap_OAF", seed): one for seed in (0, 1)} | {("tess_swap_YAF", 0): one}, tmp_path)
    with pytest.raises(PipelineError, match=r"tess_swap_YAF/1: is missing; run"):
        read_system(tmp_path)
    write({("tess_swap_YAF", 1): one}, tmp_path, mixup=0.4)
    with pytest.raises(PipelineError, match=r"tess_swap_YAF/1 and .*tess_swap_OAF/0 have different settings"):
        read_system(tmp_path)
    write({("tess_swap_YAF", 1): one}, tmp_path)
    assert len(read_system(tmp_path)) == 4


def test_published_table_is_of_the_protocols_and_of_its_form(tmp_path: Path) -> None:
    assert {row["protocol"] for row in read_published(PUBLISHED)} < {*PROTOCOLS, "listeners"}
    (tmp_path / "published.csv").write_text("system,accuracy\nours,100\n")
    for name in ("published.csv", "absent.csv"):
        with pytest.raises(PipelineError, match=f"{name}: is no table of figures"):
            read_published(tmp_path / name)
