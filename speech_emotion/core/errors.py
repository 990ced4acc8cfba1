"""The one exception for what a user can put right, and how it lists things."""

from collections.abc import Sequence

NAMED_AT_MOST = 5
LETTERS_AT_MOST = 300  # of what a library says, which may quote a whole damaged file


class PipelineError(Exception):
    """A problem in the input, the parameters or the surroundings.

    Its text is one line that names the thing, the value and the way out; `command.run` prints that line alone.
    """


def one_line(error: BaseException) -> str:
    """Return the text of `error` on one line, cut where it is long, its type where it has none."""
    return shortened(" ".join(str(error).split())) or type(error).__name__


def shortened(text: str) -> str:
    """Return `text`, or its beginning and `...` where it is long."""
    return text if len(text) <= LETTERS_AT_MOST else f"{text[:LETTERS_AT_MOST]}..."


def listed(names: Sequence[str]) -> str:
    """Return the first few `names` and how many more there are."""
    rest = len(names) - NAMED_AT_MOST
    return ", ".join(names[:NAMED_AT_MOST]) + (f" and {rest} more" if rest > 0 else "")


def itemised(title: str, problems: Sequence[str]) -> str:
    """Return `title` and the first few `problems`, a line each, for many things that went wrong at once."""
    rest = len(problems) - NAMED_AT_MOST
    return "\n  ".join([title, *problems[:NAMED_AT_MOST], *([f"and {rest} more"] if rest > 0 else [])])
