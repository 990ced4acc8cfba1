"""Time and memory of a command with all the processes that it starts; Linux alone."""

import os
import subprocess
import tempfile
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import psutil

from speech_emotion.core.errors import PipelineError

POLL_S = 0.2
LINES = 5  # of what a failed command said


@dataclass(frozen=True)
class Cost:
    """What a command took."""

    wall_s: float
    cpu_s: float  # user and system, of all its processes
    memory_mb: float  # at its highest


def measure(command: Sequence[str], folder: Path, environment: Mapping[str, str]) -> Cost:
    """Run `command` in `folder` and return its cost.

    Memory is the largest sum, over the processes that were there at one time, of what each holds alone and its share
    of what several hold (PSS); for a peak between two looks, at least what the kernel noted of the largest process.

    Raises:
        PipelineError: it failed; the end of what it said is in the text.
    """
    began, peak_kb, ended = time.perf_counter(), 0, 0
    with tempfile.TemporaryFile() as said:
        process = subprocess.Popen(command, cwd=folder, env=environment, stdout=said, stderr=subprocess.STDOUT)
        while not ended:
            peak_kb = max(peak_kb, _memory_kb(process.pid))
            time.sleep(POLL_S)
            ended, status, usage = os.wait4(process.pid, os.WNOHANG)
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode:
            said.seek(0)
            last = said.read().decode(errors="replace").strip().splitlines()[-LINES:]
            raise PipelineError(f"{' '.join(command)}: ended with {process.returncode}: {' | '.join(last)}")
    return Cost(time.perf_counter() - began, usage.ru_utime + usage.ru_stime, peak_kb / 1024)


def _memory_kb(pid: int) -> int:
    shared, largest = 0, 0
    with suppress(psutil.Error):
        leader = psutil.Process(pid)
        for process in (leader, *leader.children(recursive=True)):
            with suppress(OSError):
                shared += _field_kb(process.pid, "smaps_rollup", "Pss:")
                largest = max(largest, _field_kb(process.pid, "status", "VmHWM:"))
    return max(shared, largest)


def _field_kb(pid: int, file: str, field: str) -> int:
    lines = Path(f"/proc/{pid}/{file}").read_text(encoding="utf-8").splitlines()
    return next((int(line.split()[1]) for line in lines if line.startswith(field)), 0)
