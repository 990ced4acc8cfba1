"""What the page takes at most, and how many visitors at a time."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from speech_emotion.core.errors import PipelineError


@dataclass(frozen=True)
class Limits:
    """The most that the page takes; what is more is refused in one line."""

    file_bytes: int = 100_000_000
    file_s: float = 3600
    microphone_s: float = 600
    visitors: int = 4  # at a time, at the microphone or with a file
    pause_s: float = 30  # without anything from a visitor whose turn it is


class Places:
    """As many places as visitors are served at a time."""

    def __init__(self, count: int) -> None:
        self._count, self._taken = count, 0

    @contextmanager
    def taken(self) -> Iterator[None]:
        """Take a place.

        Raises:
            PipelineError: there is none.
        """
        if self._taken >= self._count:
            raise PipelineError(f"{self._count} visitors are being listened to, which is the most; try again soon")
        self._taken += 1
        try:
            yield
        finally:
            self._taken -= 1
