"""Markdown pages from Jinja2 templates."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined


def render(template: Path, values: Mapping[str, Any]) -> str:
    """Return the page; templates have the filters `percent` and `with_interval`."""
    environment = Environment(
        loader=FileSystemLoader(template.parent),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters |= {"percent": percent, "with_interval": with_interval}
    return environment.get_template(template.name).render(values)


def percent(score: float | None) -> str:
    """Return a fraction of 1 in percent, one decimal; nothing of None."""
    return "" if score is None else f"{100 * score:z.1f}"


def with_interval(scores: Mapping[str, Any], name: str) -> str:
    """Return the score `name` in percent, with the interval that stands beside it as `<name>_ci`."""
    interval = scores[f"{name}_ci"]
    return f"{percent(scores[name])} ({percent(interval['low'])} to {percent(interval['high'])})"
