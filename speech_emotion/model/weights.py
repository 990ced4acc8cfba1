"""Named tensors and one text in a safetensors file."""

from collections.abc import Mapping
from pathlib import Path

from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor

from speech_emotion.core.errors import PipelineError
from speech_emotion.core.files import replacing

METADATA_KEY = "speech_emotion"


def save_tensors(path: Path, tensors: Mapping[str, Tensor], described: str) -> None:
    """Write named tensors and one text; equal input gives equal bytes.

    Raises:
        PipelineError: a tensor is not finite.
    """
    _refuse_not_finite(path, tensors)
    plain = {name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()}
    with replacing(path) as temporary:
        temporary.write_bytes(save(plain, metadata={METADATA_KEY: described}))


def load_tensors(path: Path) -> tuple[dict[str, Tensor], str]:
    """Read what `save_tensors` wrote.

    Raises:
        PipelineError: the file is missing, cut short or not of this project, or a tensor in it is not finite.
    """
    try:
        with safe_open(path, framework="pt") as file:
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 (no mapping)
            text: str = file.metadata()[METADATA_KEY]
    except (OSError, SafetensorError, TypeError, KeyError) as error:
        raise PipelineError(f"{path}: is no readable weights file ({error}); run `dvc repro` or `dvc pull`") from error
    _refuse_not_finite(path, tensors)
    return tensors, text


def _refuse_not_finite(path: Path, tensors: Mapping[str, Tensor]) -> None:
    if wrong := [name for name, tensor in tensors.items() if not tensor.isfinite().all()]:
        raise PipelineError(
            f"{path}: '{wrong[0]}' has values that are not finite; train at a lower rate, or from other weights"
        )
