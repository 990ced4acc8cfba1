"""`make repro`, before DVC starts: what DVC would delete for a stage, and no cache has, goes under another name."""

from pathlib import Path

from dvc.repo import Repo

from speech_emotion.core.command import run
from speech_emotion.fetching.kept import keep_own


def main() -> None:
    """Keep somebody's own files that lie where the pipeline writes."""
    with Repo() as repo:
        outputs = [Path(out.fspath) for out in repo.index.outs if out.use_cache]
    for output in outputs:
        keep_own(output.relative_to(Path.cwd()))


if __name__ == "__main__":
    run(main)
