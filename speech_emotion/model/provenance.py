"""What made a model: its split, shards and settings, so that none is scored as something else."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from hashlib import md5
from pathlib import Path
from typing import Any

from speech_emotion.core.errors import PipelineError
from speech_emotion.core.params import read_yaml, to_settings
from speech_emotion.model.checkpoint import Description, Model, load_model
from speech_emotion.training.settings import TrainSettings, flat, train_settings

LOCK = Path("dvc.lock")


def data_files(split: Path, shards: Sequence[Path]) -> dict[str, Path]:
    """Name the files whose md5s go into a description: the split, and each shard by corpus and speaker."""
    return {"split": split} | {f"{path.parent.name}/{path.stem}": path for path in shards}


def file_md5s(paths: Mapping[str, Path]) -> dict[str, str]:
    """Return the md5 of each named file, sorted by name."""
    return {name: md5(paths[name].read_bytes()).hexdigest() for name in sorted(paths)}


def load_trained(path: Path, present: Mapping[str, str], *, training: TrainSettings | None = None) -> Model:
    """Return the model of a stage; arguments as `load_model`, `refuse_other_data` and `refuse_other_settings`.

    Raises:
        PipelineError: as they do.
    """
    model = load_model(path, training=training)
    refuse_other_data(path, model.description.trained_on, present)
    refuse_other_settings(path, model.description)
    return model


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


def locked_stages() -> dict[str, Any]:
    """Return the stages of dvc.lock, which has none where DVC has not run."""
    return dict(read_yaml(LOCK).get("stages", {})) if LOCK.exists() else {}


def refuse_other_settings(path: Path, model: Description) -> None:
    """Refuse a model that was made with other settings than dvc.lock names: params.yaml changed while a stage ran.

    Raises:
        PipelineError: names the first setting that differs.
    """
    for name, stage in locked_stages().items():
        params = {section: values for file in stage.get("params", {}).values() for section, values in file.items()}
        if path.as_posix() in [out["path"] for out in stage.get("outs", ())]:
            values = {key: value for section in params.values() for key, value in section.items()}
            _compare(path, name, flat(train_settings(values, model.encoder, f"{LOCK}: {name}")), flat(model.training))
        if spectrograms := params.get(f"{model.encoder}.spectrograms"):
            locked = to_settings(spectrograms, type(model.frontend), f"{LOCK}: {name}")
            _compare(path, name, asdict(locked), asdict(model.frontend))


def _compare(path: Path, stage: str, locked: Mapping[str, Any], own: Mapping[str, Any]) -> None:
    if wrong := [key for key in own if own[key] != locked[key]]:
        raise PipelineError(
            f"{path}: was made with {wrong[0]} {own[wrong[0]]}, {LOCK} says {locked[wrong[0]]} for {stage}; "
            f"run `dvc repro --force --single-item {stage}`, then `dvc repro`"
        )
