"""What a command says on standard error, and on a terminal how far it is."""

import sys

from speech_emotion.core.errors import PipelineError

MANY = 5
CLEAR = "\r\x1b[K"


class Messages:
    """Lines on standard error. On a terminal the last one shows how far the work is, and is taken away again."""

    def __init__(self, total: int) -> None:
        self.failed = False
        self._total, self._done, self._shown = total, 0, ""
        self._live = sys.stderr.isatty()

    def problem(self, error: PipelineError) -> None:
        """Say what is wrong with an input."""
        self.failed = True
        self.note(f"error: {error}")

    def note(self, line: str) -> None:
        """Say something that the user must know."""
        self.clear()
        print(line, file=sys.stderr, flush=True)

    def advance(self) -> None:
        """Count one more recording, and show the count where there are many."""
        self._done += 1
        if self._total >= MANY:
            self._show(f"{self._done} of {self._total}")

    def reach(self, share: float) -> None:
        """Show the `share`, 0 to 1, of the current recording that is done."""
        of = f"{self._done + 1} of {self._total}: " if self._total > 1 else ""
        self._show(f"{of}{min(share, 1):.0%}")

    def clear(self) -> None:
        """Take away how far the work is, before something is printed in its place."""
        if self._shown:
            print(CLEAR, end="", file=sys.stderr, flush=True)
            self._shown = ""

    def _show(self, text: str) -> None:
        if self._live and text != self._shown:
            print(f"{CLEAR}{text}", end="", file=sys.stderr, flush=True)
            self._shown = text
