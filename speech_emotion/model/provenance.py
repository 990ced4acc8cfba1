"""What made a model: its split, shards and settings, so that none is scored as something else."""

import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from hashlib import file_digest, md5
from pathlib import Path
from typing import Any

from speech_emotion.core.errors import PipelineError
from speech_emotion.core.lifetime import STAGE
from speech_emotion.core.params import read_yaml, to_settings
from speech_emotion.model.checkpoint import Description, Model, load_model
from speech_emotion.training.settings import TrainSettings, flat, train_settings

LOCK = Path("dvc.lock")


def data_files(split: Path, shards: Sequence[Path]) -> dict[str, Path]:
    """Name the files whose md5s go into a description: the split, and each shard by corpus and speaker."""
    return {"split": split} | {f"{path.parent.name}/{path.stem}": path for path in shards}


def file_md5s(paths: Mapping[str, Path]) -> dict[str, str]:
    """Return the md5 of each named file, sorted by name."""
    return {name: _md5(paths[name]) for name in sorted(paths)}


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


def refuse_other_settings(path: Path, model: Description) -> None:
    """Refuse a model that was made with other settings than dvc.lock names: params.yaml changed while a stage ran.

    A file that no stage of dvc.lock writes can be anything.

    Raises:
        PipelineError: names the first setting that differs.
    """
    stages = read_yaml(LOCK).get("stages", {}) if LOCK.exists() else {}
    makers = [name for name, one in stages.items() if path.as_posix() in [out["path"] for out in one.get("outs", [])]]
    for name in makers:
        values = {key: value for section in _params(stages[name]).values() for key, value in section.items()}
        trained = train_settings(values, model.encoder, f"{LOCK}: {name}")
        _compare(path, name, flat(trained), flat(model.training))
    for name in stages if makers else ():
        if values := _params(stages[name]).get(f"{model.encoder}.spectrograms", {}):
            made = to_settings(values, type(model.frontend), f"{LOCK}: {name}")
            _compare(path, name, asdict(made), asdict(model.frontend))


def refuse_damaged(paths: Mapping[str, Path], md5s: Mapping[str, str]) -> None:
    """Refuse files that are not those that dvc.lock names, in a stage that DVC runs.

    DVC checks no file that it takes from its cache, and would write down what was trained on a damaged one as the
    result of the sound one.

    Args:
        paths: from the project's root; of a folder that is an output, all files.
        md5s: of each of `paths` (`file_md5s`).

    Raises:
        PipelineError: names the first output that differs.
    """
    stages = read_yaml(LOCK).get("stages", {}) if LOCK.exists() and STAGE in os.environ else {}
    for maker, stage in stages.items():
        for out in stage.get("outs", []):
            inside = {
                path.relative_to(out["path"]).as_posix(): md5s[name]
                for name, path in paths.items()
                if path.is_relative_to(out["path"])
            }
            if inside and (found := _dvc_md5(inside)) != out["md5"]:
                raise PipelineError(
                    f"{out['path']}: has md5 {found}, {LOCK} says {out['md5']}: it or DVC's copy is damaged; run"
                    f" `python -m tools.cache_check`, `dvc repro --force --single-item {maker}`, then `dvc repro`"
                )


def _dvc_md5(inside: Mapping[str, str]) -> str:
    """Return DVC's hash of an output, from the md5s of its files by path in it: a file's own, or that of their list."""
    if "." in inside:
        return inside["."]
    listed = [{"md5": inside[path], "relpath": path} for path in sorted(inside)]
    return f"{md5(json.dumps(listed).encode(), usedforsecurity=False).hexdigest()}.dir"


def _md5(path: Path) -> str:
    with path.open("rb") as file:
        return file_digest(file, "md5").hexdigest()


def _params(stage: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    return {section: values for file in stage.get("params", {}).values() for section, values in file.items()}


def _compare(path: Path, stage: str, locked: Mapping[str, Any], own: Mapping[str, Any]) -> None:
    if wrong := [key for key in own if own[key] != locked[key]]:
        raise PipelineError(
            f"{path}: was made with {wrong[0]} {own[wrong[0]]}, {LOCK} says {locked[wrong[0]]} for {stage}; "
            f"run `dvc repro --force --single-item {stage}`, then `dvc repro`"
        )
