"""`dvc.yaml` as its stages, expanded, and what Python files import."""

import ast
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

PACKAGES = ("benchmark", "speech_emotion", "stages")


@dataclass(frozen=True)
class Stage:
    """One stage; `outs` include metrics and plots, each with its flags."""

    name: str
    cmd: str
    deps: tuple[str, ...]
    params: tuple[str, ...]
    outs: Mapping[str, Mapping[str, Any]]

    @property
    def script(self) -> str:
        """`stages/NAME.py` of `python -m stages.NAME ...`."""
        return self.cmd.split()[2].replace(".", "/") + ".py"

    @property
    def paths(self) -> set[str]:
        """Arguments of the command that are paths."""
        return {word for word in self.cmd.split()[3:] if "/" in word or word == "metrics"}

    @property
    def inputs(self) -> set[str]:
        """What the stage depends on besides code."""
        return {path for path in self.deps if not path.endswith(".py")}


def read_stages(dvc_yaml: Path) -> dict[str, Stage]:
    """Return the stages by the names that DVC gives them, such as `fetch@tess`."""
    written = yaml.safe_load(dvc_yaml.read_text(encoding="utf-8"))["stages"]
    return {stage.name: stage for name, body in written.items() for stage in _expand(name, body)}


def _expand(name: str, body: dict[str, Any]) -> Iterator[Stage]:
    if "foreach" not in body:
        yield _stage(name, body)
        return
    template = yaml.safe_dump(body["do"])
    for item in body["foreach"]:
        yield _stage(f"{name}@{item}", yaml.safe_load(template.replace("${item}", item)))


def _stage(name: str, body: dict[str, Any]) -> Stage:
    outs: dict[str, Mapping[str, Any]] = {}
    for kind in ("outs", "metrics", "plots"):
        for out in body.get(kind, []):
            outs |= out if isinstance(out, dict) else {out: {}}
    return Stage(name, body["cmd"], tuple(body["deps"]), tuple(body.get("params", ())), outs)


def import_closure(root: Path, script: str) -> set[str]:
    """Return `script` and every local file that it imports, directly or not, also inside functions.

    A package's `__init__.py` is left out: the project's import nothing.
    """
    closure: set[str] = set()
    found = {script}
    while found:
        closure |= found
        found = {imported for file in found for imported in imports(root, file)} - closure
    return closure


def imports(root: Path, file: str) -> set[str]:
    """Return the local files that `file` itself imports."""
    modules: set[str] = set()
    for node in ast.walk(ast.parse((root / file).read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            modules |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            # `from speech_emotion import mel` imports a module, `from speech_emotion.mel import log_mel` a name.
            modules |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
    files = {module.replace(".", "/") + ".py" for module in modules if module.split(".")[0] in PACKAGES}
    return {name for name in files if (root / name).exists()}


def written_paths(root: Path, file: str, paths: Collection[str]) -> list[str]:
    """Return the texts in `file` that are one of `paths` with a folder, or lie below one."""
    constants = (
        node.value
        for node in ast.walk(ast.parse((root / file).read_text(encoding="utf-8")))
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    )
    beginnings = tuple(f"{path}/" for path in paths if "/" in path)
    return [text for text in constants if f"{text}/".startswith(beginnings)]
