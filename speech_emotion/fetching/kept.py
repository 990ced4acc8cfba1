"""Files of somebody's own where an output goes: kept under another name before anything replaces them."""

from pathlib import Path

from speech_emotion.core.progress import tell


def keep_own(output: Path) -> None:
    """Move `output` to a free name beside it, and say so, unless DVC's cache holds all of it or nothing is there."""
    if not output.exists() or _is_cached(output):
        return
    names = (output.with_name(f"{output.name}.kept{number or ''}") for number in range(1000))
    kept = output.rename(next(name for name in names if not name.exists()))
    tell(f"{output}: is an output of the pipeline and held files that no cache has; they are in {kept} now")


def _is_cached(output: Path) -> bool:
    from dvc.exceptions import NotDvcRepoError, OutputNotFoundError  # a second that few commands need
    from dvc.repo import Repo
    from dvc_data.hashfile.build import build
    from dvc_data.hashfile.tree import Tree

    try:
        with Repo() as repo:
            [out] = repo.find_outs_by_path(str(output.absolute()))
            _, _, built = build(out.cache, out.fs_path, out.fs, "md5", ignore=out.dvcignore, dry_run=True)
            hashes = [entry for _, _, entry in built] if isinstance(built, Tree) else [built.hash_info]
            return all(out.cache.exists(entry.value) for entry in hashes)
    except (NotDvcRepoError, OutputNotFoundError):
        return False
