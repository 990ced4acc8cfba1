"""Where work on files is done: by processes of this machine, or by the workers of a Dask cluster.

A cluster's machines need the installed project and no file of ours: a file's bytes travel with the call, so that no
worker computes from another copy of it.
"""

import logging
import os
import time
import warnings
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping
from concurrent.futures import CancelledError
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from multiprocessing import TimeoutError as NoResultError
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Thread
from typing import Any, TypeVar

from joblib import Parallel, delayed

from speech_emotion.core.errors import PipelineError, one_line

ADDRESS = "DASK_SCHEDULER_ADDRESS"  # Dask's own name, like those of its other settings (TLS among them)
LOCALLY = f"or unset {ADDRESS} to work on this machine"
ANSWER_S = 10  # until a scheduler answers, and until it has a worker
SILENCE_S = 600  # for the next batch
WATCH_S = 1  # between two looks at whether the stage is still there
BATCH = 16  # calls: a quarter of a second, a few MB
KEPT_BYTES = 64 * 2**20  # of freed memory, in each process

T = TypeVar("T")
Call = tuple[Path, *tuple[Any, ...]]
Versions = Mapping[str, str]


@contextmanager
def results(
    function: Callable[..., T], calls: Iterable[Call], versions: Callable[[], Versions], folder: Path, *, jobs: int
) -> Iterator[Iterator[T]]:
    """Yield what `function` returns for each of `calls`, in their order, while others are computed.

    Args:
        function: of an imported module; takes a file first, and only reads it.
        calls: arguments of each call.
        versions: returns what must be the same for equal results, by name; each worker of a cluster is asked.
        folder: where the files lie, for errors.
        jobs: processes of this machine, -1 for one a core; a cluster that DASK_SCHEDULER_ADDRESS names takes their
            place, with all its workers.

    Raises:
        PipelineError: a process was killed; no scheduler or no worker answers, a worker has other versions, or calls
            kill the workers.
    """
    address = os.environ.get(ADDRESS)
    with (
        _by_a_cluster(address, versions, calls, function) if address else _here(function, calls, folder, jobs) as found
    ):
        yield found


@contextmanager
def _here(function: Callable[..., T], calls: Iterable[Call], folder: Path, jobs: int) -> Iterator[Iterator[T]]:
    # A clip's arrays are just large enough for glibc to give them back to the system each time, and take them anew:
    # a fifth of the time. Processes read these settings when they start.
    os.environ.setdefault("MALLOC_TRIM_THRESHOLD_", str(KEPT_BYTES))
    os.environ.setdefault("MALLOC_MMAP_THRESHOLD_", str(KEPT_BYTES))
    try:
        # joblib gives each of its processes one BLAS thread where there is a process a core.
        parallel = Parallel(n_jobs=jobs, return_as="generator", initializer=_end_with, initargs=(os.getpid(),))
        with _closed_quietly(parallel(delayed(function)(*call) for call in calls)) as found:
            yield found
    except BrokenProcessPool as error:
        raise PipelineError(
            f"{folder}: a worker process was killed, most likely for memory; set LOKY_MAX_CPU_COUNT=1 for a single one"
        ) from error


def _end_with(parent: int) -> None:
    """Let this process end soon after `parent`: loky's processes wait for ever, with their memory, for one killed."""

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(WATCH_S)
        os._exit(1)

    Thread(target=watch, daemon=True).start()


@contextmanager
def _by_a_cluster(
    address: str, versions: Callable[[], Versions], calls: Iterable[Call], function: Callable[..., T]
) -> Iterator[Iterator[T]]:
    with _connected(address) as client:
        from distributed.scheduler import KilledWorker

        ours = versions()
        _ask_all(client, versions, ours)
        parallel = Parallel(backend=_backend(client), batch_size=BATCH, timeout=SILENCE_S, return_as="generator")
        sent = (delayed(_on_worker)(function, *_with_content(*call), versions=versions, ours=ours) for call in calls)
        try:
            with _closed_quietly(parallel(sent)) as found:
                yield found
        except KilledWorker as error:
            raise PipelineError(
                f"{address}: the same clips killed one worker after the other, most likely for memory "
                f"({one_line(error)}); give each worker more, {LOCALLY}"
            ) from error
        except (CancelledError, NoResultError) as error:
            raise PipelineError(
                f"{address}: the scheduler was lost, or no worker gave anything for {SILENCE_S} s "
                f"({type(error).__name__}); start them again and then this, {LOCALLY}"
            ) from error


@contextmanager
def _closed_quietly(found: Generator[T, None, None]) -> Iterator[Iterator[T]]:
    """Yield `found`, and close it: after an error joblib would advise to compute less."""
    try:
        yield found
    finally:
        with warnings.catch_warnings(action="ignore", category=UserWarning):
            found.close()


@contextmanager
def _connected(address: str) -> Iterator[Any]:
    """Yield a client of the scheduler at `address`, which has a worker."""
    try:
        from distributed import Client
    except ImportError as error:
        raise PipelineError(
            f"{ADDRESS} is {address}, but Dask is not installed; `pip install '.[cluster]'`, {LOCALLY}"
        ) from error
    logging.getLogger("distributed").setLevel(logging.CRITICAL)  # it says as a traceback what we say in a line
    connect: Any = Client
    try:
        client = connect(address, timeout=ANSWER_S, set_as_default=False)
    except (OSError, ValueError) as error:
        raise PipelineError(
            f"{ADDRESS} is {address}, where no scheduler answers ({one_line(error)}); start `dask scheduler`, {LOCALLY}"
        ) from error
    with client:
        try:
            client.wait_for_workers(1, timeout=ANSWER_S)
        except TimeoutError as error:
            raise PipelineError(
                f"{address}: the scheduler has no worker; start `dask worker {address}` on each machine, {LOCALLY}"
            ) from error
        yield client


def _backend(client: Any) -> Any:
    from joblib._dask import DaskDistributedBackend

    class Backend(DaskDistributedBackend):  # type: ignore[misc]
        """joblib's; it also tells `Parallel` of a batch that failed outside of its calls, or that would be awaited.

        And of two workers where there is one: with one, `Parallel` would do everything itself.
        """

        def effective_n_jobs(self, n_jobs: int) -> int:
            threads: int = super().effective_n_jobs(n_jobs)
            return max(2, threads)

        def submit(self, func: Any, callback: Any = None) -> Any:
            def tell_of_failure(batch: Any) -> None:
                if error := batch.exception():
                    callback(error)

            batch = super().submit(func, callback)
            batch.add_done_callback(tell_of_failure)
            return batch

    return Backend(client=client)


def _ask_all(client: Any, versions: Callable[[], Versions], ours: Versions) -> None:
    """Refuse a worker with other versions, and the scheduler, which reads all that it passes on."""
    try:
        theirs: Versions | BaseException = client.run_on_scheduler(versions)
    except (ImportError, AttributeError, RuntimeError) as error:
        theirs = error
    _refuse_others(f"scheduler {client.scheduler.address}", theirs, ours)
    for worker, theirs in sorted(client.run(versions, on_error="return").items()):
        _refuse_others(f"worker {worker}", theirs, ours)


def _refuse_others(machine: str, theirs: Versions | BaseException, ours: Versions) -> None:
    if isinstance(theirs, BaseException):
        found = f"lacks the project, or has another version of it ({one_line(theirs)})"
    else:
        others = [name for name in ours if theirs.get(name) != ours[name]]
        found = ", ".join(f"{name} is {theirs.get(name)} and here {ours[name]}" for name in others)
    if found:
        raise PipelineError(f"{machine}: {found}; install the same commit and requirements.lock there")


def _with_content(path: Path, *rest: Any) -> tuple[Path, bytes | OSError, *tuple[Any, ...]]:
    try:
        return path, path.read_bytes(), *rest
    except OSError as error:  # which joblib, which asks for this in another thread, would lose
        return path, error, *rest


def _on_worker(
    function: Callable[..., T],
    path: Path,
    content: bytes | OSError,
    *rest: Any,
    versions: Callable[[], Versions],
    ours: Versions,
) -> T:
    """Call `function` with a file of that content; an error names `path`, where it lies on the machine that asks."""
    from distributed import get_worker

    _refuse_others(f"worker {get_worker().address}", versions(), ours)  # it may have come after all were asked
    if isinstance(content, OSError):
        raise content
    with TemporaryDirectory() as folder:
        copy = Path(folder, path.name)
        copy.write_bytes(content)
        try:
            return function(copy, *rest)
        except PipelineError as error:
            raise PipelineError(str(error).replace(str(copy), str(path))) from error
