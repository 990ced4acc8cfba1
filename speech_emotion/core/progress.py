"""How far a long step is: a bar on a terminal, a few plain lines elsewhere."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from tqdm import tqdm

LINES = 4  # off a terminal, for a whole step


def tell(line: str) -> None:
    """Print `line` at once, also where the output is a pipe."""
    print(line, flush=True)


@contextmanager
def progress(label: str, total: int, unit: str) -> Iterator[Callable[[int], object]]:
    """Yield a function that is told how many more of `total` units are done.

    `unit` is a plural such as `clips`, or `B` for bytes, which are shown as kB, MB and so on.
    """
    if sys.stderr.isatty():
        with tqdm(total=total, desc=label, unit=unit if unit == "B" else f" {unit}", unit_scale=unit == "B") as bar:
            yield bar.update
    else:
        yield _line_writer(label, total, unit)


def _line_writer(label: str, total: int, unit: str) -> Callable[[int], None]:
    done = 0

    def advance(count: int) -> None:
        nonlocal done
        before, done = done, done + count
        if before * LINES // total < done * LINES // total:
            print(f"{label}: {_of(done, total, unit)}", file=sys.stderr, flush=True)

    return advance


def _of(done: int, total: int, unit: str) -> str:
    return f"{done / 1e6:.1f} of {total / 1e6:.1f} MB" if unit == "B" else f"{done} of {total} {unit}"
