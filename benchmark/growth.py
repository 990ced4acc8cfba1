"""Time and memory of the stages by the number of clips: `SPEECH_CORPORA=... python -m benchmark.growth`.

Made-up speech (`made_up_speech`) of ever more speakers goes through the stages in a project of its own, which is
deleted after. The networks are the smallest: what grows with the clips is asked, and not what a network costs.
"""

import argparse
import json
import os
import shutil
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import yaml

from benchmark.growth_page import write_page
from benchmark.made_up_speech import name, write_corpus
from benchmark.measuring import Cost, measure
from demo.workspace import Workspace
from speech_emotion.core.command import run
from speech_emotion.core.errors import PipelineError
from speech_emotion.core.files import write_text
from speech_emotion.core.progress import tell
from speech_emotion.fetching.mirror import VARIABLE
from speech_emotion.own_voices import dag
from speech_emotion.shards import SUFFIX

CORPUS = "grown"
SOURCES = ("ravdess", "tess")
SPEAKERS = 8  # of the base; twice as many clips are twice as many speakers
SMALLEST = 3  # clips of each of as many speakers, whose time is that of the start
PARTS = ("train",) * 6 + ("valid", "test")  # of speakers in turn
REPEATED_S = 25  # what takes less is measured twice: the first run may have to read libraries from disk
RESULTS = Path("metrics/growth.json")
TINY: Mapping[str, Any] = {
    "image": {
        "backbone": {"name": "test_efficientnet", "weights": "none", "seed": 0},
        "low": {"image_size": 32, "frozen_epochs": 0, "epochs": 1, "shares": {}},
    },
    "speech": {
        "backbone": {"name": "whisper-test", "weights": "none", "revision": "none", "seed": 0},
        "training": {"shares": {}},
        "head": {"frozen_epochs": 1, "epochs": 0},
    },
}
FIRST = {"image": "low", "speech": "head"}


def main(argv: Sequence[str] | None = None) -> None:
    """Measure each size that has no figures yet, write the figures and the page."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("factors", type=int, nargs="*", default=[1, 10, 100], help="sizes, in multiples of the base")
    parser.add_argument("--base", type=int, default=424, help="clips, a tenth of RAVDESS and TESS")
    args = parser.parse_args(argv)
    each = args.base // SPEAKERS
    wanted = [(SPEAKERS, SMALLEST), *((SPEAKERS * factor, each) for factor in args.factors)]
    results = _read()
    for speakers, clips in wanted:
        if speakers * clips not in [size["clips"] for size in results["sizes"]]:
            results["sizes"] += [measured(_corpora(), speakers=speakers, clips=clips)]
            results["sizes"].sort(key=lambda size: int(size["clips"]))
            write_text(RESULTS, json.dumps(results, indent=1) + "\n")
    write_page(results, Path("docs/growth.md"), Path("docs/growth.png"))


def _read() -> dict[str, Any]:
    """Return the figures that are there; to measure anew, delete their file."""
    if not RESULTS.exists():
        return {"cores": os.cpu_count(), "sizes": []}
    results: dict[str, Any] = json.loads(RESULTS.read_text(encoding="utf-8"))
    return results


def _corpora() -> list[Path]:
    folders = [path for path in Path(os.environ.get(VARIABLE, "absent")).glob("*/") if path.name in SOURCES]
    if not folders:
        raise PipelineError(f"{VARIABLE}: names no folder with ravdess and tess; the made-up speech is made of them")
    return sorted(folders)


def measured(corpora: Sequence[Path], *, speakers: int, clips: int) -> dict[str, Any]:
    """Return the cost of each step on a corpus of so many `speakers` of so many `clips` each, and how many files came.

    Raises:
        PipelineError: a step failed.
    """
    corpora = [corpus.absolute() for corpus in corpora]
    with tempfile.TemporaryDirectory(prefix="growth-") as folder:
        root = Path(folder, "project")
        tell(f"{speakers * clips} clips of {speakers} speakers: written below {root}")
        _create(root, speakers)
        write_corpus(root / "data/raw" / CORPUS, corpora, speakers=speakers, clips=clips)
        costs = {}
        for step, command in steps().items():
            costs[step] = _cost(command, root, once=step.startswith("dvc"))
            took = costs[step]
            tell(f"{step}: {took.wall_s:.1f} s, {took.cpu_s:.1f} s of the processor's, {took.memory_mb:.0f} MB")
        pushed = sum(path.is_file() for path in Path(folder, "remote").rglob("*"))
        shards = len(list((root / "data/spectrograms").rglob(f"*{SUFFIX}")))
    return {
        "clips": speakers * clips,
        "speakers": speakers,
        "costs": {step: asdict(cost) for step, cost in costs.items()},
        "shards": shards,
        "pushed": pushed,  # files
    }


def steps() -> dict[str, list[str]]:
    """Return the command of each step, in order."""
    stages = {
        "labels": f"labels data/raw/{CORPUS} data/labels.csv",
        "split": "split data/labels.csv data/split.csv",
    }
    for encoder, training in FIRST.items():
        shards, models = f"data/spectrograms/{encoder}/{CORPUS}", f"models/{encoder}"
        model = f"{models}/{training}.safetensors"
        stages |= {
            f"spectrograms, {encoder}": f"spectrograms {encoder} {CORPUS} data/raw/{CORPUS} {shards}",
            f"pretrained, {encoder}": f"pretrained {encoder} {models}/pretrained.safetensors",
            f"one epoch, {encoder}": f"finetune {encoder}.{training} data/split.csv {models}/pretrained.safetensors"
            f" {model} metrics/{encoder}/curve_{training}.csv {shards}",
            f"evaluate, {encoder}": f"evaluate data/split.csv data/labels.csv {model} {model} metrics/{encoder}"
            f" data/pictures/{encoder} {shards}",
        }
    ran = ["labels", "split", f"fetch@{CORPUS}", *(f"spectrograms@{encoder}-{CORPUS}" for encoder in FIRST)]
    commands = {step: [sys.executable, "-m", *f"stages.{command}".split()] for step, command in stages.items()}
    return commands | {
        step: [sys.executable, "-m", "dvc", *command.split()]
        for step, command in {
            "dvc commit": f"commit -q -f {' '.join(ran)}",
            "dvc status": f"status {' '.join(ran)}",
            "dvc push": f"push {' '.join(ran)}",
            "dvc repro, nothing to do": f"repro {' '.join(ran)}",
        }.items()
    }


def _cost(command: Sequence[str], root: Path, *, once: bool) -> Cost:
    environment = {key: value for key, value in os.environ.items() if not key.startswith(("SPEECH_", "DVC_"))}
    environment |= {"DVC_NO_ANALYTICS": "1", "DVC_SITE_CACHE_DIR": str(root.parent / "site_cache")}
    cost = measure(command, root, environment)
    if once or cost.wall_s > REPEATED_S:
        return cost
    again = measure(command, root, environment)
    return Cost(min(cost.wall_s, again.wall_s), min(cost.cpu_s, again.cpu_s), max(cost.memory_mb, again.memory_mb))


def _create(root: Path, speakers: int) -> None:
    Workspace(root).update()
    shutil.copyfile("params.yaml", root / "params.yaml")
    text = (root / "dvc.yaml").read_text(encoding="utf-8")
    before = dag.corpora(text)
    text = dag.with_corpus(text, CORPUS)
    for corpus in before:
        text = dag.without_corpus(text, corpus)
    write_text(root / "dvc.yaml", text)
    params = yaml.safe_load(Path("params.yaml").read_text(encoding="utf-8"))
    for encoder, sections in TINY.items():
        for section, values in sections.items():
            params[encoder][section] |= values
    params["corpora"] = {CORPUS: {"source": {"kind": "folder", "path": f"data/raw/{CORPUS}"}}}
    params["labels"] = {CORPUS: {}}
    lists: dict[str, list[str]] = {part: [] for part in PARTS}
    for speaker in range(speakers):
        lists[PARTS[speaker % len(PARTS)]].append(f"{CORPUS}/{name(speaker)}")
    params["split"] |= {"protocol": "speakers", "speakers": lists}
    write_text(root / "params.yaml", yaml.safe_dump(params))
    write_text(root / "data/manifests" / f"{CORPUS}.csv", "")  # `fetch` alone reads it
    config = f"[core]\n    remote = folder\n['remote \"folder\"']\n    url = {root.parent / 'remote'}\n"
    write_text(root / ".dvc" / "config.local", config)


if __name__ == "__main__":
    run(main)
