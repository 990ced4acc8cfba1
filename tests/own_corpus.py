"""A third corpus, with names, label words and speakers unlike the published ones."""

import csv
from collections.abc import Mapping
from itertools import product
from pathlib import Path
from typing import Any

from speech_emotion.fetching.manifest import main as write_manifest
from tests.small_corpora import tone, write_clip

CORPUS = "szene"
WORDS = {"ruhig": "calm", "freude": "happy", "Wut": "angry", "neutral": "neutral"}
LABELS = [text for word, emotion in WORDS.items() for text in ("--label", f"{word}={emotion}")]
SPEAKERS = {"Anna B": "female", "Jörg": "male", "mira": "female", "tom": "male"}
PARAMS: Mapping[str, Any] = {
    f"corpora.{CORPUS}": {"source": {"kind": "folder", "path": f"../corpora/{CORPUS}"}},
    # `neutral` is one of the eight and needs no line.
    f"labels.{CORPUS}": {word: emotion for word, emotion in WORDS.items() if word != emotion},
}
SPLIT = {
    "train": [f"{CORPUS}/Anna B", f"{CORPUS}/Jörg"],
    "valid": [f"{CORPUS}/mira"],
    "test": [f"{CORPUS}/tom"],
}
CLIPS = 2 * len(SPEAKERS) * len(WORDS)


def write_own_corpus(corpora: Path, *, duration_s: float = 0.5) -> Path:
    """Write the clips and their table to `corpora/szene`, as a user would, and return that folder.

    File names are numbers, the same for each speaker, in folders that are nested; a recording of `tom` is stereo.
    """
    folder = corpora / CORPUS
    rows = []
    for place, (speaker, word, take) in enumerate(product(SPEAKERS, WORDS, (1, 2))):
        path = f"{'women' if SPEAKERS[speaker] == 'female' else 'men'}/{speaker}/{word}.{take}.wav"
        channels = 2 if (speaker, take) == ("tom", 1) else 1
        write_clip(folder / path, tone(700 + 10 * place, 16000, channels=channels, duration_s=duration_s))
        rows.append((path, word, speaker, SPEAKERS[speaker], "strong" if take == 2 else "", f"Satz {take}"))
    with (folder / "clips.csv").open("w", encoding="utf-8", newline="") as table:
        csv.writer(table).writerows([("path", "emotion", "speaker", "sex", "intensity", "text"), *rows])
    return folder


def describe_own_corpus(corpora: Path, manifests: Path) -> Path:
    """Write the manifest of the corpus to the folder `manifests`, as a user would, and return it."""
    manifest = manifests / f"{CORPUS}.csv"
    write_manifest([str(corpora / CORPUS), str(manifest)])
    return manifest
