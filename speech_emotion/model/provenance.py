"""Which split and shards a model saw, so that it is never scored on others."""

from collections.abc import Mapping, Sequence
from hashlib import md5
from pathlib import Path

from speech_emotion.core.errors import PipelineError


def data_files(split: Path, shards: Sequence[Path]) -> dict[str, Path]:
    """Name the files whose md5s go into a description: the split, and each shard by corpus and speaker."""
    return {"split": split} | {f"{path.parent.name}/{path.stem}": path for path in shards}


def file_md5s(paths: Mapping[str, Path]) -> dict[str, str]:
    """Return the md5 of each named file, sorted by name."""
    return {name: md5(paths[name].read_bytes()).hexdigest() for name in sorted(paths)}


def refuse_other_data(path: Path, trained_on: Mapping[str, str], present: Mapping[str, str]) -> None:
    """Refuse a model that was not trained on the split and shards beside it (`file_md5s`).

    Raises:
        PipelineError: names the first file that differs.
    """
    names = sorted(present.keys() | trained_on.keys())
    wrong = [name for name in names if present.get(name) != trained_on.get(name)]
    if wrong:
        raise PipelineError(
            f"{path}: was not trained on the data beside it: {wrong[0]} "
            f"has md5 {present.get(wrong[0], 'none (missing)')}, the model saw "
            f"{trained_on.get(wrong[0], 'no such file')}; run `dvc repro` or bring the matching data"
        )
