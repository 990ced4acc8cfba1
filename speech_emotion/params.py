"""`params.yaml` sections as frozen dataclasses: the one way that configuration flows."""

from pathlib import Path
from typing import Any, TypeVar

import yaml
from dacite import Config, DaciteError, from_dict

from speech_emotion.errors import PipelineError

Settings = TypeVar("Settings")


def read_section(path: Path, section: str) -> Any:
    """Return the value under a dotted `section` such as `corpora.ravdess`.

    Raises:
        PipelineError: `path` is missing, is no YAML, or has no such section.
    """
    try:
        value = yaml.safe_load(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise PipelineError(f"{path}: cannot be read ({error.strerror}); run from the project's root") from error
    except yaml.YAMLError as error:
        raise PipelineError(f"{path}: is not YAML ({' '.join(str(error).split())})") from error
    for key in section.split("."):
        if not isinstance(value, dict) or key not in value:
            raise PipelineError(f"{path}: has no section '{section}' ('{key}' is missing); add it")
        value = value[key]
    return value


def read_settings(path: Path, section: str, settings: type[Settings]) -> Settings:
    """Return `section` of the YAML file `path` as the dataclass `settings`.

    Raises:
        PipelineError: as `read_section`; a key is unknown, missing, or of another type than the dataclass says.
    """
    value = read_section(path, section)
    if not isinstance(value, dict):
        raise PipelineError(f"{path}: section '{section}' is {value!r}; expected keys and values")
    # PyYAML reads 1e-3 as text, so floats are converted; lists become the tuples that frozen dataclasses want.
    config = Config(strict=True, cast=[tuple], type_hooks={float: _to_float})
    try:
        return from_dict(settings, value, config)
    except (DaciteError, ValueError) as error:
        raise PipelineError(f"{path}: section '{section}': {error}") from error


def _to_float(value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, (int, float, str)):
        raise ValueError(f"{value!r} is no number")
    return float(value)
