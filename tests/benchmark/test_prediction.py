"""The measurement of prediction, once, on the smallest network: what it prints, not how long it took."""

import re
import subprocess
import sys
from pathlib import Path

from benchmark.prediction import PAGE
from speech_emotion.model.checkpoint import save_model
from tests.predict.tiny import export_tiny, tiny_model
from tests.workspace import ROOT
from tools.report.pages import render


def test_ratios_are_to_the_first_way_in_the_processors_time() -> None:
    figures = {"times_ms": {"ours": (10.0, 8.0), "theirs, padded": (90.0, 20.0)}, "clip_s": 3.0, "recording": None}
    figures |= {"processor": "one", "cores": 2, "backbone": "tiny", "sha256": "0" * 64, "sizes_mb": {}}
    page = render(PAGE, figures | {"first_s": 0.5, "first_mb": 90.0, "minutes": 0})
    rows = re.findall(r"^\| (.+?) \| [\d.]+ ms \| [\d.]+ ms \| ([\d.]+) \|$", page, re.MULTILINE)
    assert rows == [("ours", "1.0"), ("theirs, padded", "2.5")]
    assert "minutes" not in page


def test_every_way_is_measured_on_a_model(tmp_path: Path) -> None:
    export_tiny(tmp_path)
    save_model(tmp_path / "all.safetensors", tiny_model())
    command = [sys.executable, "-m", "benchmark.prediction", "--models", tmp_path]
    command += ["--trained", tmp_path / "all.safetensors", "--page", tmp_path / "speed.md"]
    command += ["--runs", "1", "--minutes", "1"]
    ended = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stderr
    ways = re.findall(r"^\| (.+?) \| [\d.]+ ms \| [\d.]+ ms \| ([\d.]+) \|$", ended.stdout, re.MULTILINE)
    assert [way for way, _ in ways][:5] == [
        "int8 file, front end inside",
        "the same with voice activity and trimming",
        "float32 file",
        "torch, cut to the clip",
        "torch, 30 s",
    ]
    assert ways[0][1] == "1.0"
    assert re.search(r"^- Start of Python to the first answer: [\d.]+ s, \d+ MB at most\.$", ended.stdout, re.MULTILINE)
    assert re.search(r"^- 1 minutes of speech .*: \d+ s, \d+ s of .*, \d+ MB at most", ended.stdout, re.MULTILINE)
    assert re.search(r"^- `emotion\.int8\.onnx`: [\d.]+ MB", ended.stdout, re.MULTILINE)
    assert "transformers" in ended.stdout
    assert ended.stdout.endswith((tmp_path / "speed.md").read_text(encoding="utf-8") + "\n")
