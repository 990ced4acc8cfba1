"""Damaged files by Hypothesis, and what reading one of them may cost."""

import os
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from copy import copy
from pathlib import Path
from types import FrameType
from typing import Any, NoReturn

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from speech_emotion.core.errors import PipelineError

# How many mutations of each kind of file; a suite's run is a sample of them.
EXAMPLES = int(os.environ.get("FUZZ_EXAMPLES", "25"))
LONGEST_S, MOST_MB = 5, 1000
settled = settings(
    max_examples=EXAMPLES,
    deadline=None,  # in its stead the processor's time, which other programs on the machine do not hurry
    derandomize=True,  # a failure comes again
    database=None,
    suppress_health_check=list(HealthCheck),
)
# Numbers at the edges of the types that headers have, and what parsers of text stumble over.
NUMBERS = [value.to_bytes(size, "little") for size in (1, 2, 4, 8) for value in (0, 1, 256**size // 2, 256**size - 1)]
WORDS = [
    b"nan", b"-inf", b"1e999", b"-1", b"0", b"99999999999999999999", b"1" * 5000, b"", b"null", b"true", b"[]", b"{}",
    b"2001-99-99", b"../../outside", b"/tmp/outside", b"\0", b"\xff", b'"', b"'", b",", b"\n", b"\r", b": ", b"- ",
    b"\t", b"!!python/object/apply:os.mkdir [outside]", b"&a [*a]", b"*a", b"<<: 1", b"[" * 3000, b"{\"a\":" * 3000,
]  # fmt: skip
VALUES: list[Any] = [
    None, True, False, 0, -1, 1, 10**30, 0.5, 1e300, float("nan"), float("inf"), "", "x", "../outside", "x" * 3000, [],
    {}, [0], [[]], {"x": 0},
]  # fmt: skip


@st.composite
def mutated(draw: st.DrawFn, content: bytes) -> bytes:
    """Return `content` after some cuts, insertions and overwritten numbers, most of them where headers are."""
    for _ in range(draw(st.integers(1, 4))):
        # Half of all changes fall into the first bytes, where one of them means most.
        ends = st.one_of(st.integers(0, min(200, len(content))), st.integers(0, len(content)))
        start = draw(ends)
        length = draw(st.one_of(st.integers(0, 12), st.integers(0, len(content))))
        put = draw(st.one_of(st.sampled_from(NUMBERS), st.sampled_from(WORDS), st.binary(max_size=12), st.just(None)))
        if put is None:  # a copy of another part
            put = content[(other := draw(ends)) : other + length]
        replaced = draw(st.sampled_from([0, len(put), length]))
        content = content[:start] + put + content[start + replaced :]
    return content


@st.composite
def misspelt(draw: st.DrawFn, value: Any) -> Any:
    """Return JSON or YAML `value` with one of its values, however deep, exchanged, taken out or under another key."""
    if not isinstance(value, (dict, list)) or not value or draw(st.integers(0, 9)) == 0:
        return draw(st.sampled_from(VALUES))
    keys = list(value) if isinstance(value, dict) else list(range(len(value)))
    key, changed = draw(st.sampled_from(keys)), copy(value)
    what = draw(st.sampled_from(["deeper"] * 8 + ["out", "renamed"]))
    if what == "deeper":
        changed[key] = draw(misspelt(value[key]))
    elif isinstance(changed, list):
        del changed[key]
    else:
        moved = changed.pop(key)
        changed |= {draw(st.sampled_from(["", "other", "../outside"])): moved} if what == "renamed" else {}
    return changed


def fuzz(content: bytes, path: Path, read: Callable[[Path], object]) -> None:
    """Let `read` try mutations of `content` at `path`: it returns, or raises one clear line.

    It takes at most `LONGEST_S` of the processor's time, and `MOST_MB`, and leaves nothing in the
    folder above that of `path`.
    """
    fuzz_with(mutated(content), path.write_bytes, path, read)


def fuzz_with(
    changes: st.SearchStrategy[Any], write: Callable[[Any], object], path: Path, read: Callable[[Path], object]
) -> None:
    """Let `read` try what `write` makes at `path` of `changes`, as `fuzz`."""
    outside = path.parent.parent

    @settled
    @given(changes)
    def holds(changed: Any) -> None:
        write(changed)
        before, most_mb = sorted(outside.iterdir()), _status_mb("VmRSS:") + MOST_MB
        with suppress(OSError):
            Path("/proc/self/clear_refs").write_text("5")  # the peak counts anew
        with _in_time():
            line = refusal(path, read)
        assert len(line) < 2000, line
        assert sorted(outside.iterdir()) == before
        assert _status_mb("VmHWM:") < most_mb

    holds()


def refusal(path: Path, read: Callable[[Path], object]) -> str:
    """Return why `read` refuses what is at `path`, nothing where it takes it."""
    try:
        read(path)
    except PipelineError as error:
        return str(error)
    return ""


@contextmanager
def _in_time() -> Iterator[None]:
    def stop(number: int, frame: FrameType | None) -> NoReturn:
        raise TimeoutError(f"longer than {LONGEST_S} s")

    kinds = {signal.SIGPROF: (signal.ITIMER_PROF, LONGEST_S), signal.SIGALRM: (signal.ITIMER_REAL, 12 * LONGEST_S)}
    before = {number: signal.signal(number, stop) for number in kinds}
    try:
        for timer, seconds in kinds.values():
            signal.setitimer(timer, seconds)
        yield
    finally:
        for number, (timer, _) in kinds.items():
            signal.setitimer(timer, 0)
            signal.signal(number, before[number])


def _status_mb(field: str) -> float:
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) / 1024 for line in lines if line.startswith(field))
