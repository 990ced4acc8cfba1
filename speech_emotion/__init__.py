"""Emotion in a voice: clips to log-mel spectrograms to a fine-tuned network, and that network's answers."""

import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from speech_emotion.predict.predictor import Predictor

# onnxruntime (1.29 and later) tells its maker of every model that it loads, unless this is set before it is imported.
os.environ["ORT_DISABLE_TELEMETRY"] = "1"

__all__ = ["Predictor"]


def __getattr__(name: str) -> object:
    """Import what is public when it is asked for: the pipeline's stages need none of it."""
    if name not in __all__:
        raise AttributeError(f"module '{__name__}' has no attribute '{name}'")
    from speech_emotion.predict import predictor

    return getattr(predictor, name)
