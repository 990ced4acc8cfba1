"""The description of an exported model."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from speech_emotion.adaptation import Reference
from speech_emotion.core.errors import PipelineError, one_line

FORMAT = 1
MOST = 1e6  # of any number that a description has, in its unit


@dataclass(frozen=True)
class Threshold:
    """The confidence below which an answer is `uncertain`, and what it gave where it was chosen."""

    confidence: float
    coverage: float  # share of the clips with an answer
    accuracy: float  # of these
    chosen_on: str


@dataclass(frozen=True)
class Description:
    """What the JSON file beside a model says."""

    encoder: str
    backbone: str
    emotions: tuple[str, ...]
    sample_rate_hz: int
    trim_db: float  # silence at both ends, below the loudest frame
    shortest_s: float  # of a waveform, trimmed
    longest_s: float
    temperature: float  # in the graph already
    reference: Reference  # of the training speakers' embeddings
    threshold: Threshold | None  # none: every answer counts
    files: Mapping[str, str]  # the model's forms: name of the file -> sha256
    made_of: Mapping[str, Any]  # settings, and md5s of the split and shards
    checks: Mapping[str, Any]  # what was measured before a release

    def to_json(self) -> str:
        """Return the content of the file; equal descriptions give equal text."""
        reference = {name: _rounded(getattr(self.reference, name)) for name in ("mean", "variance")}
        return json.dumps({"format": FORMAT, **asdict(self), "reference": reference}, indent=1, sort_keys=True) + "\n"


def read_description(path: Path) -> Description:
    """Return what `to_json` wrote.

    Raises:
        PipelineError: the file is missing, or is none.
    """
    try:
        fields = json.loads(path.read_text(encoding="utf-8"))
        if (version := fields.pop("format")) != FORMAT:
            raise ValueError(f"format {version}, this version reads {FORMAT}")
        known = {name: np.asarray(values, np.float64) for name, values in fields.pop("reference").items()}
        threshold = fields.pop("threshold")
        fields["emotions"] = tuple(fields["emotions"])
        described = Description(
            **fields, reference=Reference(**known), threshold=Threshold(**threshold) if threshold else None
        )
        _check(described)
        return described
    except (OSError, ValueError, TypeError, KeyError, AttributeError, OverflowError, RecursionError) as error:
        reason = getattr(error, "strerror", None) or one_line(error)
        raise PipelineError(
            f"{path}: is no description of a model ({reason}); name another, or export again"
        ) from error


def _check(described: Description) -> None:
    """Refuse, with a ValueError or a TypeError, values that would end in the middle of an answer."""
    kinds = {"encoder": str, "backbone": str, "sample_rate_hz": int, "files": dict, "made_of": dict, "checks": dict}
    for name, kind in kinds.items():
        if not isinstance(getattr(described, name), kind):
            raise ValueError(f"{name} is {getattr(described, name)!r}")
    for name in ("sample_rate_hz", "trim_db", "shortest_s", "longest_s", "temperature"):
        if not (_is_number(value := getattr(described, name)) and 0 < value < MOST):
            raise ValueError(f"{name} is {value!r}")
    if described.shortest_s >= described.longest_s:
        raise ValueError(f"longest_s is {described.longest_s}, shortest_s {described.shortest_s}")
    names = [name for name in described.emotions if isinstance(name, str)]
    if len(set(names)) < max(2, len(described.emotions)):
        raise ValueError(f"emotions are {list(described.emotions)}")
    known, threshold = described.reference, described.threshold
    if known.mean.ndim != 1 or known.mean.shape != known.variance.shape:
        raise ValueError(f"the reference has shapes {known.mean.shape} and {known.variance.shape}")
    if not (np.isfinite(known.mean).all() and np.isfinite(known.variance).all() and (known.variance >= 0).all()):
        raise ValueError("the reference is not finite, or has a negative variance")
    shares = (threshold.confidence, threshold.coverage, threshold.accuracy) if threshold else ()
    if not all(_is_number(share) and 0 <= share <= 1 for share in shares):
        raise ValueError(f"the threshold is {threshold}")


def description_path(model: Path) -> Path:
    """Return where the description of `model` lies: `emotion.json` for `emotion.onnx` and `emotion.int8.onnx`."""
    return model.with_name(f"{model.name.partition('.')[0]}.json")


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _rounded(values: NDArray[np.float64]) -> list[float]:
    return [float(f"{value:.6g}") for value in values]
