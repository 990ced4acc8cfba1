"""What a process holds of the memory that it took and freed."""

import platform
import subprocess
import sys

import pytest

MEGABYTES = 64
PROGRAM = f"""if True:
    import sys
    import numpy as np, psutil
    from speech_emotion.training.allocator import keep_freed_memory
    if "keep" in sys.argv:
        keep_freed_memory()
    before = psutil.Process().memory_info().rss
    array = np.ones(({MEGABYTES}, 1 << 20), np.uint8)
    del array
    print((psutil.Process().memory_info().rss - before) >> 20)
"""


def held_mb(*arguments: str) -> int:
    command = [sys.executable, "-c", PROGRAM, *arguments]
    return int(subprocess.run(command, check=True, capture_output=True, text=True).stdout)


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="the C library is not glibc")
def test_freed_memory_stays_with_the_process_that_wants_it() -> None:
    assert held_mb() < MEGABYTES / 4
    assert held_mb("keep") > MEGABYTES * 3 / 4


def test_another_c_library_changes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    from speech_emotion.training import allocator

    def no_such_library(name: object) -> object:
        raise OSError(name)

    monkeypatch.setattr(allocator.ctypes, "CDLL", no_such_library)
    allocator.keep_freed_memory()
