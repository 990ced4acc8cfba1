"""A WebDAV server keeps the part that it got of a file whose upload broke off, and DVC takes that for the file."""

from pathlib import PurePosixPath

from dvc.repo import Repo

WEBDAV = ("webdav", "webdavs")


def remove_broken_uploads(repo: Repo, remote: str | None) -> list[str]:
    """Delete from a WebDAV `remote` what is not as long as in the cache, so that a push sends it; return its names.

    The other kinds of remotes need none of this: there a file appears whole or not at all.
    """
    there, here = repo.cloud.get_remote(remote).odb, repo.cache.local
    if there.fs.protocol not in WEBDAV or not there.fs.exists(there.path):
        return []
    broken = []
    for path, entry in there.fs.fs.find(there.path, detail=True).items():
        name = "".join(PurePosixPath(path).parts[-2:])
        if here.exists(name) and here.fs.size(here.oid_to_path(name)) != entry["size"]:
            there.fs.remove(path)
            broken.append(name)
    return broken
