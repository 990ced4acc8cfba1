"""The end of every command: quiet, or one clear line."""

import os
import signal
import sys
from collections.abc import Callable
from typing import NoReturn

from speech_emotion.core.errors import PipelineError

INTERRUPTED = 128 + signal.SIGINT


def run(main: Callable[[], object]) -> NoReturn:
    """Call `main` and exit: 0, 1 with the text of a `PipelineError` on stderr, or 130 after Ctrl-C."""
    try:
        main()
    except PipelineError as error:
        _say(f"error: {error}")
        sys.exit(1)
    except KeyboardInterrupt:
        _say("interrupted: no output was written")
        sys.exit(INTERRUPTED)
    sys.exit(0)


def _say(line: str) -> None:
    print(line, file=sys.stderr)
    stage = os.environ.get("DVC_STAGE")
    if stage:
        print(
            f"DVC took the outputs of {stage} away before it ran; `git checkout metrics` and `dvc checkout {stage}` "
            "bring back those of the last commit",
            file=sys.stderr,
        )
