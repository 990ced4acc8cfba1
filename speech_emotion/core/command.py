"""The end of every command: quiet, or one clear line."""

import io
import os
import signal
import sys
import tempfile
import traceback
from collections.abc import Callable
from typing import NoReturn

from speech_emotion.core.errors import PipelineError, one_line
from speech_emotion.core.lifetime import STAGE, end_as_by_ctrl_c, end_with_dvc

INTERRUPTED = 128 + signal.SIGINT


def run(main: Callable[[], object]) -> NoReturn:
    """Call `main` and exit: 0, 1 with one line on stderr after any error, or 130 after Ctrl-C or SIGTERM.

    The text of a `PipelineError` is that line; of another error it names the file that has the traceback.
    """
    if isinstance(sys.stdout, io.TextIOWrapper):  # a path may have bytes that are no text
        sys.stdout.reconfigure(errors="backslashreplace")
    end_as_by_ctrl_c()
    end_with_dvc()
    try:
        main()
    except PipelineError as error:
        _say(f"error: {error}")
        sys.exit(1)
    except KeyboardInterrupt:
        _say("interrupted: no output was written")
        sys.exit(INTERRUPTED)
    except Exception as error:
        _say(f"error: {unforeseen(error)}")
        sys.exit(1)
    sys.exit(0)


def unforeseen(error: Exception) -> str:
    """Write the traceback of `error` to a new file; return one line that says what happened, the way out, and where."""
    return f"{_described(error)}; traceback: {_written(''.join(traceback.format_exception(error)))}"


def _described(error: Exception) -> str:
    if isinstance(error, OSError) and error.filename is not None:
        return f"{os.fsdecode(error.filename)}: {error.strerror}; check path, space and permissions"
    if isinstance(error, OSError):
        return f"{one_line(error)}; check space in the project and in {tempfile.gettempdir()}, and permissions"
    if isinstance(error, MemoryError) or "alloc" in str(error) or "out of memory" in str(error):
        return f"out of memory ({one_line(error)}); stop other programs, or take smaller batches and fewer processes"
    return f"{type(error).__name__} ({one_line(error)}) was not foreseen; report it with the traceback"


def _written(text: str) -> str:
    try:
        with tempfile.NamedTemporaryFile(
            "w", prefix="speech-emotion-", suffix=".txt", delete=False, encoding="utf-8", errors="backslashreplace"
        ) as file:
            file.write(text)
        return file.name
    except OSError:  # that disk is full, too
        return f"could not be written\n{text}"


def _say(line: str) -> None:
    print(line, file=sys.stderr)
    stage = os.environ.get(STAGE)
    if stage and not stage.startswith("fetch"):  # DVC leaves the outputs of fetch in place
        print(
            f"DVC took the outputs of {stage} away before it ran; `git checkout metrics` and `dvc checkout {stage}` "
            "bring back those of the last commit",
            file=sys.stderr,
        )
