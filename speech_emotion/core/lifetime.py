"""A command ends as a whole: when it is asked to, and with the DVC that started it."""

import os
import signal
import threading
import time
from contextlib import suppress
from multiprocessing import active_children
from types import FrameType
from typing import NoReturn

POLL_S = 1.0
STAGE = "DVC_STAGE"


def end_as_by_ctrl_c() -> None:
    """Let SIGTERM and SIGHUP, unless ignored, end this process and its workers as Ctrl-C on a terminal does."""
    for number in (signal.SIGTERM, signal.SIGHUP):
        if signal.getsignal(number) == signal.SIG_DFL:
            signal.signal(number, _interrupt)


def end_with_dvc() -> None:
    """Let this process end, as by SIGTERM, when the DVC that started it as a stage has ended."""
    if STAGE in os.environ:
        threading.Thread(target=_watch_dvc, daemon=True).start()


def _interrupt(number: int, frame: FrameType | None) -> NoReturn:
    for worker in active_children():  # Ctrl-C reaches all processes of a terminal, a signal this one alone
        worker.terminate()
    raise KeyboardInterrupt


def _watch_dvc() -> None:
    import psutil  # comes with DVC

    with suppress(psutil.NoSuchProcess, ProcessLookupError):
        for parent in psutil.Process().parents():
            if os.getsid(parent.pid) != os.getsid(0):
                if parent.pid == 1 or parent.name() == "systemd":  # DVC ended before this looked for it
                    break
                return
            # DVC starts stages through a shell, which may stay between the two and has the variable.
            if parent.environ().get(STAGE) != os.environ[STAGE]:
                while parent.is_running() and parent.status() != psutil.STATUS_ZOMBIE:
                    time.sleep(POLL_S)
                break
    os.kill(os.getpid(), signal.SIGTERM)
