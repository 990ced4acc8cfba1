"""A recording that comes in parts, as overlapping windows: each hop has the window around its middle."""

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from speech_emotion.predict.speech import FRAME_S, RATE_HZ, Speech, SpeechDetector, unheard

Waveform = NDArray[np.float32]


@dataclass(frozen=True)
class Window:
    """A hop, and where in its window somebody speaks, all in seconds of the recording."""

    start_s: float  # of the hop
    end_s: float
    first_s: float  # of the window, its ends without speech cut off
    last_s: float
    reason: str | None  # why there is nothing to ask about


@dataclass(frozen=True)
class Group:
    """Windows that are answered together."""

    windows: list[Window]
    waveform: Waveform  # `[samples]` at 16 kHz, of all of them that have speech
    start_s: float  # of the waveform


def groups(
    parts: Iterable[Waveform], *, window_s: float, hop_s: float, together: int, shortest_s: float
) -> Iterator[Group]:
    """Yield the windows of a recording, `together` of them at a time, as soon as its `parts` are there.

    Args:
        parts: float32 `[samples]` each, at 16 kHz.
        window_s: length of a window; at both ends of the recording windows are cut.
        hop_s: time from one to the next.
        together: windows in a group; the last group may have fewer.
        shortest_s: a window with less in it is too short.
    """
    held = _Held(window_s, hop_s, shortest_s)
    for part in parts:
        held.take(part)
        while held.complete() >= together:
            yield held.give(together)
    held.end()
    while count := min(together, held.complete()):
        yield held.give(count)


class _Held:
    """What has come and is still needed: samples and frames of speech, from `start` on."""

    def __init__(self, window_s: float, hop_s: float, shortest_s: float) -> None:
        self.window_s, self.hop_s, self.shortest_s = window_s, hop_s, shortest_s
        self.detector = SpeechDetector()
        self.waveform, self.speech = np.zeros(0, np.float32), np.zeros(0, bool)
        self.start = 0  # in frames
        self.hops = 0  # given already
        self.ended = False

    def take(self, part: Waveform, *, last: bool = False) -> None:
        self.waveform = np.concatenate([self.waveform, part])
        self.speech = np.concatenate([self.speech, self.detector.feed(part, last=last)])

    def end(self) -> None:
        self.take(np.zeros(0, np.float32), last=True)
        self.ended = True

    @property
    def heard_s(self) -> float:
        """How far the recording is here."""
        return self.start * FRAME_S + len(self.waveform) / RATE_HZ

    def complete(self) -> int:
        """Return how many hops have their window here."""
        if self.ended:
            return math.ceil(round(self.heard_s / self.hop_s, 6)) - self.hops
        known_s = (self.start + len(self.speech)) * FRAME_S
        return max(0, int((known_s - self.window_s / 2) / self.hop_s + 0.5) - self.hops)

    def give(self, count: int) -> Group:
        windows = [self._window(hop) for hop in range(self.hops, self.hops + count)]
        spoken = [one for one in windows if not one.reason]
        start_s = min((one.first_s for one in spoken), default=0.0)
        group = Group(windows, self._cut(start_s, max((one.last_s for one in spoken), default=0.0)), start_s)
        self.hops += count
        self._forget((self.hops + 0.5) * self.hop_s - self.window_s / 2)
        return group

    def _window(self, hop: int) -> Window:
        start_s, end_s = hop * self.hop_s, min((hop + 1) * self.hop_s, self.heard_s)
        middle_s = (hop + 0.5) * self.hop_s
        first_s, last_s = max(0.0, middle_s - self.window_s / 2), min(middle_s + self.window_s / 2, self.heard_s)
        if last_s - first_s < self.shortest_s:
            return Window(start_s, end_s, first_s, last_s, "too short")
        speech, begin = self._speech(first_s, last_s)
        if reason := unheard(self._cut(first_s, last_s), speech):
            return Window(start_s, end_s, first_s, last_s, reason)
        (frames,) = np.nonzero(speech)
        first_s = max(first_s, min((begin + frames[0]) * FRAME_S, last_s - self.shortest_s))
        last_s = min(last_s, max((begin + frames[-1] + 1) * FRAME_S, first_s + self.shortest_s))
        return Window(start_s, end_s, first_s, last_s, None)

    def _speech(self, first_s: float, last_s: float) -> tuple[Speech, int]:
        """Return the frames of a window, and the number of the first in the recording."""
        begin = int(first_s / FRAME_S)
        return self.speech[begin - self.start : math.ceil(last_s / FRAME_S) - self.start], begin

    def _cut(self, first_s: float, last_s: float) -> Waveform:
        offset = self.start * FRAME_S
        return self.waveform[max(0, round((first_s - offset) * RATE_HZ)) : round((last_s - offset) * RATE_HZ)]

    def _forget(self, before_s: float) -> None:
        frames = max(0, int(before_s / FRAME_S) - self.start)
        self.waveform, self.speech = self.waveform[round(frames * FRAME_S * RATE_HZ) :], self.speech[frames:]
        self.start += frames
