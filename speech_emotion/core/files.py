"""Outputs appear whole or not at all."""

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from speech_emotion.core.errors import PipelineError
from speech_emotion.core.params import refuse_changed

if TYPE_CHECKING:  # half a second that each process would pay, and no part of the installed base
    import pandas as pd


@contextmanager
def replacing(target: Path) -> Iterator[Path]:
    """Yield a temporary path beside `target`; move it into place on success, delete it on any error.

    `target` may become a file or a folder, whichever the caller creates at the yielded path.

    Raises:
        PipelineError: the parameters that were read have changed since.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    workspace = Path(tempfile.mkdtemp(prefix=f".{target.name}.", dir=target.parent))
    try:
        temporary = workspace / target.name
        yield temporary
        refuse_changed()
        # a rename cannot move a folder over one that holds files.
        if target.is_dir():
            target.replace(workspace / "replaced")
        temporary.replace(target)
    finally:
        shutil.rmtree(workspace, ignore_errors=True)


def write_text(target: Path, text: str) -> None:
    """Write `text` as UTF-8 with `\\n` line ends."""
    with replacing(target) as temporary:
        temporary.write_text(text, encoding="utf-8", newline="\n")


def write_csv(target: Path, table: "pd.DataFrame") -> None:
    """Write `table` without its index, floats with six decimals, so that equal tables give equal bytes.

    Raises:
        PipelineError: it has a number that is not finite.
    """
    numbers = table.select_dtypes("number")
    if wrong := [column for column in numbers if not np.isfinite(numbers[column]).all()]:
        raise PipelineError(
            f"{target}: {wrong[0]} is not finite throughout, nothing was written; see what it came from"
        )
    write_text(target, table.to_csv(index=False, lineterminator="\n", float_format="%.6f"))
