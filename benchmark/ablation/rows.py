"""The rows of the ablation: `rows.yaml` over its `base` over `params.yaml`."""

from collections.abc import Mapping
from dataclasses import dataclass, field, is_dataclass, replace
from pathlib import Path
from typing import Any, TypeVar

from speech_emotion.core.errors import PipelineError
from speech_emotion.core.params import read_settings

Settings = TypeVar("Settings")
Changes = Mapping[str, Any]


@dataclass(frozen=True)
class Row:
    """One lever, as changes of sections of params.yaml; without `high` only the first training takes place."""

    says: str
    low: dict[str, Any] = field(default_factory=dict)
    high: dict[str, Any] | None = None
    backbone: dict[str, Any] = field(default_factory=dict)
    spectrograms: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Base:
    """What all rows change of `finetune_low`."""

    says: str
    low: dict[str, Any]


@dataclass(frozen=True)
class Ablation:
    """Content of `rows.yaml`; every row changes the base, the first row nothing else."""

    seeds: tuple[int, ...]
    crops: int
    base: Base
    rows: dict[str, Row]
    trained_on: str = ""  # which devices, a sentence for the page


def read_ablation(path: Path) -> Ablation:
    """Return all rows.

    Raises:
        PipelineError: the file cannot be read or has other keys, or there are no rows, or seeds that repeat.
    """
    ablation = read_settings(path, "ablation", Ablation)
    if not ablation.rows or not ablation.seeds or len(set(ablation.seeds)) < len(ablation.seeds):
        raise PipelineError(f"{path}: needs rows, and seeds that differ; it has seeds {ablation.seeds}")
    return ablation


def read_row(path: Path, name: str) -> Row:
    """Return the row `name`.

    Raises:
        PipelineError: as `read_ablation`; there is no such row.
    """
    rows = read_ablation(path).rows
    if name not in rows:
        raise PipelineError(f"{path}: has no row '{name}'; take one of {', '.join(rows)}")
    return rows[name]


def changed(settings: Settings, changes: Changes) -> Settings:
    """Return the dataclass `settings` with `changes`; nested dataclasses are changed in place.

    Raises:
        PipelineError: a name is unknown, or a value cannot be.
    """
    for name, value in changes.items():
        before = getattr(settings, name, None)
        after = changed(before, value) if is_dataclass(before) else value
        try:
            settings = replace(settings, **{name: after})  # type: ignore[type-var]
        except (TypeError, ValueError) as error:
            raise PipelineError(f"ablation: cannot set {name} to {value!r} ({error}); correct the row") from error
    return settings
