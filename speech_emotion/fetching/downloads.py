"""Downloads that are checked, parallel, and can be interrupted: a file appears under its name when it is complete."""

from collections.abc import Callable, Sequence
from multiprocessing.pool import ThreadPool
from pathlib import Path
from threading import Lock

import pooch
import requests

from speech_emotion.core.errors import PipelineError
from speech_emotion.core.progress import progress, tell
from speech_emotion.fetching.inside import path_inside
from speech_emotion.fetching.listings import PublishedFile
from speech_emotion.fetching.web import TIMEOUT_S, WAY_OUT, CutShort, persistently

CONNECTIONS = 8
CHUNK_BYTES = 1 << 18


def download(label: str, files: Sequence[PublishedFile], folder: Path) -> None:
    """Make `folder` hold `files` and nothing else; what is there and complete is not requested again.

    Raises:
        PipelineError: a file cannot be had, or is not the one that its API described. Complete files stay.
    """
    paths = {path_inside(folder, file.name, file.url): file for file in files}
    if len(paths) < len(files):
        raise PipelineError(f"{label}: two of the published files have one name; take the corpus from elsewhere")
    _remove_others(folder, paths)
    missing = {path: file for path, file in paths.items() if not _is_complete(path, file.checksum)}
    total = sum(file.size_bytes for file in missing.values())
    tell(f"{label}: downloading {len(missing)} of {len(files)} files, {total / 1e6:.1f} MB")
    # Leaving the block abandons the threads, so that neither an error nor Ctrl-C waits for slow servers.
    with progress(label, total, "B") as advance, ThreadPool(CONNECTIONS) as pool:
        lock = Lock()

        def count(size_bytes: int) -> None:
            with lock:
                advance(size_bytes)

        for _ in pool.imap_unordered(lambda item: _retrieve(*item, count), missing.items()):
            pass


def _remove_others(folder: Path, paths: dict[Path, PublishedFile]) -> None:
    # Half a file of a killed run, or a file of an older version of the corpus.
    for path in folder.rglob("*"):
        if path.is_file() and path not in paths:
            path.unlink()


def _is_complete(path: Path, checksum: str) -> bool:
    algorithm, expected = checksum.split(":")
    return path.is_file() and bool(pooch.file_hash(str(path), alg=algorithm) == expected)


def _retrieve(path: Path, file: PublishedFile, count: Callable[[int], None]) -> None:
    def transfer(url: str, output_file: str, _: object) -> None:
        _transfer(url, Path(output_file), file.size_bytes, count)

    def request() -> None:
        pooch.retrieve(file.url, file.checksum, fname=path.name, path=path.parent, downloader=transfer)

    pooch.get_logger().setLevel("WARNING")
    try:
        persistently(request, f"{file.name} from {file.url}")
    except ValueError as error:
        raise PipelineError(
            f"{file.name} from {file.url}: what came has not the checksum {file.checksum}; {WAY_OUT}"
        ) from error


def _transfer(url: str, target: Path, size_bytes: int, count: Callable[[int], None]) -> None:
    received = 0
    try:
        with requests.get(url, stream=True, timeout=TIMEOUT_S) as response, target.open("wb") as file:
            response.raise_for_status()
            for chunk in response.iter_content(CHUNK_BYTES):
                received += len(chunk)
                count(len(chunk))
                if received > size_bytes:
                    break
                file.write(chunk)
        if received != size_bytes:
            raise CutShort(f"{received} bytes came where {size_bytes} were announced")
    except requests.RequestException:
        count(-received)
        raise
