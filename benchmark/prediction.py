"""Time and memory of prediction beside what people would run instead: `python -m benchmark.prediction --page FILE`.

One run measures all of it, so that the ratios mean something where the milliseconds depend on the machine. What is
asked about are the demo's voices.
"""

import argparse
import io
import os
import platform
import re
import subprocess
import sys
import tempfile
import time
import zipfile
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path
from statistics import median

os.environ |= {"OMP_NUM_THREADS": "1", "HF_HUB_OFFLINE": "1"}  # before the libraries are loaded

import numpy as np
import soundfile
import torch

from benchmark.measuring import Cost, measure
from speech_emotion.audio import Waveform, to_mono
from speech_emotion.core.command import run
from speech_emotion.core.errors import PipelineError
from speech_emotion.core.files import write_text
from speech_emotion.core.progress import tell
from speech_emotion.encoders import protocol
from speech_emotion.model.checkpoint import Model, load_model
from speech_emotion.model.inference import clip_logits
from speech_emotion.predict.predictor import Predictor
from speech_emotion.predict.session import RELEASED, ExportedModel, cores
from tools.report.pages import render

PAGE = Path(__file__).with_name("prediction.md.j2")
RATE_HZ = 16_000
CLIP_S, PADDED_S = 3.0, 30.0
FIRST_ANSWER = """
import sys
from pathlib import Path
import soundfile
from speech_emotion import Predictor
if not Predictor(Path(sys.argv[1]))(*soundfile.read(sys.argv[2])).speech:
    sys.exit("no speech")
print(*(line.split()[1] for line in open("/proc/self/status") if line.startswith("VmHWM")))
"""


def main() -> None:
    """Measure, print and write a page."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--models", type=Path, default=Path("models"), help="folder that the stage `export` wrote to")
    parser.add_argument("--trained", type=Path, default=Path("models/speech/all.safetensors"))
    parser.add_argument("--runs", type=int, default=20, help="of each way; the median counts")
    parser.add_argument("--minutes", type=int, default=60, help="of the long recording; 0 for none")
    parser.add_argument("--page", type=Path, help="Markdown to write, too")
    args = parser.parse_args()
    torch.set_num_threads(1)
    waveform = spoken_minute()[: round(CLIP_S * RATE_HZ)]
    small, large = (args.models / f"emotion{form}.onnx" for form in (".int8", ""))
    if RELEASED.exists() and small.read_bytes() == RELEASED.read_bytes():
        small = RELEASED  # other files' answers get memory with a limit, and take more of it
    model = load_model(args.trained)
    times_ms = {}
    for way, ask in _ways(small, large, model, waveform).items():
        tell(way)
        times_ms[way] = milliseconds(ask, args.runs)
    first_s, first_mb = first_answer(small, waveform)
    tell(f"{args.minutes} minutes of speech")
    figures = {
        "processor": processor(),
        "cores": cores(),
        "backbone": model.description.backbone,
        "sha256": sha256(small.read_bytes()).hexdigest(),
        "sizes_mb": {path.name: path.stat().st_size / 1e6 for path in (small, large)},
        "clip_s": CLIP_S,
        "times_ms": times_ms,
        "first_s": first_s,
        "first_mb": first_mb,
        "minutes": args.minutes,
        "recording": long_recording(small, args.minutes) if args.minutes else None,
    }
    print(text := render(PAGE, figures))
    if args.page:
        write_text(args.page, text)


def processor() -> str:
    """Return the name of the processor, and, of x86, whether it has instructions for 8-bit products (VNNI)."""
    described = Path("/proc/cpuinfo").read_text(encoding="utf-8")
    fields: dict[str, str] = dict(re.findall(r"^(model name|flags)\s*: (.*)$", described, re.MULTILINE))
    vnni = f" {'with' if 'vnni' in fields['flags'] else 'without'} VNNI" if "flags" in fields else ""
    return fields.get("model name", platform.machine()) + vnni


def milliseconds(ask: Callable[[], object], runs: int) -> tuple[float, float]:
    """Return the medians of the time that `ask` takes, and of the processor's, after one that pays for caches.

    Where other programs are at work, the second says more.
    """
    ask()
    passed, took = [], []
    for _ in range(runs):
        began, began_cpu = time.perf_counter(), time.process_time()
        ask()
        passed.append(1000 * (time.perf_counter() - began))
        took.append(1000 * (time.process_time() - began_cpu))
    return median(passed), median(took)


def first_answer(model: Path, waveform: Waveform) -> tuple[float, float]:
    """Return seconds and megabytes of a new process that reads a WAV and answers about it.

    Raises:
        PipelineError: it failed.
    """
    with tempfile.TemporaryDirectory() as folder:
        soundfile.write(clip := Path(folder, "clip.wav"), waveform, RATE_HZ)
        began = time.perf_counter()
        ended = subprocess.run([sys.executable, "-c", FIRST_ANSWER, model, clip], capture_output=True, text=True)
        took_s = time.perf_counter() - began
    if ended.returncode:
        raise PipelineError(f"{model}: gave no answer in a process of its own: {ended.stderr.strip()}")
    return took_s, int(ended.stdout) / 1024


def long_recording(model: Path, minutes: int) -> Cost:
    """Return the cost of `predict --timeline` for a recording without pauses, on all cores."""
    environment = {name: value for name, value in os.environ.items() if name != "OMP_NUM_THREADS"}
    with tempfile.TemporaryDirectory() as folder:
        with soundfile.SoundFile(path := Path(folder, "speech.wav"), "w", RATE_HZ, 1) as file:
            for _ in range(minutes):
                file.write(spoken_minute())
        command = [sys.executable, "-m", "speech_emotion.cli", "predict", "--timeline", "--csv", str(path)]
        return measure([*command, "--model", str(model)], Path.cwd(), environment)


def spoken_minute() -> Waveform:
    """Return a minute of the demo's voices at 16 kHz."""
    with zipfile.ZipFile("demo/ravdess.zip") as archive:
        names = sorted(name for name in archive.namelist() if name.endswith(".flac"))[:40]
        clips = [soundfile.read(io.BytesIO(archive.read(name)), dtype="float32", always_2d=True) for name in names]
    return np.resize(np.concatenate([to_mono(samples, rate, RATE_HZ) for samples, rate in clips]), 60 * RATE_HZ)


def _ways(int8: Path, float32: Path, model: Model, waveform: Waveform) -> dict[str, Callable[[], object]]:
    small, large, predictor = ExportedModel(int8), ExportedModel(float32), Predictor(int8)
    front_end, described = protocol.frontend(model.description.encoder), model.description
    padded = np.pad(waveform, (0, round((PADDED_S - CLIP_S) * RATE_HZ)))

    def through_torch(samples: Waveform) -> object:
        return clip_logits(model, [front_end.log_mel(samples[:, None], RATE_HZ, described.frontend)])

    ways: dict[str, Callable[[], object]] = {
        "int8 file, front end inside": lambda: small(waveform),
        "the same with voice activity and trimming": lambda: predictor(waveform, RATE_HZ),
        "float32 file": lambda: large(waveform),
        "torch, cut to the clip": lambda: through_torch(waveform),
        f"torch, {PADDED_S:g} s": lambda: through_torch(np.resize(waveform, padded.shape)),
    }
    return ways | _transformers(described.backbone, padded)


def _transformers(backbone: str, padded: Waveform) -> dict[str, Callable[[], object]]:
    """Return the encoder as transformers runs it, on random weights: they cost the same. Empty if not installed."""
    try:
        from transformers import WhisperConfig, WhisperFeatureExtractor
        from transformers.models.whisper.modeling_whisper import WhisperEncoder
    except ImportError:
        print("transformers is not installed, so that it is not measured\n", file=sys.stderr)
        return {}
    from speech_emotion.encoders.speech.network import SIZES

    size = SIZES[backbone]
    config = WhisperConfig(
        d_model=size.width,
        encoder_layers=size.layers,
        encoder_attention_heads=size.width // 64,
        encoder_ffn_dim=4 * size.width,
        num_mel_bins=size.mels,
    )
    encoder, extractor = WhisperEncoder(config).eval(), WhisperFeatureExtractor(feature_size=size.mels)

    def ask() -> object:
        with torch.inference_mode():
            return encoder(extractor(padded, sampling_rate=RATE_HZ, return_tensors="pt").input_features)

    return {f"transformers, padded to {PADDED_S:g} s, without a head": ask}


if __name__ == "__main__":
    run(main)
