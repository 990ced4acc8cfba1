"""A guard: TESS's licence forbids sharing what is derived from it, so nothing is pushed to a remote that is public."""

from collections.abc import Iterator
from pathlib import Path

from dvc.config import RemoteNotFoundError
from dvc.fs import get_fs_config
from dvc.repo import Repo

from speech_emotion.core.errors import PipelineError

LIST = Path(".dvc/public-remotes")


def refuse_public(repo: Repo, remote: str | None) -> None:
    """Return if a push of `repo` to `remote`, None for the default one, would reach private remotes only.

    Raises:
        PipelineError: `.dvc/public-remotes` names a remote or the beginning of its URL; that file is missing; there
            is no such remote.
    """
    marks = _marks(Path(repo.root_dir) / LIST)
    for name in pushed_to(repo, remote):
        url = remote_url(repo, name)
        for mark in marks:
            if _marked(name, url, mark):
                raise PipelineError(
                    f"remote '{name}' ({url}) is public: {LIST} lists '{mark}', so nothing was sent. TESS (CC BY-NC-ND "
                    "4.0) must not be shared in changed form, and spectrograms of it are that. Push to a private "
                    f"remote (`make push REMOTE=name`), or correct {LIST} if only your team can read this one"
                )


def pushed_to(repo: Repo, remote: str | None) -> list[str]:
    """Return the names of the remotes that a push reaches: the chosen one, and those that outputs name themselves."""
    chosen = remote or repo.config["core"].get("remote")
    if not chosen:
        raise PipelineError("there is no default remote; `dvc remote add -d storage URL` adds one (docs/remotes.md)")
    return [chosen, *sorted({out.remote for out in repo.index.outs if out.remote and out.can_push} - {chosen})]


def remote_url(repo: Repo, name: str) -> str:
    """Return the URL of the remote `name`, of a folder its absolute path."""
    try:
        return str(get_fs_config(repo.config, name=name)["url"])
    except RemoteNotFoundError as error:
        raise PipelineError(f"there is no remote '{name}'; `dvc remote list` names those that there are") from error


def _marks(path: Path) -> list[str]:
    try:
        lines: Iterator[str] = iter(path.read_text(encoding="utf-8").splitlines())
    except FileNotFoundError as error:
        raise PipelineError(f"{LIST} is missing; `git checkout HEAD {LIST}` brings it back") from error
    return [line.strip() for line in lines if line.strip() and not line.lstrip().startswith("#")]


def _marked(name: str, url: str, mark: str) -> bool:
    # Hosts and schemes know no case; a path that differs in case only is refused rather than sent.
    start, whole = mark.rstrip("/").casefold(), url.casefold()
    return name == mark or whole == start or whole.startswith(f"{start}/")
