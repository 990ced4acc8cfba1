"""Downloads that are checked, parallel, and can be interrupted: a file appears under its name when it is complete."""

import hashlib
from collections.abc import Callable, Sequence
from multiprocessing.pool import ThreadPool
from pathlib import Path

import pooch
import requests

from speech_emotion.core.errors import PipelineError
from speech_emotion.core.files import writing
from speech_emotion.core.progress import progress, tell
from speech_emotion.fetching.sources import GIT, PublishedFile
from speech_emotion.fetching.web import CONNECTIONS, RETRIES, TIMEOUT_S, WAY_OUT, reason, session

CHUNK_BYTES = 1 << 18


def download(label: str, files: Sequence[PublishedFile], folder: Path) -> None:
    """Put `files` below `folder`; what is there and complete is not requested again.

    Raises:
        PipelineError: a file cannot be had, or is not the one that its API described. Complete files stay.
    """
    for file in files:
        _require_inside(folder, file)
    missing = [file for file in files if not _is_complete(folder / file.name, file.checksum)]
    total = sum(file.size_bytes for file in missing)
    tell(f"{label}: downloading {len(missing)} of {len(files)} files, {total / 1e6:.1f} MB")
    pooch.get_logger().setLevel("WARNING")
    # pooch knows no checksums of Git: those are compared when a file has come.
    registry = {file.name: None if file.checksum.startswith(f"{GIT}:") else file.checksum for file in missing}
    urls = {file.name: file.url for file in missing}
    store = pooch.create(folder, base_url="", registry=registry, urls=urls, retry_if_failed=RETRIES)
    # Leaving the block abandons the threads, so that neither an error nor Ctrl-C waits for slow servers.
    with progress(label, total, "B") as advance, session() as opened, ThreadPool(CONNECTIONS) as pool, writing(folder):
        for _ in pool.imap_unordered(lambda file: _retrieve(store, file, opened, advance), missing):
            pass


def _require_inside(folder: Path, file: PublishedFile) -> None:
    path = folder / file.name
    if ".." in path.parts or folder not in path.parents:
        raise PipelineError(f"{file.url}: the name {file.name!r} may lead out of its folder; take it from elsewhere")


def _is_complete(path: Path, checksum: str) -> bool:
    algorithm, expected = checksum.split(":")
    return path.is_file() and _digest(path, algorithm) == expected


def _digest(path: Path, algorithm: str) -> str:
    if algorithm == GIT:
        content = path.read_bytes()
        return hashlib.sha1(b"blob %d\0" % len(content) + content).hexdigest()
    return str(pooch.file_hash(str(path), alg=algorithm))


def _retrieve(
    store: pooch.Pooch, file: PublishedFile, opened: requests.Session, count: Callable[[int], object]
) -> None:
    try:
        store.fetch(file.name, downloader=lambda _url, target, _store: _transfer(opened, file, Path(target), count))
    except requests.RequestException as error:
        raise PipelineError(f"{file.name} from {file.url}: {reason(error)}; {WAY_OUT}") from error
    except ValueError as error:
        raise PipelineError(
            f"{file.name} from {file.url}: what came has not the checksum {file.checksum}; {WAY_OUT}"
        ) from error


def _transfer(opened: requests.Session, file: PublishedFile, target: Path, count: Callable[[int], object]) -> None:
    received = 0
    with opened.get(file.url, stream=True, timeout=TIMEOUT_S) as response, target.open("wb") as written:
        if not response.ok:  # asked again already where that can help, so that pooch must not
            answer = f"the server answered {response.status_code} {response.reason}"
            raise PipelineError(f"{file.name} from {file.url}: {answer}; {WAY_OUT}")
        try:
            for chunk in response.iter_content(CHUNK_BYTES):
                received += written.write(chunk)
                count(len(chunk))
                if received > file.size_bytes:  # the checksum refuses it
                    break
        except requests.RequestException:
            count(-received)
            raise
    if file.checksum.startswith(f"{GIT}:") and not _is_complete(target, file.checksum):
        raise ValueError(file.checksum)
