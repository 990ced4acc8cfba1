"""The command `speech-emotion app`, and what a Space is made of."""

import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
from contextlib import ExitStack
from pathlib import Path

import numpy as np
import psutil
import pytest
import soundfile
import yaml
from websockets.sync.client import ClientConnection, connect

from speech_emotion import cli
from tests.app.loudness import voice
from tests.predict.test_predictor import HEAVY
from tests.workspace import ROOT, copy_project

VISITORS = 4
SPACE = ROOT / "space"


def start(model: Path, *options: str, **environment: str) -> tuple["subprocess.Popen[str]", str]:
    command = [sys.executable, "-m", "speech_emotion.app", "--port", "0", "--model", str(model), *options]
    server = subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=os.environ | environment
    )
    assert server.stdout
    return server, server.stdout.readline()


def listen(address: str) -> ClientConnection:
    return connect(address.replace("http", "ws") + "/listen", proxy=None)


def test_only_this_computer_reaches_it_and_ctrl_c_ends_it_quietly(model: Path) -> None:
    server, line = start(model)
    with server:
        assert re.fullmatch(r"http://127\.0\.0\.1:\d+  \(only this computer reaches it; Ctrl-C ends it\)\n", line)
        ports = {one.laddr.ip for one in psutil.Process(server.pid).net_connections() if one.status == "LISTEN"}
        assert ports == {"127.0.0.1"}
        with listen(line.split()[0]):  # a visitor does not hold it up
            server.send_signal(signal.SIGINT)
            assert server.wait(10) == 0
        assert server.stderr
        assert server.stderr.read() == ""


def test_another_host_says_who_reaches_it(model: Path) -> None:
    server, line = start(model, "--host", "0.0.0.0")
    with server:
        server.terminate()
    assert "other computers reach it" in line


def test_a_port_that_is_taken_is_one_line(model: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        assert cli.main(["app", "--model", str(model), "--port", port]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    said = "cannot be listened on (Address already in use); take another --host or --port"
    assert err == f"error: 127.0.0.1:{port}: {said}\n"


def test_without_a_model_one_line_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("speech_emotion.predict.predictor.RELEASED", absent := tmp_path / "emotion.int8.onnx")
    monkeypatch.setattr("speech_emotion.predict.session.RELEASED", absent)
    assert cli.main(["app"]) == 2
    [line] = capsys.readouterr().err.splitlines()
    assert "no model came along with this installation; name one with --model PATH" in line


def test_visitors_who_leave_in_the_middle_make_room(address: str, tmp_path: Path) -> None:
    soundfile.write(tmp_path / "long.flac", voice("sad", 1200)[0], 16_000)
    content = (tmp_path / "long.flac").read_bytes()
    for _ in range(VISITORS):
        with listen(address) as visit:
            visit.send(json.dumps({"kind": "file", "name": "long.flac"}))
            for start_byte in range(0, len(content), 1 << 19):
                visit.send(content[start_byte : start_byte + (1 << 19)])
            visit.send("end")
            assert json.loads(visit.recv())["kind"] == "progress"
    deadline = time.monotonic() + 10
    while (answer := greeted(address)) != "live":
        assert time.monotonic() < deadline, answer
        time.sleep(0.2)


def greeted(address: str) -> str:
    with listen(address) as visit:
        visit.send(json.dumps({"kind": "microphone", "sample_rate": 16_000}))
        visit.send((voice("sad", 1)[0] * 32767).astype("<i2").tobytes())
        return str(json.loads(visit.recv())["kind"])


def test_two_files_at_once_leave_standard_error_alone(model: Path, tmp_path: Path) -> None:
    # An MP3 decoder's own words are kept away by turning standard error away while it reads: of the whole process.
    server, line = start(model)
    with server, ExitStack() as stack:
        address, rubbish = line.split()[0], np.random.default_rng(0).bytes(200_000)
        visits = [stack.enter_context(listen(address)) for _ in range(VISITORS)]
        for visit in visits:
            visit.send(json.dumps({"kind": "file", "name": "x.mp3"}))
            visit.send(b"\xff\xfb\x90\x64" + rubbish)
        for visit in visits:
            visit.send("end")
        for visit in visits:
            assert json.loads(visit.recv())["kind"] in ("error", "progress")
        assert Path(f"/proc/{server.pid}/fd/2").readlink().name.startswith("pipe:")
        server.terminate()


def test_the_page_needs_the_installed_base_and_a_server_alone() -> None:
    code = (
        "import importlib, pkgutil, sys, speech_emotion.app as app\n"
        "[importlib.import_module(f'{app.__name__}.{one.name}') for one in pkgutil.iter_modules(app.__path__)"
        " if one.name != '__main__']\n"
        f"print([name for name in {HEAVY} if name in sys.modules])"
    )
    ended = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert ended.stdout == "[]\n"


def test_a_space_starts_what_it_says(model: Path, tmp_path: Path) -> None:
    described = yaml.safe_load((SPACE / "README.md").read_text(encoding="utf-8").split("---")[1])
    assert (described["sdk"], described["license"]) == ("docker", "cc-by-nc-sa-4.0")
    dockerfile = (SPACE / "Dockerfile").read_text(encoding="utf-8")
    command = json.loads(re.findall(r"^CMD (.*)$", dockerfile, re.MULTILINE)[-1])
    assert command[:2] == ["speech-emotion", "app"]
    assert command[2:] == ["--host", "0.0.0.0", "--port", str(described["app_port"])]
    project, installed = tmp_path / "project", tmp_path / "installed"
    copy_project(project)
    pip = [sys.executable, "-m", "pip", "install", "-q", "--disable-pip-version-check", "--no-deps"]
    subprocess.run([*pip, "--no-build-isolation", "--target", installed, project], check=True)
    page = {path.name for path in (installed / "speech_emotion" / "app" / "page").iterdir()}
    assert page == {path.name for path in (ROOT / "speech_emotion" / "app" / "page").iterdir()}
