"""`make repro`, before DVC starts: what the cache holds of `dvc.lock` has the bytes that its name says.

DVC takes its own cache for intact: a byte that a disk flipped would go into trainings and scores without a word.
"""

import hashlib
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from dvc.repo import Repo
from dvc_data.hashfile.tree import Tree
from dvc_objects.errors import ObjectFormatError

from speech_emotion.core.command import run
from speech_emotion.core.errors import PipelineError, listed


def damaged_outputs() -> list[Path]:
    """Delete what is damaged, in the cache and where it was checked out to; return the outputs that it belonged to."""
    with Repo() as repo:
        cache = repo.cache.local
        held = [(output, place, md5, Path(cache.oid_to_path(md5))) for output, place, md5 in _named(repo)]
        wrong = {md5: found for _, _, md5, stored in held if stored.exists() and (found := _md5(stored)) != md5[:32]}
        for _, place, md5, _ in held:
            if md5 in wrong and place.is_file() and _md5(place) == wrong[md5]:
                place.unlink()
        for stored in {stored for _, _, md5, stored in held if md5 in wrong}:
            stored.unlink()
    return list(dict.fromkeys(output for output, _, md5, _ in held if md5 in wrong))


def _named(repo: Repo) -> Iterator[tuple[Path, Path, str]]:
    """Yield each output, and each file in one, with its place and its md5, a folder's with the suffix `.dir`."""
    for out in repo.index.outs:
        if not (out.use_cache and out.hash_info and out.hash_info.value):
            continue
        output = Path(out.fspath)
        yield output, output, out.hash_info.value
        # A damaged list of a folder's files is itself found, and its files when it is there again.
        with suppress(FileNotFoundError, ObjectFormatError):
            if out.hash_info.isdir:
                for name, _, file in Tree.load(repo.cache.local, out.hash_info):
                    yield output, output.joinpath(*name), file.value


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
