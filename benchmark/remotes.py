"""Cost of shards and of a file a clip on the way to a remote: `python -m benchmark.remotes`, against a real S3 server.

As many random bytes travel both ways, in one run of some minutes: the ratios hold where the seconds do not.
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

SHARDS, CLIPS, BYTES = 26, 4240, 26 * 3_000_000
KEYS = {"AWS_ACCESS_KEY_ID": USER, "AWS_SECRET_ACCESS_KEY": SECRET, "AWS_DEFAULT_REGION": "us-east-1"}


def measure(files: int, folder: Path, proxy: Proxy) -> dict[str, float]:
    """Push so many random files through `proxy`, pull them into an empty cache, count requests and seconds."""

    def dvc(*arguments: str) -> None:
        environment = os.environ | KEYS | {"DVC_NO_ANALYTICS": "1"}
        subprocess.run([sys.executable, "-m", "dvc", *arguments, "-q"], cwd=folder, env=environment, check=True)

    (folder / "data").mkdir(parents=True)
    for number in range(files):
        (folder / "data" / str(number)).write_bytes(os.urandom(BYTES // files))
    dvc("init", "--no-scm")
    dvc("remote", "add", "--default", "storage", f"s3://{BUCKET}/{files}")
    dvc("remote", "modify", "storage", "endpointurl", f"http://127.0.0.1:{proxy.port}")
    dvc("add", "data")
    found: dict[str, float] = {}
    for command in ("push", "pull"):
        requests, began = proxy.requests, time.perf_counter()
        dvc(command)
        found |= {f"{command}, requests": proxy.requests - requests, f"{command}, s": time.perf_counter() - began}
        shutil.rmtree(folder / ".dvc" / "cache")
        shutil.rmtree(folder / "data")
    return found


def main() -> None:
    """Measure both ways and print them side by side."""
    with tempfile.TemporaryDirectory() as name, s3(Path(name)) as server, Proxy(server.port) as proxy:
        shards, clips = (measure(files, Path(name, str(files)), proxy) for files in (SHARDS, CLIPS))
    for what, few in shards.items():
        many = clips[what]
        print(f"{what}: {few:.4g} for {SHARDS} shards, {many:.4g} for {CLIPS} files, {many / few:.1f} times")


if __name__ == "__main__":
    run(main)
