"""The one exception for what a user can put right, and how it lists things."""

from collections.abc import Sequence

NAMED_AT_MOST = 5
# Of one text: what a damaged file holds in place of a value may be as long as the file.
BEGINNING, END = 1000, 400  # letters; the way out stands at the end


class PipelineError(Exception):
    """A problem in the input, the parameters or the surroundings.

    Its text is one line that names the thing, the value and the way out; `command.run` prints that line alone.
    """

    def __init__(self, text: str) -> None:
        super().__init__(shortened(text))


def one_line(error: BaseException) -> str:
    """Return the text of `error` on one line, its type where it has none."""
    return shortened(" ".join(str(error).split())) or type(error).__name__


def shortened(text: str) -> str:
    """Return `text`, a very long one without its middle."""
    return text if len(text) <= BEGINNING + END else f"{text[:BEGINNING]} ... {text[-END:]}"


def listed(names: Sequence[str]) -> str:
    """Return the first few `names` and how many more there are."""
    rest = len(names) - NAMED_AT_MOST
    return ", ".join(names[:NAMED_AT_MOST]) + (f" and {rest} more" if rest > 0 else "")


def itemised(title: str, problems: Sequence[str]) -> str:
    """Return `title` and the first few `problems`, a line each, for many things that went wrong at once."""
    rest = len(problems) - NAMED_AT_MOST
    return "\n  ".join([title, *problems[:NAMED_AT_MOST], *([f"and {rest} more"] if rest > 0 else [])])
