"""Late fusion: a weighted mean of two systems' calibrated log probabilities.

Kittler et al. 1998, doi:10.1109/34.667881. `L` clips; log probabilities and logits are `[L, emotions]`.
"""

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.special import log_softmax

Logits = NDArray[np.floating]

WEIGHTS = np.linspace(0, 1, 21)  # of the first system
BOTH, NEITHER = "both", "neither"


def log_probabilities(logits: Logits, temperature: float = 1.0) -> NDArray[np.float64]:
    """Return calibrated log probabilities."""
    return np.asarray(log_softmax(logits.astype(np.float64) / temperature, axis=1))


def mixed(first: Logits, second: Logits, weight: float) -> NDArray[np.float64]:
    """Return logits in which the log probabilities of the first system weigh `weight`, of 1."""
    return np.asarray(weight * first + (1 - weight) * second)


def fit_weight(first: Logits, second: Logits, actual: NDArray[np.integer]) -> float:
    """Return the weight under which the `actual` emotions `[L]` of clips that neither trained on are most likely."""

    def likelihood(weight: float) -> float:
        return float(log_softmax(mixed(first, second, weight), axis=1)[np.arange(len(actual)), actual].sum())

    return float(max(WEIGHTS, key=likelihood))


def who_is_right(first: pd.DataFrame, second: pd.DataFrame, names: tuple[str, str]) -> pd.DataFrame:
    """Return how many clips both name right, one alone, or neither: `emotion`, `intensity`, `right`, `clips`.

    Args:
        first: answers of the first system, columns `clip`, `intensity`, `actual`, `predicted`, one row a clip.
        second: those of the second, of the same clips.
        names: of both systems.
    """
    answers = first.merge(second[["clip", "predicted"]], on="clip", suffixes=("", "_by_second"), validate="1:1")
    by_first, by_second = (answers[column] == answers["actual"] for column in ("predicted", "predicted_by_second"))
    outcomes = [by_first & by_second, by_first & ~by_second, ~by_first & by_second]
    right = np.select(outcomes, [BOTH, *(f"{name} alone" for name in names)], default=NEITHER)
    counted = answers.assign(right=right, emotion=answers["actual"]).groupby(["emotion", "intensity", "right"])
    return counted.size().rename("clips").reset_index()
