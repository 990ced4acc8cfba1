"""`make drift`: dvc.lock describes the code, the parameters and the metrics beside it. Needs no data and no cache.

A dry run passes over data that are not there, but ends with 0 whatever would run.
"""

import re
import subprocess
import sys

from speech_emotion.core.command import run
from speech_emotion.core.errors import PipelineError

DRY_RUN = (sys.executable, "-m", "dvc", "repro", "--dry", "--allow-missing", "--keep-going")


def changed_stages() -> list[str]:
    """Return the stages that `dvc repro` would run first, among them those with an input of another run.

    Raises:
        PipelineError: DVC fails, for instance because dvc.yaml is damaged.
    """
    ended = subprocess.run(DRY_RUN, capture_output=True, text=True)
    # Where its data are not here, DVC fails over a stage that it would have to run.
    missing = re.search(r"^ERROR: failed to reproduce (.*)$", ended.stderr, re.MULTILINE)
    if ended.returncode and not missing:
        raise PipelineError(f"`dvc repro --dry` failed: {' '.join(ended.stderr.split())}")
    stages = re.findall(r"^Running stage '(.+)':$", ended.stdout, re.MULTILINE)
    return stages + re.findall(r"'(.+?)'", missing[1] if missing else "")


def main() -> None:
    """Name the stages that dvc.lock does not describe.

    Raises:
        PipelineError: there are some.
    """
    if stages := changed_stages():
        raise PipelineError(
            f"dvc.lock does not describe {', '.join(stages)} (`dvc status` says why); "
            "run `dvc repro`, and commit dvc.lock and metrics/ (`make pull` first, if data here are of another branch)"
        )


if __name__ == "__main__":
    run(main)
