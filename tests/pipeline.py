"""`dvc.yaml` as its stages, expanded, and what Python files import."""

import ast
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import Any

import yaml

PACKAGES = ("benchmark", "speech_emotion", "stages", "tools")
# Imported by name: module of `speech_emotion.encoders.protocol` -> what it brings of the encoder.
ENCODER_MODULES = ("frontend", "settings", "network", "view", "augment", "pretrained")
PROTOCOL = "speech_emotion/encoders/protocol.py"


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
        return {word for word in self.cmd.split()[3:] if "/" in word}

    @property
    def code(self) -> set[str]:
        """What the stage depends on besides data: files and folders."""
        return {path for path in self.deps if path.split("/")[0] in PACKAGES}

    @property
    def inputs(self) -> set[str]:
        """What the stage depends on besides code."""
        return set(self.deps) - self.code

    @property
    def encoders(self) -> tuple[str, ...]:
        """The encoders that the stage is about: of its name (`image_low`), or else of the models that it reads."""
        kind, _, item = self.name.partition("@")
        if item and kind != "fetch":
            return (item.split("-")[0].split("_")[0],)
        return tuple(sorted({path.split("/")[1] for path in self.inputs if path.startswith("models/")}))


def read_stages(dvc_yaml: Path) -> dict[str, Stage]:
    """Return the stages by the names that DVC gives them, such as `fetch@tess`."""
    written = yaml.safe_load(dvc_yaml.read_text(encoding="utf-8"))["stages"]
    return {stage.name: stage for name, body in written.items() for stage in _expand(name, body)}


def _expand(name: str, body: dict[str, Any]) -> Iterator[Stage]:
    if "foreach" in body:
        items = body["foreach"]
        for key in items:
            values = {"key": key, "item": key}
            if isinstance(items, dict):
                values |= {f"item.{inner}": value for inner, value in items[key].items()}
            yield _stage(f"{name}@{key}", _filled(body["do"], values))
    elif "matrix" in body:
        for chosen in product(*(map(str, values) for values in body["matrix"].values())):
            values = {f"item.{key}": value for key, value in zip(body["matrix"], chosen, strict=True)}
            yield _stage(f"{name}@{'-'.join(chosen)}", _filled(body, values))
    else:
        yield _stage(name, body)


def _filled(body: dict[str, Any], values: Mapping[str, str]) -> dict[str, Any]:
    text = yaml.safe_dump(body, width=10_000)
    for key, value in values.items():
        text = text.replace("${" + key + "}", value)
    filled: dict[str, Any] = yaml.safe_load(text)
    return filled


def _stage(name: str, body: dict[str, Any]) -> Stage:
    outs: dict[str, Mapping[str, Any]] = {}
    for kind in ("outs", "metrics", "plots"):
        for out in body.get(kind, []):
            outs |= out if isinstance(out, dict) else {out: {}}
    return Stage(name, body["cmd"], tuple(body["deps"]), tuple(body.get("params", ())), outs)


def import_closure(root: Path, script: str, encoders: Sequence[str] = ()) -> set[str]:
    """Return `script` and every local file that it imports, directly or not, also inside functions.

    Modules of the `encoders` count where a file calls `protocol.network` and the like. A package's `__init__.py` is
    left out: the project's import nothing.
    """
    closure: set[str] = set()
    found = {script}
    while found:
        closure |= found
        found = {imported for file in found for imported in imports(root, file, encoders)} - closure
    return closure


def imports(root: Path, file: str, encoders: Sequence[str] = ()) -> set[str]:
    """Return the local files that `file` itself imports."""
    modules: set[str] = set()
    for node in ast.walk(ast.parse((root / file).read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            modules |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            # `from speech_emotion.encoders import protocol` imports a module, `... .shards import Shard` a name.
            modules |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
        elif isinstance(node, ast.Attribute) and _is_protocol(node):
            modules |= {f"speech_emotion.encoders.{encoder}.{node.attr}" for encoder in encoders}
    files = {module.replace(".", "/") + ".py" for module in modules if module.split(".")[0] in PACKAGES}
    return {name for name in files if (root / name).exists()}


def _is_protocol(node: ast.Attribute) -> bool:
    return isinstance(node.value, ast.Name) and node.value.id == "protocol" and node.attr in ENCODER_MODULES


def written_paths(root: Path, file: str, paths: Collection[str]) -> list[str]:
    """Return the texts in `file` that are one of `paths` with a folder, or lie below one."""
    constants = (
        node.value
        for node in ast.walk(ast.parse((root / file).read_text(encoding="utf-8")))
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    )
    beginnings = tuple(f"{path}/" for path in paths if "/" in path)
    return [text for text in constants if f"{text}/".startswith(beginnings)]
