"""What the page says of levers whose code was removed: `removed.yaml`."""

from dataclasses import dataclass
from pathlib import Path

from speech_emotion.core.params import read_settings


@dataclass(frozen=True)
class Removed:
    """Lines of the table as they stood on an earlier page."""

    commit: str  # that has the code
    first: str  # what the lines are compared with
    lines: list[list[str]]


def read_removed(path: Path) -> Removed:
    """Return the lines in `path`.

    Raises:
        PipelineError: the file cannot be read or has other keys.
    """
    return read_settings(path, "removed", Removed)
