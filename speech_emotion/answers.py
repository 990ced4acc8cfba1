"""What trained models say about the test clips beside them."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from speech_emotion.device import best_device
from speech_emotion.evaluation import Evaluation
from speech_emotion.inference import clip_logits
from speech_emotion.mel_settings import Mel
from speech_emotion.model import load_model
from speech_emotion.provenance import refuse_other_data
from speech_emotion.store import require_mels


def evaluate(
    clips: pd.DataFrame, mels: Mapping[str, Mel], low: Path, high: Path, present: Mapping[str, str]
) -> Evaluation:
    """Ask the low- and the high-resolution model about every test clip.

    Args:
        clips: columns `clip`, `corpus`, `speaker`, `emotion`; one row a test clip.
        mels: spectrogram of each clip, uint8 `[n_mels, frames]`.
        low: model of stage one.
        high: model of stage two, with its temperature.
        present: md5s of the split and shards that `clips` and `mels` come from (`provenance.file_md5s`).

    Raises:
        PipelineError: a clip has no spectrogram; a model cannot be read, or was not trained on the data beside it.
    """
    require_mels(clips["clip"], mels)
    low_logits, _ = _answer(low, clips, mels, present)
    high_logits, temperature = _answer(high, clips, mels, present)
    return Evaluation(clips=clips, low_logits=low_logits, high_logits=high_logits, temperature=temperature)


def _answer(
    path: Path, clips: pd.DataFrame, mels: Mapping[str, Mel], present: Mapping[str, str]
) -> tuple[NDArray[np.float32], float]:
    network, description = load_model(path)
    refuse_other_data(path, description.trained_on, present)
    logits = clip_logits(network, description, [mels[clip] for clip in clips["clip"]], device=best_device())
    return logits, description.temperature
