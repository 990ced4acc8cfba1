"""Real servers on loopback for the remote tests: each on a free port, stopped by its own process id."""

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

import botocore.session
import psutil
import pytest
import yaml

BIN = Path(sys.executable).parent
SSHD = Path("/usr/sbin/sshd")
START_S, STOP_S = 30, 5
BUCKET, USER, SECRET = "team", "tester", "a-long-secret"


@dataclass(frozen=True)
class Server:
    """A running server, and what `docs/remotes.md` has examples for: text of a recipe -> what it is here."""

    pid: int
    port: int
    recipe: str
    examples: Mapping[str, str] = field(default_factory=dict)


def free_port() -> int:
    with closing(socket.create_server(("127.0.0.1", 0))) as listener:
        return int(listener.getsockname()[1])


@contextmanager
def running(command: Sequence[object], port: int, log: Path, **environment: str) -> Iterator[int]:
    """Start `command`, yield its process id once `port` answers, and stop it with all its children."""
    with log.open("wb") as output:
        process = subprocess.Popen(
            [str(part) for part in command], stdout=output, stderr=output, env={**os.environ, **environment}
        )
    try:
        _wait_until_it_answers(process, port, log)
        yield process.pid
    finally:
        _stop(process)


def _wait_until_it_answers(process: "subprocess.Popen[bytes]", port: int, log: Path) -> None:
    deadline = time.monotonic() + START_S
    while process.poll() is None and time.monotonic() < deadline:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.05)
    raise RuntimeError(f"{process.args!r} did not start:\n{log.read_text(errors='replace')[-2000:]}")


def _stop(process: "subprocess.Popen[bytes]") -> None:
    # sshd has a process a connection, which its end would leave behind.
    family = psutil.Process(process.pid).children(recursive=True) if process.poll() is None else []
    process.terminate()
    for child in family:
        with suppress(psutil.NoSuchProcess):
            child.terminate()
    try:
        process.wait(STOP_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
    for child in psutil.wait_procs(family, STOP_S)[1]:
        with suppress(psutil.NoSuchProcess):
            child.kill()
    psutil.wait_procs(family, STOP_S)


@contextmanager
def s3(folder: Path) -> Iterator[Server]:
    """MinIO's gateway code over a folder, with one bucket."""
    port, meta = free_port(), f"sqlite3://{folder}/meta.db"
    store = ["format", "--storage", "file", "--bucket", f"{folder}/objects/", meta, "tests"]
    subprocess.run([str(BIN / "juicefs"), *store], check=True, capture_output=True)
    # Without an address of its own, a second gateway's metrics would look for the first one's port.
    gateway = [BIN / "juicefs", "gateway", "--no-usage-report", "--no-banner", "--multi-buckets", "--keep-etag"]
    places = ["--metrics", "127.0.0.1:0", "--log", folder / "gateway.log", "--cache-dir", folder / "cache"]
    keys = {"MINIO_ROOT_USER": USER, "MINIO_ROOT_PASSWORD": SECRET}
    with running([*gateway, *places, meta, f"127.0.0.1:{port}"], port, folder / "server.log", **keys) as pid:
        endpoint = f"http://127.0.0.1:{port}"
        _make_bucket(endpoint)
        examples = {"my-bucket": BUCKET, "https://s3.example.org": endpoint, "KEY": USER, "SECRET": SECRET}
        yield Server(pid, port, "S3", examples)


def _make_bucket(endpoint: str) -> None:
    client = botocore.session.get_session().create_client(
        "s3",
        endpoint_url=endpoint,
        region_name="us-east-1",
        aws_access_key_id=USER,
        aws_secret_access_key=SECRET,
    )
    client.create_bucket(Bucket=BUCKET)


SSHD_CONFIG = """\
Port {port}
ListenAddress 127.0.0.1
HostKey {folder}/host
AuthorizedKeysFile {folder}/user.pub
PidFile {folder}/sshd.pid
UsePAM no
StrictModes no
MaxStartups 100
MaxSessions 100
Subsystem sftp internal-sftp
"""


@contextmanager
def ssh(folder: Path) -> Iterator[Server]:
    """OpenSSH's server with one key. Skips the test where it is not installed."""
    if not SSHD.exists():
        pytest.skip(f"{SSHD} is not there: install openssh-server")
    port, data, config = free_port(), folder / "data", folder / "sshd_config"
    data.mkdir()
    for name in ("host", "user"):
        key = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", folder / name]
        subprocess.run([str(part) for part in key], check=True)
    config.write_text(SSHD_CONFIG.format(port=port, folder=folder))
    if os.getuid() == 0:
        Path("/run/sshd").mkdir(exist_ok=True)
    with running([SSHD, "-D", "-e", "-f", config], port, folder / "server.log") as pid:
        place = f"{psutil.Process().username()}@127.0.0.1:{port}{data}"
        key_file = str(folder / "user")
        yield Server(pid, port, "SSH", {"me@server.example.org/srv": place, "~/.ssh/id_ed25519": key_file})


@contextmanager
def webdav(folder: Path) -> Iterator[Server]:
    """WsgiDAV with one user; the remote's base folder exists, as it must."""
    port, data, config = free_port(), folder / "data", folder / "wsgidav.yaml"
    (data / "speech-emotion").mkdir(parents=True)
    settings = {
        "host": "127.0.0.1",
        "port": port,
        "provider_mapping": {"/": str(data)},
        "simple_dc": {"user_mapping": {"*": {USER: {"password": SECRET}}}},
        "verbose": 1,
    }
    config.write_text(yaml.safe_dump(settings))
    with running([BIN / "wsgidav", "--config", config], port, folder / "server.log") as pid:
        place = f"webdav://127.0.0.1:{port}"
        yield Server(pid, port, "WebDAV", {"webdavs://dav.example.org": place, "me": USER, "SECRET": SECRET})


@contextmanager
def http(folder: Path) -> Iterator[Server]:
    """A web server over `folder/speech-emotion`, which something else fills."""
    port = free_port()
    command = [sys.executable, "-m", "http.server", port, "--bind", "127.0.0.1", "--directory", folder]
    with running(command, port, folder / "server.log") as pid:
        yield Server(pid, port, "HTTP", {"https://data.example.org": f"http://127.0.0.1:{port}"})
