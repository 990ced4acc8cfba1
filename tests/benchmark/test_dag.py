"""The benchmark's pipelines: what the stages depend on, and that rows and cells are all there."""

from pathlib import Path

import pytest

from benchmark.cells import CELLS, DEVELOPMENT_CELLS, PROTOCOLS, STRANGER
from benchmark.recipe import SPECTROGRAMS, TRAININGS
from benchmark.run import PIPELINES, cells
from speech_emotion.core.params import read_section
from tests.pipeline import import_closure, read_stages
from tests.workspace import ROOT

FOLDER = ROOT / "benchmark"
STAGES = {
    f"{path}:{name}": (path.parent, stage) for path in PIPELINES for name, stage in read_stages(ROOT / path).items()
}
ROWS = {encoder: read_section(FOLDER / f"ablation/{encoder}.yaml", f"{encoder}.rows") for encoder in TRAININGS}


def resolved(folder: Path, path: str) -> str:
    """A dependency as a path below the root."""
    return (ROOT / folder / path).resolve().relative_to(ROOT).as_posix()


def covered(file: str, deps: set[str]) -> bool:
    return any(file == dep or file.startswith(f"{dep}/") for dep in deps)


def test_every_protocol_has_a_cell_for_each_encoder_and_seed_and_every_row_one_for_each_seed() -> None:
    kinds = {name: "cell_with_nemo" if STRANGER in cell.corpora else "cell" for name, cell in CELLS.items()}
    kinds |= {name: "cell_degraded" for name, cell in CELLS.items() if name in PROTOCOLS["luna_jimenez"]}
    expected = {
        f"{kind}@{encoder}-{cell}-{seed}" for encoder in TRAININGS for cell, kind in kinds.items() for seed in range(3)
    }
    for encoder, rows in ROWS.items():
        for row, changes in rows.items():
            stage = "remade_row" if SPECTROGRAMS in changes else f"row_{encoder}"
            expected |= {f"{stage}@{row}-{seed}" for seed in range(len(DEVELOPMENT_CELLS))}
    assert set(cells()) == expected
    remade = {name.partition("@")[2] for name in STAGES if ":remade@" in name}
    assert remade == {row for rows in ROWS.values() for row, changes in rows.items() if SPECTROGRAMS in changes}


@pytest.mark.parametrize("encoder", TRAININGS)
def test_a_cell_depends_on_all_code_that_it_runs_through_its_checksums(encoder: str) -> None:
    folder, stage = STAGES[f"benchmark/dvc.yaml:code@{encoder}"]
    deps = {resolved(folder, path) for path in stage.deps}
    missing = {file for file in import_closure(ROOT, "benchmark/cell.py", [encoder]) if not covered(file, deps)}
    assert missing <= {"speech_emotion/encoders/__init__.py"}
    assert set(stage.deps) <= set(stage.cmd.split()), "the checksums are of all of them"
    for name, (_, one) in STAGES.items():
        if one.cmd.startswith("cd") and "benchmark.cell" in one.cmd and encoder in one.cmd.split():
            assert any(path.endswith(f"code_{encoder}.txt") for path in one.deps), name


@pytest.mark.parametrize(
    "name",
    [
        "benchmark/dvc.yaml:pool",
        "benchmark/dvc.yaml:strangers",
        "benchmark/dvc.yaml:robustness",
        "benchmark/ablation/dvc.yaml:page@image",
    ],
)
def test_pages_depend_on_all_code_that_makes_scores(name: str) -> None:
    folder, stage = STAGES[name]
    deps = {resolved(folder, path) for path in stage.deps}
    script = stage.cmd.split("python -m ")[1].split()[0].replace(".", "/") + ".py"
    scoring = {
        file
        for file in import_closure(ROOT, script)
        # Imported for names and types: they train and ask networks, which no page does.
        if not file.startswith(("speech_emotion/encoders", "speech_emotion/training", "speech_emotion/splits"))
        and file not in ("speech_emotion/shards.py", "speech_emotion/array_files.py", "speech_emotion/audio.py")
        and (not file.startswith("speech_emotion/model") or file.endswith("calibration.py"))
    }
    assert {file for file in scoring if not covered(file, deps)} == set()


def test_paths_of_a_command_are_what_its_stage_declares() -> None:
    for name, (folder, stage) in STAGES.items():
        if "python -m benchmark.cell" not in stage.cmd:
            continue
        named = {word for word in stage.cmd.split()[3:] if "/" in word}
        declared = {resolved(folder, path) for path in (*stage.deps, *stage.outs, *files(stage.params))}
        assert all(covered(word, declared) for word in named), name


def files(params: tuple[object, ...]) -> list[str]:
    return [path for one in params if isinstance(one, dict) for path in one]


def test_the_root_knows_nothing_of_the_benchmark() -> None:
    assert (FOLDER / ".dvc" / "config").exists()
    assert not [path for stage in read_stages(ROOT / "dvc.yaml").values() for path in stage.deps if "benchmark" in path]
