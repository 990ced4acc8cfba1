"""`make repro`, before DVC starts: what the cache holds of `dvc.lock` has the bytes that its name says.

DVC takes its own cache for intact: a byte that a disk flipped would go into trainings and scores without a word.
"""

import hashlib
import json
from collections.abc import Iterator
from pathlib import Path

from dvc.repo import Repo
from dvc_data.hashfile.hash_info import HashInfo
from dvc_data.hashfile.tree import Tree

from speech_emotion.core.command import run
from speech_emotion.core.errors import PipelineError, listed


def damaged_outputs() -> list[Path]:
    """Delete what is damaged, in the cache and where it was checked out to; return the outputs that it belonged to."""
    with Repo() as repo:
        cache, kept = repo.cache.local, {out.fspath: out.hash_info for out in repo.index.outs if out.use_cache}
        found = []
        for output, expected in kept.items():
            for place, md5 in _objects(repo, Path(output), expected):
                stored = Path(cache.oid_to_path(md5))
                if stored.exists() and _md5(stored) != md5.removesuffix(".dir"):
                    if place.is_file() and _md5(place) == _md5(stored):
                        place.unlink()
                    stored.unlink()
                    found.append(Path(output))
    return list(dict.fromkeys(found))


def _objects(repo: Repo, output: Path, expected: HashInfo) -> Iterator[tuple[Path, str]]:
    """Yield the md5 of an output and of each file in it, beside the place of that in the project."""
    if not expected or not expected.value:
        return
    yield output, expected.value
    if expected.isdir and repo.cache.local.exists(expected.value):
        try:
            files = list(Tree.load(repo.cache.local, expected))
        except (ValueError, KeyError, json.JSONDecodeError):  # the list itself is damaged, and has been yielded
            return
        for name, _, md5 in files:
            yield output.joinpath(*name), md5.value


def _md5(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "md5").hexdigest()


def main() -> None:
    """Name and delete what is damaged.

    Raises:
        PipelineError: something was.
    """
    if found := damaged_outputs():
        names = listed([str(path.relative_to(Path.cwd())) for path in found])
        raise PipelineError(
            f"{names}: the cache held other bytes than dvc.lock names, and they were deleted; `make pull` brings the "
            "right ones from a remote, `dvc repro` makes them again"
        )


if __name__ == "__main__":
    run(main)
