"""Where to compute."""

import torch


def best_device() -> torch.device:
    """Return the GPU if there is one that torch can use, else the CPU."""
    return torch.device("cuda" if torch.cuda.is_available() else "cpu")
