"""`make push` and `make pull`: results travel through a DVC remote, raw audio never does."""

import argparse
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import yaml
from dvc.cli import main as dvc
from dvc.exceptions import DvcException
from dvc.output import Output
from dvc.repo import Repo
from dvc_data.hashfile.hash_info import HashInfo
from dvc_data.hashfile.tree import Tree

from speech_emotion.core.command import run
from speech_emotion.core.errors import PipelineError, listed
from tools.broken_uploads import remove_broken_uploads
from tools.public_remotes import pushed_to, refuse_public, remote_url

CHECKS = {
    "": "is the folder mounted, and may you write there?",
    "s3": "is the bucket there, and are endpointurl and keys right?",
    "ssh": "does `ssh` reach that host, user and port, and does the key file fit?",
    "webdav": "is the base folder there, and are user and password right?",
    "webdavs": "is the base folder there, and are user and password right?",
    "http": "does a browser reach it? A web server takes no push",
    "https": "does a browser reach it? A web server takes no push",
}


def push(remote: str | None) -> None:
    """Send outputs, run-cache and every result that the run-cache knows to `remote`, None for the default one.

    Raises:
        PipelineError: the remote is public, unknown or took not all of it.
    """
    with Repo() as repo:
        refuse_public(repo, remote)
        failure = _failure(repo, remote, "push")
        with _any_error_is(failure):
            for name in remove_broken_uploads(repo, remote):
                print(f"{name}: was cut off on its way to the remote; it is sent again")
    if dvc(["push", "--run-cache", *_option(remote)]):
        raise failure
    with Repo() as repo, _any_error_is(failure):
        if repo.cloud.push(set(run_cache_results(repo)), remote=remote).failed:
            raise failure
        missing = [out.def_path for out in repo.index.outs if _is_shared(out) and _is_nowhere(repo, remote, out)]
    if missing:
        raise PipelineError(
            f"push: {listed(missing)} as dvc.lock has it is neither in this cache nor on the remote, so that nobody "
            "can pull it; `dvc repro` makes it again (or `dvc commit`, if it is in place), then `make push`"
        )


def pull(remote: str | None) -> None:
    """Bring every output that a push carries, and the run-cache, from `remote`, None for the default one.

    Raises:
        PipelineError: the remote is unknown, unreachable or has not all of it.
    """
    with Repo() as repo:
        failure = _failure(repo, remote, "pull")
        # Named one by one: a plain `dvc pull` also wants the raw audio, and fails.
        outputs = [out.def_path for out in repo.index.outs if _is_shared(out)]
    if dvc(["pull", "--run-cache", *_option(remote), *outputs]):
        raise failure


def check(remote: str | None) -> None:
    """Raise a `PipelineError` if a push to `remote` would reach a public one; the Git hook asks this."""
    with Repo() as repo:
        refuse_public(repo, remote)


def run_cache_results(repo: Repo) -> Iterator[HashInfo]:
    """Yield what the cache holds of the results that run-cache entries name, of outputs that are pushed.

    An output that the pipeline no longer has may have been audio: it stays here.

    `dvc push --run-cache` sends the entries alone: without the results, also those that lie in Git, a colleague who
    returns to older parameters computes them again.
    """
    pushed = {out.def_path for out in repo.index.outs if out.can_push}
    cache = repo.cache.local
    for entry in sorted(Path(repo.stage_cache.cache_dir).glob("*/*/*")):
        for out in yaml.safe_load(entry.read_text(encoding="utf-8"))["outs"]:
            result = HashInfo("md5", out["md5"])
            if out["path"] not in pushed or not cache.exists(result.value):
                continue
            files = [file for _, _, file in Tree.load(cache, result)] if result.isdir else []
            if all(cache.exists(file.value) for file in files):
                yield from (*files, result)


def _is_shared(out: Output) -> bool:
    return bool(out.hash_info and out.use_cache and out.can_push)


def _is_nowhere(repo: Repo, remote: str | None, out: Output) -> bool:
    """Say whether an object of `out` is missing in the cache and on the remote."""
    here, there = repo.cache.local, repo.cloud.get_remote(out.remote or remote).odb
    wanted = [out.hash_info]
    if out.hash_info.isdir and here.exists(out.hash_info.value):
        wanted += [file for _, _, file in Tree.load(here, out.hash_info)]
    return any(not here.exists(one.value) and not there.exists(one.value) for one in wanted)


@contextmanager
def _any_error_is(failure: PipelineError) -> Iterator[None]:
    # Each kind of remote has exceptions of its own.
    try:
        yield
    except Exception as error:
        print(f"{type(error).__name__}: {error}", file=sys.stderr)
        raise failure from error


def _option(remote: str | None) -> list[str]:
    return ["--remote", remote] if remote else []


def _failure(repo: Repo, remote: str | None, verb: str) -> PipelineError:
    name = pushed_to(repo, remote)[0]
    url = remote_url(repo, name)
    return PipelineError(
        f"{verb}: remote '{name}' ({url}) failed, see the lines above; {CHECKS.get(urlsplit(url).scheme, CHECKS[''])} "
        f"Then `make {verb}` again: what arrived stays. docs/remotes.md has the settings of each kind"
    )


def main(argv: Sequence[str] | None = None) -> None:
    """Push, pull, or only check that a push would be allowed."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("action", choices=("push", "pull", "check"))
    parser.add_argument("--remote", help="name of a DVC remote (default: the default remote)")
    args = parser.parse_args(argv)
    try:
        {"push": push, "pull": pull, "check": check}[args.action](args.remote or None)
    except DvcException as error:  # such as merge conflicts in params.yaml
        raise PipelineError(f"{args.action}: {' '.join(str(error).split())}; put that right first") from error


if __name__ == "__main__":
    run(main)
