"""Git's merge driver for dvc.lock (`make setup` installs it): three versions, merged stage by stage.

Git merges lines, but the lines of a stage belong together: dependencies of one branch beside outputs of another would
say that a result which nobody has computed is up to date.
"""

import argparse
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from dvc.utils.serialize import ParseError, dumps_yaml, parse_yaml_for_update

from speech_emotion.core.command import run
from speech_emotion.core.errors import PipelineError
from speech_emotion.core.files import write_text

Stages = Mapping[str, Any]


def merge_stages(base: Stages, ours: Stages, theirs: Stages) -> tuple[dict[str, Any], list[str]]:
    """Return each stage as the side has it that changed it, and the stages that both changed in different ways.

    Of the latter the result has ours. Stages that one side deleted, and the other left alone, are gone.
    """
    merged, disputed = {}, []
    for name in {**ours, **theirs}:
        before, mine, other = (stages.get(name) for stages in (base, ours, theirs))
        if before not in (mine, other) and mine != other:
            disputed.append(name)
        if chosen := other if mine == before else mine:
            merged[name] = chosen
    return merged, disputed


def merge_files(base: Path, ours: Path, theirs: Path) -> list[str]:
    """Write the merged lock to `ours`, in DVC's own style; return the stages that both sides changed.

    Raises:
        PipelineError: one of the files is no lock.
    """
    locks = [_read(path) for path in (base, ours, theirs)]
    merged, disputed = merge_stages(*(lock.get("stages", {}) for lock in locks))
    write_text(ours, dumps_yaml({"schema": locks[1].get("schema", "2.0"), "stages": merged}))
    return disputed


def _read(path: Path) -> Mapping[str, Any]:
    try:
        lock: Any = parse_yaml_for_update(path.read_text(encoding="utf-8"), path)
        lock.get("stages", {}).items()
    except (ParseError, AttributeError) as error:
        raise PipelineError(
            "a version of dvc.lock is damaged; `git checkout --ours dvc.lock`, then `dvc repro --pull`"
        ) from error
    return lock  # type: ignore[no-any-return]


def main(argv: Sequence[str] | None = None) -> None:
    """Merge two versions of a dvc.lock. Git gives the paths: %O %A %B %P.

    Raises:
        PipelineError: both sides changed a stage, so that the merge needs `dvc repro`.
    """
    parser = argparse.ArgumentParser(description=main.__doc__)
    for version in ("base", "ours", "theirs"):
        parser.add_argument(version, type=Path)
    parser.add_argument("name", help="the file's path in the repository")
    arguments = parser.parse_args(argv)
    disputed = merge_files(arguments.base, arguments.ours, arguments.theirs)
    if disputed:
        raise PipelineError(
            f"{arguments.name}: both sides changed {', '.join(disputed)}, and the file has ours for now; settle "
            "code and params.yaml, run `dvc repro --pull`, then `git add dvc.lock metrics` and `git commit`"
        )


if __name__ == "__main__":
    run(main)
