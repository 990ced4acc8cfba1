"""Temperature scaling: one number that makes a network's confidence mean what it says."""

import numpy as np
from numpy.typing import NDArray
from scipy.special import log_softmax

from speech_emotion.core.errors import PipelineError

# Beyond these a confidence is about 1 or 1/8 whatever the clip: a fit that wants more has nothing to fit.
LOWEST_TEMPERATURE, HIGHEST_TEMPERATURE = 0.05, 20.0


def calibrated(logits: NDArray[np.floating], temperature: float) -> NDArray[np.float64]:
    """Return probabilities `[clips, emotions]`: the softmax of `logits` divided by `temperature`."""
    return np.exp(_log_probabilities(logits, temperature))


def fit_temperature(logits: NDArray[np.floating], actual: NDArray[np.integer]) -> float:
    """Return the temperature with the lowest negative log-likelihood (Guo et al. 2017, section 4.2).

    It changes no prediction. Equal inputs give an equal temperature: the search has no random start.

    Args:
        logits: `[clips, emotions]`, of clips that the network was not trained on.
        actual: index of each clip's emotion, `[clips]`.

    Raises:
        ValueError: there are no clips, or the shapes disagree.
        PipelineError: a logit is not finite.
    """
    from scipy.optimize import minimize_scalar  # half a second that scoring need not pay

    if not np.isfinite(logits).all():
        raise PipelineError("temperature: the logits are not finite; train again at a lower learning rate")
    if logits.ndim != 2 or len(logits) == 0 or actual.shape != logits.shape[:1]:
        raise ValueError(f"logits {logits.shape} and actual {actual.shape}: need [clips, emotions] and [clips]")
    # On a log scale the likelihood is smooth and has one lowest point between the bounds.
    found = minimize_scalar(
        lambda log_temperature: _loss(logits, actual, float(np.exp(log_temperature))),
        bounds=(np.log(LOWEST_TEMPERATURE), np.log(HIGHEST_TEMPERATURE)),
        method="bounded",
    )
    return float(np.exp(found.x))


def _loss(logits: NDArray[np.floating], actual: NDArray[np.integer], temperature: float) -> float:
    return -float(_log_probabilities(logits, temperature)[np.arange(len(actual)), actual].mean())


def _log_probabilities(logits: NDArray[np.floating], temperature: float) -> NDArray[np.float64]:
    # float64: the last digits of a float32 softmax differ between machines, and what comes of it is written to files.
    return np.asarray(log_softmax(logits.astype(np.float64) / temperature, axis=1))
