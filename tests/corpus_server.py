"""An HTTP server on loopback that speaks Zenodo's, Dataverse's and GitHub's API, and can be told to fail."""

import hashlib
import json
import subprocess
import time
from collections import Counter
from collections.abc import Callable, Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Event, Lock, Thread
from types import SimpleNamespace
from typing import Any
from urllib.parse import unquote

import pooch.core
import pytest

from speech_emotion.fetching import web

# Faults besides HTTP statuses: half of the file, then the connection closes, or nothing more comes.
CUT = 0
HANG = -1


def wait_for(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 60
    while not condition() and time.monotonic() < deadline:
        time.sleep(0.01)


def without_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    """Repeat failed requests at once, and reach the server past any proxy."""
    monkeypatch.setattr(web, "RETRY", web.RETRY.new(backoff_factor=0))
    monkeypatch.setattr(pooch.core, "time", SimpleNamespace(sleep=lambda _: None))
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")


class CorpusServer(ThreadingHTTPServer):
    """Serves `files` by path; a path's first `faults`, HTTP statuses CUT or HANG, come before its file.

    A path in `waits` is answered once its condition holds, so that tests do not depend on which thread is faster.
    """

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.files: dict[str, bytes] = {}
        self.faults: dict[str, list[int]] = {}
        self.waits: dict[str, Callable[[], bool]] = {}
        self.requests: Counter[str] = Counter()
        self.lock = Lock()
        self.closing = Event()
        self.url = f"http://127.0.0.1:{self.server_port}/api"
        self._thread = Thread(target=self.serve_forever, kwargs={"poll_interval": 0.01})

    def __enter__(self) -> "CorpusServer":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.closing.set()
        self.shutdown()
        self._thread.join()
        self.server_close()

    def publish_zenodo(self, record: str, name: str, archive: bytes) -> str:
        """Serve `archive` as the only file of a record, and return its download path."""
        path = f"/api/records/{record}/files/{name}/content"
        entry = {
            "key": name,
            "size": len(archive),
            "checksum": f"md5:{_md5(archive)}",
            "links": {"self": self.url.removesuffix("/api") + path},
        }
        self.files[path] = archive
        self._publish(f"/api/records/{record}", {"id": record, "files": [entry]})
        return path

    def publish_dataverse(self, doi: str, files: Mapping[str, bytes]) -> dict[str, str]:
        """Serve `files`, by folder/name, as a data set, and return their download paths."""
        paths = {name: f"/api/access/datafile/{number}" for number, name in enumerate(files, 100)}
        self.files |= {paths[name]: content for name, content in files.items()}
        entries = [_dataverse_entry(name, int(paths[name].split("/")[-1]), files[name]) for name in files]
        self._publish(
            f"/api/datasets/:persistentId/?persistentId={doi}", {"data": {"latestVersion": {"files": entries}}}
        )
        return paths

    def publish_github(self, repository: str, commit: str, files: Mapping[str, bytes]) -> dict[str, str]:
        """Serve `files`, by path, as a repository at a commit, and return their download paths."""
        paths = {name: f"/raw/{repository}/{commit}/{name}" for name in files}
        self.files |= {paths[name]: content for name, content in files.items()}
        tree: list[dict[str, Any]] = [
            {"path": name, "type": "blob", "sha": _blob_sha(content), "size": len(content)}
            for name, content in files.items()
        ]
        tree.append({"path": "samples", "type": "tree", "sha": "0" * 40})
        self._publish(f"/api/repos/{repository}/git/trees/{commit}?recursive=1", {"tree": tree, "truncated": False})
        return paths

    def _publish(self, path: str, document: dict[str, Any]) -> None:
        self.files[path] = json.dumps(document).encode()


class _Handler(BaseHTTPRequestHandler):
    server: CorpusServer

    def do_GET(self) -> None:
        path = unquote(self.path)
        with self.server.lock:
            self.server.requests[path] += 1
            faults = self.server.faults.get(path, [])
            fault = faults.pop(0) if faults else None
        wait_for(self.server.waits.get(path, lambda: True))
        if (fault or 0) > 0 or path not in self.server.files:
            self.send_error(fault or 404)
            return
        content = self.server.files[path]
        self.send_response(200)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content if fault is None else content[: len(content) // 2])
        if fault == HANG:
            self.server.closing.wait()

    def log_message(self, *_: object) -> None:
        """Keep the tests' output clean."""


def _dataverse_entry(name: str, number: int, content: bytes) -> dict[str, Any]:
    folder, _, filename = name.rpartition("/")
    file = {
        "id": number,
        "filename": filename,
        "filesize": len(content),
        "checksum": {"type": "MD5", "value": _md5(content)},
    }
    return {"label": filename, "dataFile": file} | ({"directoryLabel": folder} if folder else {})


def _blob_sha(content: bytes) -> str:
    command = ("git", "hash-object", "--stdin")
    return subprocess.run(command, input=content, check=True, capture_output=True).stdout.decode().strip()


def _md5(content: bytes) -> str:
    return hashlib.md5(content).hexdigest()
