"""How every command of the project ends: quietly, or with one clear line."""

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
        print(f"error: {error}", file=sys.stderr)
        sys.exit(1)
    except KeyboardInterrupt:
        print("interrupted: no output was written", file=sys.stderr)
        sys.exit(INTERRUPTED)
    sys.exit(0)
