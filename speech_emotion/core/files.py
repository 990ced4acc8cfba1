"""Outputs appear whole or not at all."""

import errno
import fcntl
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from glob import escape
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from speech_emotion.core.errors import PipelineError

if TYPE_CHECKING:  # half a second that each process would pay, and no part of the installed base
    import pandas as pd

SCRATCH = ".partial"  # .gitignore, .dvcignore and `make clean` know it
FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
FORBIDDEN = (errno.EACCES, errno.EPERM, errno.EROFS)


class NotWrittenError(PipelineError):
    """A full disk, or no right to write."""


@contextmanager
def replacing(target: Path) -> Iterator[Path]:
    """Yield a temporary path beside `target`; move it into place on success, delete it on any error.

    `target` may become a file or a folder, whichever the caller creates at the yielded path.

    Raises:
        NotWrittenError: as `writing`.
        PipelineError: the parameters that were read have changed since.
    """
    from speech_emotion.core.params import refuse_changed  # needs YAML, which `scratch` alone does not

    with scratch(target) as workspace, writing(target):
        temporary = workspace / target.name
        try:
            yield temporary
        except NotWrittenError as error:  # of a file in a folder that will be `target`
            raise NotWrittenError(str(error).replace(str(temporary), str(target))) from error
        refuse_changed()
        # a rename cannot move a folder over one that holds files.
        if target.is_dir():
            target.replace(workspace / "replaced")
        temporary.replace(target)


@contextmanager
def scratch(target: Path) -> Iterator[Path]:
    """Yield a new folder beside `target`, deleted at the end. Those that killed processes left there go first.

    Raises:
        NotWrittenError: as `writing`.
    """
    prefix = f".{target.name}."
    with ExitStack() as stack:
        with writing(target):
            target.parent.mkdir(parents=True, exist_ok=True)
            with _locked(target.parent):  # or another process would sweep a folder that is not locked yet
                for left in target.parent.glob(f"{escape(prefix)}*{SCRATCH}"):
                    with _locked(left, fcntl.LOCK_NB) as abandoned:
                        shutil.rmtree(left, ignore_errors=True) if abandoned else None
                workspace = Path(tempfile.mkdtemp(SCRATCH, prefix, target.parent))
                stack.callback(shutil.rmtree, workspace, ignore_errors=True)
                stack.enter_context(_locked(workspace))
        yield workspace


@contextmanager
def writing(place: Path) -> Iterator[None]:
    """Name `place` when what is written there does not fit or is forbidden.

    Raises:
        NotWrittenError: says so. An error of reading something elsewhere passes as it is.
    """
    try:
        yield
    except OSError as error:
        folder, named = place.absolute().parent, Path.cwd() / os.fsdecode(error.filename or place)
        here = named.is_relative_to(folder) or folder.is_relative_to(named)
        if error.errno in FULL or (error.errno in FORBIDDEN and here):
            way_out = "make space there" if error.errno in FULL else "make its folder one that you may write to"
            raise NotWrittenError(f"{place}: cannot be written ({error.strerror}); {way_out}, then repeat") from error
        raise


@contextmanager
def _locked(folder: Path, how: int = 0) -> Iterator[bool]:
    """Lock `folder` until the end or the process's; yield False where another has it, or the disk knows no locks."""
    try:
        descriptor = os.open(folder, os.O_RDONLY)
    except OSError:
        yield False
        return
    try:
        yield _flock(descriptor, how)
    finally:
        os.close(descriptor)


def _flock(descriptor: int, how: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | how)
    except OSError:
        return False
    return True


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
