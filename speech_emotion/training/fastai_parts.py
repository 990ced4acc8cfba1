"""What training uses of fastai, imported without the one warning that this costs."""

import warnings

# fastai decorates with torch.jit.script at import; that torch will drop it one day is no news for our users.
warnings.filterwarnings("ignore", message=".*torch.jit.script.* is deprecated")

from fastai.callback.channelslast import ChannelsLast  # noqa: E402
from fastai.callback.fp16 import AMPMode, MixedPrecision  # noqa: E402
from fastai.callback.mixup import MixUp  # noqa: E402
from fastai.callback.progress import ProgressCallback  # noqa: E402 (in every Learner from now on)
from fastai.callback.schedule import Learner  # noqa: E402 (with fit_one_cycle)
from fastai.data.core import DataLoaders  # noqa: E402
from fastai.data.load import DataLoader  # noqa: E402
from fastai.learner import Callback, CancelFitException  # noqa: E402
from fastai.losses import CrossEntropyLossFlat  # noqa: E402
from fastai.metrics import accuracy  # noqa: E402
from fastai.optimizer import OptimWrapper  # noqa: E402
from fastai.torch_core import set_seed  # noqa: E402

__all__ = [
    "AMPMode",
    "Callback",
    "CancelFitException",
    "ChannelsLast",
    "CrossEntropyLossFlat",
    "DataLoader",
    "DataLoaders",
    "Learner",
    "MixUp",
    "MixedPrecision",
    "OptimWrapper",
    "ProgressCallback",
    "accuracy",
    "set_seed",
]
