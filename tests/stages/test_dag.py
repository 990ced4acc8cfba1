"""dvc.yaml says of each stage what it reads, all of it and nothing else, so that what changed reruns and no more."""

import ast
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest
import yaml

from speech_emotion.core.params import read_section
from tests.pipeline import Stage, import_closure, imports, read_stages, written_paths
from tests.workspace import ROOT, Workspace

STAGES = read_stages(ROOT / "dvc.yaml")
OUTS = {path: flags for stage in STAGES.values() for path, flags in stage.outs.items()}
PATHS = {path for stage in STAGES.values() for path in stage.paths} | set(OUTS)
CODE = sorted({file for stage in STAGES.values() for file in import_closure(ROOT, stage.script, stage.encoders)})
# Files below a folder that a stage depends on, though it never imports them, and why that is right.
QUICK = "a rerun costs seconds"
LOOSE = {
    "labels": QUICK,
    "split": QUICK,
    "spectrograms": "every spectrogram is reused: a rerun costs seconds",
    "evaluate": QUICK,
    "export": "a rerun costs two minutes",
    "fuse": QUICK,
    "fetch": "core/ is small; corpora/ is read by catalogue.py, which imports a corpus by its name",
    "pretrained": "core/ is small",
    "finetune": "core/ is small; model/ and training/ are imported whole",
}
EXACT = ("fetch", "pretrained", "finetune")
UNUSED = {"speech_emotion/core/progress.py"}  # of core/, by stages that must be exact
each_stage = pytest.mark.parametrize("stage", STAGES.values(), ids=STAGES)


def kind(stage: Stage) -> str:
    return stage.name.partition("@")[0]


def python_files(path: str) -> set[str]:
    """Return `path`, or the Python files below it."""
    folder = ROOT / path
    files = folder.rglob("*.py") if folder.is_dir() else [folder]
    return {file.relative_to(ROOT).as_posix() for file in files if file.name != "__init__.py"}


def test_stages_are_those_that_dvc_sees(finished_workspace: Workspace) -> None:
    assert set(finished_workspace.dvc("stage", "list", "--name-only").split()) == set(STAGES)


@each_stage
def test_all_that_a_stage_imports_is_a_dependency(stage: Stage) -> None:
    covered = {file for path in stage.code for file in python_files(path)}
    assert import_closure(ROOT, stage.script, stage.encoders) - covered == set()


@each_stage
def test_every_dependency_has_something_that_is_imported(stage: Stage) -> None:
    closure = import_closure(ROOT, stage.script, stage.encoders)
    assert [path for path in stage.code if not python_files(path) & closure] == []


@each_stage
def test_where_a_rerun_costs_hours_nothing_else_is_a_dependency(stage: Stage) -> None:
    assert kind(stage) in LOOSE
    surplus = {file for path in stage.code for file in python_files(path)}
    surplus -= import_closure(ROOT, stage.script, stage.encoders) | UNUSED
    corpora = {file for file in surplus if file.startswith("speech_emotion/corpora/")}
    assert not surplus - corpora or kind(stage) not in EXACT, LOOSE[kind(stage)]


@each_stage
def test_deps_are_named_once(stage: Stage) -> None:
    assert len(stage.deps) == len(set(stage.deps))


@each_stage
def test_inputs_and_outputs_are_the_arguments_of_the_command(stage: Stage) -> None:
    assert stage.inputs <= stage.paths
    # An output is an argument, or lies in a folder that is one.
    folders = {path: str(Path(path).parent) for path in stage.outs}
    written = {path if path in stage.paths else folders[path] for path in stage.outs}
    assert stage.inputs | written == stage.paths


def test_stages_never_depend_on_the_folder_of_several_outputs() -> None:
    # `--pull` would fail, and with one corpus present a stage would silently train on less.
    folders = {str(parent) for path in OUTS for parent in Path(path).parents}
    assert [(stage.name, path) for stage in STAGES.values() for path in stage.inputs if path in folders] == []


def test_dvc_yaml_is_short() -> None:
    assert len((ROOT / "dvc.yaml").read_text(encoding="utf-8").splitlines()) <= 290


@pytest.mark.parametrize(
    "package",
    [
        "stages",
        *sorted(path.parent.relative_to(ROOT).as_posix() for path in ROOT.glob("speech_emotion/**/__init__.py")),
    ],
)
def test_packages_import_nothing_themselves(package: str) -> None:
    # What __init__.py imported, every stage would depend on. What it imports when asked for `Predictor`, none does.
    code = ast.parse((ROOT / package / "__init__.py").read_text(encoding="utf-8"))
    imported = [node.module for node in code.body if isinstance(node, ast.ImportFrom)]
    imported += [name.name for node in code.body if isinstance(node, ast.Import) for name in node.names]
    assert set(imported) <= {"os", "typing"}  # of the standard library


def test_import_in_a_function_of_a_module_or_of_an_encoder_is_seen(tmp_path: Path) -> None:
    package = tmp_path / "speech_emotion"
    (package / "encoders/smell").mkdir(parents=True)
    for name, code in {
        "a": "from speech_emotion import b\nimport numpy",
        "b": "def late():\n    import speech_emotion.c",
        "c": "from speech_emotion.d import thing\nfrom speech_emotion.encoders import protocol",
        "d": "thing = protocol.network(encoder).build",
        "e": "",
        "encoders/protocol": "",
        "encoders/smell/network": "from speech_emotion.encoders.smell.nose import nose",
        "encoders/smell/nose": "",
        "encoders/smell/view": "",
    }.items():
        (package / f"{name}.py").write_text(code)
    assert imports(tmp_path, "speech_emotion/a.py") == {"speech_emotion/b.py"}
    closure = {f"speech_emotion/{name}.py" for name in ("a", "b", "c", "d", "encoders/protocol")}
    assert import_closure(tmp_path, "speech_emotion/a.py") == closure
    of_smell = {f"speech_emotion/encoders/smell/{name}.py" for name in ("network", "nose")}
    assert import_closure(tmp_path, "speech_emotion/a.py", ["smell"]) == closure | of_smell


def sections_read(workspace: Workspace, stage: Stage) -> set[str]:
    lines = workspace.sections_read.read_text(encoding="utf-8").splitlines()
    command = stage.cmd.removeprefix("python ")
    return {section for who, section in (line.split("\t") for line in lines) if who == command}


def values(params: Path, sections: Iterable[str]) -> set[str]:
    """Return the dotted name of every single parameter in `sections`."""
    return {name for section in sections for name in _values(section, read_section(params, section))}


def _values(name: str, value: Any) -> set[str]:
    if not isinstance(value, dict):
        return {name}
    return {inner for key in value for inner in _values(f"{name}.{key}", value[key])}


@each_stage
def test_declared_parameters_are_those_that_the_stage_reads(finished_workspace: Workspace, stage: Stage) -> None:
    params = finished_workspace.root / "params.yaml"
    assert values(params, stage.params) == values(params, sections_read(finished_workspace, stage))


def test_parameter_that_a_stage_reads_undeclared_is_noticed(workspace: Workspace) -> None:
    script = STAGES["split"].script
    workspace.replace_text(script, "import read_settings", "import read_section, read_settings")
    workspace.replace_text(
        script,
        "    labels = read_labels",
        "    read_section(arguments.params, 'image.backbone')\n    labels = read_labels",
    )
    assert workspace.repro("split") == {"split"}
    assert sections_read(workspace, STAGES["split"]) == {"split", "image.backbone"}


def test_parameters_are_read_in_one_place() -> None:
    reading = re.compile(r"^\s*(import|from) (yaml|ruamel)|params_show", re.MULTILINE)
    assert [file for file in CODE if reading.search((ROOT / file).read_text(encoding="utf-8"))] == [
        "speech_emotion/core/params.py"
    ]


def test_paths_stand_in_dvc_yaml_only() -> None:
    assert {file: found for file in CODE if (found := written_paths(ROOT, file, PATHS))} == {}


def test_written_path_is_noticed(tmp_path: Path) -> None:
    (tmp_path / "a.py").write_text('"""Reads data/raw."""\nwhere = "data/raw", "data/raw/tess"\n')
    assert written_paths(tmp_path, "a.py", {"data/raw"}) == ["data/raw", "data/raw/tess"]


def test_no_output_lies_in_anothers_folder() -> None:
    nested = [(inner, outer) for inner in OUTS for outer in OUTS if inner.startswith(f"{outer}/")]
    assert nested == []


def test_git_holds_metrics_and_dvc_the_rest() -> None:
    in_git = {path for path, flags in OUTS.items() if flags.get("cache") is False}
    assert in_git == {path for path in OUTS if path.startswith("metrics/")}


def test_labels_are_no_input_of_spectrograms() -> None:
    stages = {name: stage for name, stage in STAGES.items() if kind(stage) == "spectrograms"}
    assert len(stages) >= 2
    for name, stage in stages.items():
        assert stage.inputs == {f"data/raw/{name.rpartition('-')[2]}"}


def test_every_stage_says_what_it_is_for() -> None:
    written = yaml.safe_load((ROOT / "dvc.yaml").read_text(encoding="utf-8"))["stages"]
    assert [name for name, body in written.items() if not body.get("do", body).get("desc")] == []


def test_no_module_collects_what_changes_for_different_reasons() -> None:
    assert [path.name for path in (ROOT / "speech_emotion").rglob("util*.py")] == []
