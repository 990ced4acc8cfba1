"""Spectrograms of the last commit, so that a rerun computes only what is new."""

import logging
import tempfile
from pathlib import Path

from dvc.api import DVCFileSystem

from speech_emotion.shards import SUFFIX, Shard, read_shard

logger = logging.getLogger(__name__)


def committed_shards(folder: Path) -> list[Shard]:
    """Return the shards that the commit at HEAD holds below `folder`, a path from the project's root.

    DVC deletes a stage's output before it runs the stage, and a fresh clone has none: the cache or the remote still
    do. A shard that neither has is left out, with a warning, and will be computed.
    """
    try:
        files = DVCFileSystem(rev="HEAD")
        names = [name for name in files.ls(folder.as_posix(), detail=False) if name.endswith(SUFFIX)]
    except Exception as error:  # each kind of remote has exceptions of its own
        logger.info("%s: nothing to reuse (%s)", folder, error)
        return []
    with tempfile.TemporaryDirectory() as workspace:
        copies = [_fetch(files, name, Path(workspace)) for name in sorted(names)]
    return [shard for shard in copies if shard is not None]


def _fetch(files: DVCFileSystem, name: str, workspace: Path) -> Shard | None:
    copy = workspace / Path(name).name
    try:
        files.get_file(name, copy.as_posix())
        return read_shard(copy)
    except Exception as error:
        logger.warning("%s: cannot be reused (%s)", name, error)
        return None
