"""Damaged recordings that are sent to the running page: an answer or one line, in time, in memory, in its folder.

`FUZZ_EXAMPLES=2000 python -m pytest tests/app/test_fuzz.py` sends 2,000 mutations of each format.
"""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest
from hypothesis import given
from websockets.sync.client import connect

from tests.fuzzing import LONGEST_S, MOST_MB, mutated, settled
from tests.test_fuzz import sound, video
from tests.workspace import ROOT

FORMATS = {"WAV": lambda: sound("WAV"), "FLAC": lambda: sound("FLAC"), "MP3": lambda: sound("MP3"), "MP4": video}


class Page:
    """The page's server, as `speech-emotion app` starts it, in a folder of its own."""

    def __init__(self, model: Path, folder: Path) -> None:
        self.folder, self.log = folder, folder.with_name("log")
        (folder / "temporary").mkdir(parents=True)
        command = [sys.executable, "-m", "speech_emotion.app", "--port", "0", "--model", str(model)]
        surroundings = os.environ | {"TMPDIR": str(folder / "temporary"), "PYTHONPATH": str(ROOT)}
        with self.log.open("w") as log:
            self.process = subprocess.Popen(
                command, stdout=subprocess.PIPE, stderr=log, text=True, cwd=folder, env=surroundings
            )
        assert self.process.stdout
        self.address = self.process.stdout.readline().split()[0].replace("http", "ws") + "/listen"
        self.usual_mb = self.memory_mb()

    def send(self, content: bytes) -> dict[str, Any]:
        """Return the message that ends the visit."""
        with connect(self.address, proxy=None, max_size=None) as visit:
            visit.send(json.dumps({"kind": "file", "name": "clip"}))
            visit.send(content)
            visit.send("end")
            while (message := json.loads(visit.recv(12 * LONGEST_S)))["kind"] == "progress":
                pass
        return dict(message)

    def processor_s(self) -> float:
        times = psutil.Process(self.process.pid).cpu_times()
        return float(times.user + times.system)

    def memory_mb(self) -> float:
        lines = Path(f"/proc/{self.process.pid}/status").read_text().splitlines()
        return next(int(line.split()[1]) / 1024 for line in lines if line.startswith("VmHWM:"))

    def files(self) -> list[Path]:
        return sorted(self.folder.parent.rglob("*"))


@pytest.fixture
def page(model: Path, tmp_path: Path) -> Iterator[Page]:
    page = Page(model, tmp_path / "page")
    try:
        yield page
    finally:
        page.process.terminate()
        page.process.wait(10)
        assert page.process.stdout
        page.process.stdout.close()


@pytest.mark.parametrize("form", FORMATS)
def test_a_damaged_file_that_is_sent_is_answered_or_refused_in_one_line(page: Page, form: str) -> None:
    content = FORMATS[form]()
    assert page.send(content)["kind"] == "answer"
    files = page.files()

    @settled
    @given(mutated(content))
    def holds(changed: bytes) -> None:
        began_s = page.processor_s()
        message = page.send(changed)
        assert page.processor_s() - began_s < LONGEST_S
        assert message["kind"] in ("answer", "error")
        if message["kind"] == "error":
            assert message["text"].startswith("clip: ")
            assert len(message["text"]) < 2000
            assert not {"\n", "/"} & set(message["text"]), message
        assert page.files() == files
        assert page.memory_mb() < page.usual_mb + MOST_MB

    holds()
    assert page.log.read_text() == ""
    assert page.process.poll() is None
