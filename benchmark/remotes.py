"""What shards save on the way to a remote: `python -m benchmark.remotes`, some minutes, against a real S3 server here.

As many random bytes travel as 26 shards and as a file a clip, in one run, so that the ratios mean something where the
seconds depend on the machine.
"""

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console
from rich.table import Table

from speech_emotion.core.command import run
from tests.proxy import Proxy
from tests.servers import BUCKET, SECRET, USER, s3

SHARDS, SHARD_BYTES, CLIPS = 26, 3_000_000, 4240
KEYS = {"AWS_ACCESS_KEY_ID": USER, "AWS_SECRET_ACCESS_KEY": SECRET, "AWS_DEFAULT_REGION": "us-east-1"}


@dataclass(frozen=True)
class Transfer:
    """One way of storing: HTTP requests and seconds of a push and of a pull into an empty cache."""

    files: int
    push_requests: int
    push_s: float
    pull_requests: int
    pull_s: float


def measure(files: int, size_bytes: int, folder: Path, proxy: Proxy) -> Transfer:
    """Push and pull `files` random files of `size_bytes` through `proxy`, in a DVC project of their own."""
    data = folder / "data"
    data.mkdir(parents=True)
    for number in range(files):
        (data / str(number)).write_bytes(os.urandom(size_bytes))
    _dvc(folder, "init", "--quiet", "--no-scm")
    _dvc(folder, "remote", "add", "--quiet", "--default", "storage", f"s3://{BUCKET}/{files}")
    _dvc(folder, "remote", "modify", "storage", "endpointurl", f"http://127.0.0.1:{proxy.port}")
    _dvc(folder, "add", "--quiet", "data")
    pushed = _count(folder, proxy, "push")
    shutil.rmtree(folder / ".dvc" / "cache")
    shutil.rmtree(data)
    return Transfer(files, *pushed, *_count(folder, proxy, "pull"))


def _count(folder: Path, proxy: Proxy, command: str) -> tuple[int, float]:
    requests, start = proxy.requests, time.perf_counter()
    _dvc(folder, command, "--quiet")
    return proxy.requests - requests, time.perf_counter() - start


def _dvc(folder: Path, *arguments: str) -> None:
    command = [sys.executable, "-m", "dvc", *arguments]
    subprocess.run(command, cwd=folder, env={**os.environ, **KEYS, "DVC_NO_ANALYTICS": "1"}, check=True)


def _table(shards: Transfer, clips: Transfer) -> Table:
    table = Table("", f"{shards.files} shards", f"{clips.files} files", "ratio")
    for name in ("push_requests", "push_s", "pull_requests", "pull_s"):
        few, many = getattr(shards, name), getattr(clips, name)
        table.add_row(name.replace("_", ", "), f"{few:.4g}", f"{many:.4g}", f"{many / few:.1f}")
    return table


def main(argv: Sequence[str] | None = None) -> None:
    """Measure both ways and print them side by side."""
    argparse.ArgumentParser(description=main.__doc__).parse_args(argv)
    with tempfile.TemporaryDirectory() as name, s3(Path(name)) as server, Proxy(server.port) as proxy:
        shards = measure(SHARDS, SHARD_BYTES, Path(name) / "shards", proxy)
        clips = measure(CLIPS, SHARDS * SHARD_BYTES // CLIPS, Path(name) / "clips", proxy)
    Console().print(_table(shards, clips))


if __name__ == "__main__":
    run(main)
