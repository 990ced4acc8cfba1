"""The measurement of prediction, once, on the smallest network: what it prints, not how long it took."""

import re
import subprocess
import sys
from pathlib import Path

from benchmark.prediction import table
from speech_emotion.model.checkpoint import save_model
from tests.predict.tiny import export_tiny, tiny_model
from tests.workspace import ROOT


def test_ratios_are_to_the_first_way_in_the_processors_time() -> None:
    lines = table({"ours": (10.0, 8.0), "theirs, padded": (90.0, 20.0)}).splitlines()
    assert [line.split("  ")[0].strip() for line in lines] == ["ours", "theirs, padded"]
    assert [line.split()[-2] for line in lines] == ["1.0", "2.5"]


def test_every_way_is_measured_on_a_model(tmp_path: Path) -> None:
    export_tiny(tmp_path)
    save_model(tmp_path / "all.safetensors", tiny_model())
    command = [sys.executable, "-m", "benchmark.prediction", "--models", tmp_path]
    command += ["--trained", tmp_path / "all.safetensors", "--page", tmp_path / "speed.md"]
    command += ["--runs", "1", "--minutes", "1"]
    ended = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stderr
    ways = re.findall(r"^(.+?) {2,}[\d.]+ ms +[\d.]+ ms +([\d.]+) times$", ended.stdout, re.M)
    assert [way for way, _ in ways][:5] == [
        "int8 file, front end inside",
        "the same with voice activity and trimming",
        "float32 file",
        "torch, cut to the clip",
        "torch, 30 s",
    ]
    assert float(ways[0][1]) == 1.0
    assert re.search(r"start of Python to the first answer: [\d.]+ s, \d+ MB at most", ended.stdout)
    assert re.search(r"1 minutes of speech: [\d.]+ s, [\d.]+ s of the processor's, \d+ MB at most", ended.stdout)
    page = (tmp_path / "speed.md").read_text(encoding="utf-8")
    assert re.search(r"^\| int8 file, front end inside \| \d+ ms \| \d+ ms \| 1\.0 \|$", page, re.MULTILINE)
    assert re.search(r"^- 1 minutes of speech .*: \d+ s, ", page, re.MULTILINE)
    assert re.search(r"cores of\n.*\. Milliseconds", page)
    assert "transformers" in page
