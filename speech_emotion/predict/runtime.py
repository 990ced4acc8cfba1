"""onnxruntime on one thread, reporting to nobody."""

import os
from pathlib import Path

# Since version 1.29 it tells its maker of every model that it loads, unless this is set before it is imported.
os.environ["ORT_DISABLE_TELEMETRY"] = "1"

from onnxruntime import InferenceSession, SessionOptions

__all__ = ["InferenceSession", "session"]
QUIET = 3  # errors only: the runtime warns of inputs that have defaults


def session(model: Path | bytes) -> InferenceSession:
    """Return what answers for `model`, a file or its content. Several threads may ask at once.

    Raises:
        Exception: it cannot be loaded; the runtime's own exceptions have no class in common.
    """
    options = SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.log_severity_level = QUIET
    return InferenceSession(model, options, providers=["CPUExecutionProvider"])
