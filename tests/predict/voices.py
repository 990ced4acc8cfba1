"""Synthetic voices of the demo, as waveforms."""

import io
import zipfile
from functools import cache

import numpy as np
import soundfile
from numpy.typing import NDArray

from tests.workspace import ROOT


@cache
def demo_voice(number: int = 0) -> tuple[NDArray[np.float32], int]:
    """Return waveform `[samples]` and sample rate of one of the demo's RAVDESS clips. Change nothing in it."""
    with zipfile.ZipFile(ROOT / "demo" / "ravdess.zip") as archive:
        name = sorted(name for name in archive.namelist() if name.endswith(".flac"))[number]
        waveform, sample_rate = soundfile.read(io.BytesIO(archive.read(name)), dtype="float32")
    return waveform, sample_rate
