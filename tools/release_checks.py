"""What must hold of an exported model before it is handed out."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from speech_emotion.audio import decode, to_mono, trim_silence
from speech_emotion.core.errors import PipelineError
from speech_emotion.core.progress import progress
from speech_emotion.encoders import protocol
from speech_emotion.model.calibration import calibrated
from speech_emotion.model.checkpoint import Model
from speech_emotion.model.inference import clip_logits
from speech_emotion.predict.session import ExportedModel

# Corpora whose licence allows to hand out what was learned from them, under the same licence.
LICENCES = {
    "ravdess": "RAVDESS (Livingstone & Russo 2018, doi:10.1371/journal.pone.0196391), CC BY-NC-SA 4.0",
    "nemo": "nEMO (Christop 2024, arXiv:2404.06292), CC BY-NC-SA 4.0",
}
MOST_BYTES = 25_000_000
PARITY = 1e-3  # of a probability, between the training path and the graph in float32
SAME_ANSWER = 0.99  # share of the clips to which int8 gives the answer of float32

Probabilities = NDArray[np.floating]  # [clips, emotions]


def refuse_licence(path: Path, corpora: Mapping[str, int]) -> None:
    """Refuse a model that was trained on a corpus whose licence forbids it.

    Raises:
        PipelineError: names the corpus.
    """
    for corpus in corpora:
        if corpus not in LICENCES:
            raise PipelineError(
                f"{path}: was trained on {corpora[corpus]} clips of {corpus}, whose licence is not known to allow a "
                f"release (known: {', '.join(LICENCES)}); set speech.training.shares.{corpus} to 0.0 and train again"
            )


def refuse_size(path: Path) -> int:
    """Return the size of `path` in bytes.

    Raises:
        PipelineError: it is too large for a repository.
    """
    if (size := path.stat().st_size) > MOST_BYTES:
        raise PipelineError(f"{path}: has {size} bytes, at most {MOST_BYTES} fit; release a smaller backbone")
    return size


def check_parity(model: Model, exported: ExportedModel, clips: Sequence[Path]) -> dict[str, Any]:
    """Return how far the probabilities of `exported` are from those of the training path.

    Raises:
        PipelineError: further than `PARITY`.
    """
    described = model.description
    front_end = protocol.frontend(described.encoder)
    mels = [front_end.log_mel(*decode(clip), described.frontend) for clip in clips]
    expected = calibrated(clip_logits(model, mels), exported.description.temperature)
    furthest = float(np.abs(expected - np.stack(list(_answers(exported, clips)))).max())
    if not furthest <= PARITY:
        raise PipelineError(
            f"{exported.path}: its probabilities are {furthest:.2g} from the model's, at most {PARITY} is allowed; "
            "run `dvc repro export`"
        )
    return {"clips": len(clips), "furthest": float(f"{furthest:.2g}")}


def check_agreement(
    small: ExportedModel, large: ExportedModel, corpora: Mapping[str, Sequence[Path]]
) -> dict[str, dict[str, Any]]:
    """Return for each corpus how often `small` gives the answer of `large`, and how far its probabilities are off.

    Raises:
        PipelineError: in less than `SAME_ANSWER` of all clips.
    """
    found = {corpus: _agreement(small, large, corpus, clips) for corpus, clips in corpora.items()}
    every = sum(one["clips"] for one in found.values())
    same = sum(one["clips"] * one["same_answer"] for one in found.values()) / every
    if same < SAME_ANSWER:
        raise PipelineError(
            f"{small.path}: gives another answer to {1 - same:.1%} of {every} clips of {' and '.join(found)}, at most "
            f"{1 - SAME_ANSWER:.0%} may differ; keep the float32 form"
        )
    return found


def _agreement(small: ExportedModel, large: ExportedModel, corpus: str, clips: Sequence[Path]) -> dict[str, Any]:
    pairs = []
    with progress(f"int8 on {corpus}", len(clips), "clips") as advance:
        for pair in zip(_answers(small, clips), _answers(large, clips), strict=True):
            pairs.append(pair)
            advance(1)
    found, expected = (np.stack(side) for side in zip(*pairs, strict=True))
    same = float((found.argmax(axis=1) == expected.argmax(axis=1)).mean())
    differences = np.abs(found - expected).max(axis=1)
    bounds = {"largest_95": np.quantile(differences, 0.95), "largest": differences.max()}
    return {"clips": len(clips), "same_answer": round(same, 4)} | {
        name: round(float(bound), 4) for name, bound in bounds.items()
    }


def _answers(exported: ExportedModel, clips: Sequence[Path]) -> Iterator[Probabilities]:
    described = exported.description
    for clip in clips:
        waveform = to_mono(*decode(clip), described.sample_rate_hz)
        trimmed = trim_silence(waveform, described.sample_rate_hz, trim_db=described.trim_db)
        yield exported(trimmed)[0][0]
