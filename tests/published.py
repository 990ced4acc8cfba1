"""The clips that the published corpora have, off their manifests, and the corpora themselves where they are at hand."""

import csv
import os
from pathlib import Path

import pytest

from speech_emotion.corpora.catalogue import PUBLISHED
from speech_emotion.corpora.clip import Clip

ROOT = Path(__file__).parent.parent


def published_clips(corpus: str) -> list[Clip]:
    with (ROOT / "data" / "manifests" / f"{corpus}.csv").open(newline="", encoding="utf-8") as lines:
        return [PUBLISHED[corpus].parse(row["clip"].split("/")[-1]) for row in csv.DictReader(lines)]


def real_corpora() -> Path:
    named = os.environ.get("SPEECH_CORPORA")
    if not named:
        pytest.skip("needs the real corpora: set SPEECH_CORPORA to a folder with ravdess/ and tess/")
    return ROOT / named
