"""`make hooks`: DVC's Git hooks, with this environment's `dvc` and the guard of public remotes before every push."""

import argparse
import re
import shlex
import sys
from collections.abc import Sequence
from pathlib import Path

from dvc.cli import main as dvc
from dvc.repo import Repo

from speech_emotion.core.command import run
from speech_emotion.core.errors import PipelineError

HOOKS = ("post-checkout", "pre-commit", "pre-push")
BEGIN, END = "# speech-emotion: begin", "# speech-emotion: end"
GUARD = "python -m tools.sharing check || exit 1"

# In a clone without audio or cache, DVC's checkout fails over each missing output, and `git switch` with it.
CHECKOUT = """\
dvc git-hook post-checkout "$@" || echo "some outputs are not in the cache: make pull, or dvc repro"
exit 0"""
OWN_LINES = {"pre-push": [GUARD], "post-checkout": [CHECKOUT]}


def install(root: Path, bin_folder: Path) -> None:
    """Install DVC's hooks where there are none, and put the guard into DVC's pre-push hook; twice is as good as once.

    Raises:
        PipelineError: a hook is the user's own, or Git looks for hooks elsewhere; nothing was changed.
    """
    with Repo(str(root)) as repo:
        folder = Path(repo.scm.hooks_dir)
        elsewhere = repo.scm.gitpython.repo.git.config("core.hooksPath", default="")
    if elsewhere:
        raise PipelineError(f"core.hooksPath is {elsewhere}, where DVC installs no hooks; call `{GUARD}` there")
    hooks = [folder / name for name in HOOKS if (folder / name).exists()]
    for hook in hooks:
        if f"dvc git-hook {hook.name}" not in hook.read_text(encoding="utf-8"):
            raise PipelineError(
                f"{hook} is a hook of your own and stays as it is; add `{GUARD}` (before a push) and "
                f'`dvc git-hook {hook.name} "$@"` to it, or move it away and run `make hooks` again'
            )
    # DVC installs all or none: where one was taken away, the others go first.
    if len(hooks) < len(HOOKS):
        for hook in hooks:
            hook.unlink()
        if dvc(["install"]):
            raise PipelineError(f"{folder}: DVC installed no hooks, see the lines above")
    for name in HOOKS:
        _add_lines(folder / name, bin_folder)


def _add_lines(hook: Path, bin_folder: Path) -> None:
    first, _, rest = hook.read_text(encoding="utf-8").partition("\n")
    rest = re.sub(rf"{BEGIN}\n.*?{END}\n", "", rest, flags=re.DOTALL)
    lines = [BEGIN, f'PATH={shlex.quote(str(bin_folder))}:"$PATH"', *OWN_LINES.get(hook.name, ()), END]
    hook.write_text("\n".join([first, *lines, rest]), encoding="utf-8", newline="\n")


def main(argv: Sequence[str] | None = None) -> None:
    """Install the hooks into the Git repository of the current folder."""
    argparse.ArgumentParser(description=main.__doc__).parse_args(argv)
    install(Path.cwd(), Path(sys.prefix) / "bin")
    print("Git hooks: dvc status before a commit, dvc checkout after a checkout, guard and dvc push before a push")


if __name__ == "__main__":
    run(main)
