"""The one exception for what a user can put right, and how it lists names."""

from collections.abc import Sequence

NAMED_AT_MOST = 5


class PipelineError(Exception):
    """A problem in the input, the parameters or the surroundings.

    Its text is one line that names the thing, the value and the way out; `command.run` prints that line alone.
    """


def listed(names: Sequence[str], separator: str = ", ") -> str:
    """Return the first few `names` and how many more there are."""
    rest = len(names) - NAMED_AT_MOST
    return separator.join(names[:NAMED_AT_MOST]) + (f" and {rest} more" if rest > 0 else "")
