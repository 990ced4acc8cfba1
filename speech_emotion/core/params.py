"""`params.yaml` sections as frozen dataclasses: the one way that configuration flows."""

from dataclasses import dataclass
from functools import lru_cache
from math import inf
from pathlib import Path
from typing import Any, TypeVar, get_type_hints

import yaml
from dacite import Config, DaciteError, WrongTypeError, from_dict

from speech_emotion.core.errors import PipelineError, one_line

# What an older params.yaml has, and where it is now.
MOVED = {
    "spectrograms": "image.spectrograms",
    "backbone": "image.backbone",
    "finetune_low": "image.low (what both trainings share: image.training)",
    "finetune_high": "image.high (what both trainings share: image.training)",
}


@dataclass(frozen=True)
class Range:
    """What a number of a `Checked` dataclass may be: `Annotated[int, Range(1, 64)]`. NaN and infinity are in none."""

    at_least: float
    at_most: float = inf
    below: float = inf

    def __contains__(self, value: float) -> bool:
        return not isinstance(value, bool) and self.at_least <= value <= self.at_most and value < self.below

    def __str__(self) -> str:
        upper = f"below {self.below:g}" if self.below < inf else f"at most {self.at_most:g}"
        return f"at least {self.at_least:g} and {upper if min(self.below, self.at_most) < inf else 'finite'}"


class OneOf(tuple[str, ...]):
    """Choices that a text of a `Checked` dataclass has: `Annotated[str, OneOf("mean", "attention")]`."""

    def __new__(cls, *choices: str) -> "OneOf":
        """Name the choices."""
        return super().__new__(cls, choices)

    def __str__(self) -> str:
        return " or ".join(self)


class Checked:
    """A dataclass whose values are among those that its annotations state."""

    def __post_init__(self) -> None:
        """Refuse, with a ValueError, what would end in the middle of a stage, or compute garbage."""
        for name, annotation in get_type_hints(type(self), include_extras=True).items():
            for allowed in getattr(annotation, "__metadata__", ()):
                if getattr(self, name) not in allowed:
                    raise ValueError(f"{name} is {getattr(self, name)}; it must be {allowed}")


Settings = TypeVar("Settings", bound=Checked)
_parsed = lru_cache(maxsize=4)(yaml.safe_load)  # a file is read again for each section and before each output
_READ: dict[tuple[Path, str], Any] = {}  # file and section -> the value that this process read


def read_section(path: Path, section: str) -> Any:
    """Return the value under a dotted `section` such as `corpora.ravdess`.

    Raises:
        PipelineError: `path` is missing, is no YAML, has an older layout, or has no such section.
    """
    _READ[path.absolute(), section] = value = _section(path, section)
    return value


def refuse_changed() -> None:
    """Refuse an output of values that are no longer those of the file: dvc.lock would name what was never used.

    Raises:
        PipelineError: a section is not as this process read it.
    """
    for (path, section), value in _READ.items():
        if _section(path, section) != value:
            raise PipelineError(
                f"{path.name}: section '{section}' changed in the meantime; nothing was kept, run again"
            )


def read_yaml(path: Path) -> Any:
    """Return all of a YAML file.

    Raises:
        PipelineError: `path` is missing or is no YAML.
    """
    try:
        return _parsed(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or error
        raise PipelineError(f"{path}: cannot be read ({reason}); run from the project's root") from error
    except (yaml.YAMLError, ValueError, RecursionError) as error:  # a date such as 2001-99-99; brackets in brackets
        raise PipelineError(f"{path}: is not YAML ({one_line(error)})") from error


def _section(path: Path, section: str) -> Any:
    value = read_yaml(path)
    _refuse_older(path, value)
    for key in section.split("."):
        if not isinstance(value, dict) or key not in value:
            raise PipelineError(f"{path}: has no section '{section}' ('{key}' is missing); add it")
        value = value[key]
    return value


def read_settings(path: Path, section: str, settings: type[Settings]) -> Settings:
    """Return `section` of the YAML file `path` as the dataclass `settings`.

    Raises:
        PipelineError: as `read_section` and `to_settings`.
    """
    return to_settings(read_section(path, section), settings, f"{path}: section '{section}'")


def read_merged(path: Path, *sections: str) -> dict[str, Any]:
    """Return the keys of several sections together.

    Raises:
        PipelineError: as `read_section`; a section has no keys, or a key is in two.
    """
    merged: dict[str, Any] = {}
    for section in sections:
        values = read_section(path, section)
        if not isinstance(values, dict):
            raise PipelineError(f"{path}: section '{section}' is {values!r}; expected keys and values")
        if twice := sorted(merged.keys() & values.keys()):
            raise PipelineError(f"{path}: '{twice[0]}' is in {' and '.join(sections)}; say it once")
        merged |= values
    return merged


def to_settings(value: Any, settings: type[Settings], where: str) -> Settings:
    """Return a mapping as the dataclass `settings`; `where` begins the text of an error.

    Raises:
        PipelineError: a key is unknown, missing, of another type than the dataclass says, or out of its range.
    """
    if not isinstance(value, dict):
        raise PipelineError(f"{where} is {value!r}; expected keys and values")
    # PyYAML reads 1e-3 as text, so floats are converted; lists become the tuples that frozen dataclasses want.
    config = Config(strict=True, type_hooks={float: _to_float, tuple[str, ...]: _to_tuple})
    try:
        return from_dict(settings, value, config)
    except (DaciteError, ValueError) as error:
        raise PipelineError(f"{where}: {error}") from error


def _refuse_older(path: Path, params: Any) -> None:
    found = [f"'{old}' is now {new}" for old, new in MOVED.items() if isinstance(params, dict) and old in params]
    if found:
        raise PipelineError(f"{path}: has an older layout: {', '.join(found)}; move the values, docs/team.md shows how")


def _to_float(value: Any) -> float:
    try:
        if not isinstance(value, bool):
            return float(value)
    except (TypeError, ValueError, OverflowError):
        pass
    raise WrongTypeError(float, value)


def _to_tuple(value: Any) -> tuple[Any, ...]:
    if not isinstance(value, list):  # a text would become its letters
        raise WrongTypeError(list, value)
    return tuple(value)
