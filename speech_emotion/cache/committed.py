"""Spectrograms of the last commit, so that a rerun computes only what is new."""

from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import file_digest
from pathlib import Path

from dvc.fs import DVCFileSystem  # dvc.api has its `fs`, and takes longer to import
from dvc.repo import Repo
from dvc.repo.brancher import switch
from dvc.scm import NoSCM, RevError

from speech_emotion.core.errors import PipelineError, listed, one_line
from speech_emotion.core.files import scratch
from speech_emotion.core.progress import tell
from speech_emotion.shards import SUFFIX, Shard, read_shard


@contextmanager
def committed_shards(folder: Path) -> Iterator[list[Shard]]:
    """Yield the shards that the commit at HEAD holds below `folder`, a path from the project's root.

    They are copies, as large as the output, that go at the end. DVC deletes a stage's output before it runs the stage,
    and a fresh clone has none: the cache or the remote still do. Without Git, what `dvc.lock` holds counts. What cannot
    be had is said in a line, and will be computed; so is what the cache holds with other bytes, which goes from it.
    """
    with scratch(folder) as workspace:
        yield _copied(folder, workspace)


def _copied(folder: Path, workspace: Path) -> list[Shard]:
    shards: list[Shard] = []
    lost: list[str] = []
    try:
        # Through `switch`, because `DVCFileSystem(rev=...)` finds no project in a subfolder of a Git repository.
        with Repo() as repo, switch(repo, "workspace" if isinstance(repo.scm, NoSCM) else "HEAD"):
            files = DVCFileSystem(repo=repo).fs
            names = [name for name in files.ls(folder.as_posix(), detail=False) if name.endswith(SUFFIX)]
            for name in sorted(names):
                copy = workspace / Path(name).name
                try:
                    files.get_file(name, copy.as_posix())
                    _refuse_damaged(repo, copy, files.info(name)["dvc_info"]["md5"])
                    shards.append(read_shard(copy))
                except Exception as error:
                    lost.append(f"{copy.name} ({one_line(error)})")
    except RevError:
        lost.append("nothing is committed to Git yet")
    except FileNotFoundError:
        lost.append("the last commit does not have them, or its cache lost them")
    except Exception as error:  # each kind of remote has exceptions of its own
        lost.append(one_line(error))
    if lost:
        tell(f"{folder}: not all of it can be reused: {listed(lost)}")
    return shards


def _refuse_damaged(repo: Repo, copy: Path, md5: str) -> None:
    """Refuse other bytes than the commit names. DVC takes a cache's files as they are, and would keep the bad one."""
    with copy.open("rb") as file:
        if file_digest(file, "md5").hexdigest() == md5:
            return
    if repo.cache.local.exists(md5):
        repo.cache.local.delete(md5)
    raise PipelineError(f"DVC's cache held other bytes as {md5}: they are deleted there")
