"""Cost of shards and of a file a clip on the way to a remote: `python -m benchmark.remotes`, against a real S3 server.

As many random bytes travel both ways, in one run of some minutes, so that the ratios mean something where the seconds
depend on the machine.
"""

import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from speech_emotion.core.command import run
from tests.proxy import Proxy
from tests.servers import BUCKET, SECRET, USER, s3

SHARDS, SHARD_BYTES, CLIPS = 26, 3_000_000, 4240
KEYS = {"AWS_ACCESS_KEY_ID": USER, "AWS_SECRET_ACCESS_KEY": SECRET, "AWS_DEFAULT_REGION": "us-east-1"}


def measure(files: int, size_bytes: int, folder: Path, proxy: Proxy) -> dict[str, float]:
    """Push `files` random files of `size_bytes` through `proxy`, pull them into an empty cache, count both."""
    data = folder / "data"
    data.mkdir(parents=True)
    for number in range(files):
        (data / str(number)).write_bytes(os.urandom(size_bytes))
    _dvc(folder, "init", "--quiet", "--no-scm")
    _dvc(folder, "remote", "add", "--quiet", "--default", "storage", f"s3://{BUCKET}/{files}")
    _dvc(folder, "remote", "modify", "storage", "endpointurl", f"http://127.0.0.1:{proxy.port}")
    _dvc(folder, "add", "--quiet", "data")
    found: dict[str, float] = {}
    for command in ("push", "pull"):
        requests, began = proxy.requests, time.perf_counter()
        _dvc(folder, command, "--quiet")
        found |= {f"{command}, requests": proxy.requests - requests, f"{command}, s": time.perf_counter() - began}
        shutil.rmtree(folder / ".dvc" / "cache")
        shutil.rmtree(data)
    return found


def _dvc(folder: Path, *arguments: str) -> None:
    command = [sys.executable, "-m", "dvc", *arguments]
    subprocess.run(command, cwd=folder, env={**os.environ, **KEYS, "DVC_NO_ANALYTICS": "1"}, check=True)


def main() -> None:
    """Measure both ways and print them side by side."""
    with tempfile.TemporaryDirectory() as name, s3(Path(name)) as server, Proxy(server.port) as proxy:
        shards = measure(SHARDS, SHARD_BYTES, Path(name) / "shards", proxy)
        clips = measure(CLIPS, SHARDS * SHARD_BYTES // CLIPS, Path(name) / "clips", proxy)
    for what, few in shards.items():
        print(
            f"{what}: {few:.4g} for {SHARDS} shards, {clips[what]:.4g} for {CLIPS} files, {clips[what] / few:.1f} times"
        )


if __name__ == "__main__":
    run(main)
