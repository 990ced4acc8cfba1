"""`make drift`: dvc.lock describes the code, the parameters and the metrics beside it. Needs no data and no cache.

A dry run passes over data that are not there, but ends with 0 whatever would run.
"""

import re
import subprocess
import sys
from hashlib import md5
from pathlib import Path

from speech_emotion.core.command import run
from speech_emotion.core.errors import PipelineError
from speech_emotion.core.params import read_yaml

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


def refuse_other_models() -> None:
    """Refuse a model of dvc.lock, of those that are here, that was trained with other settings than dvc.lock names.

    Raises:
        PipelineError: there is one.
    """
    stages = read_yaml(Path("dvc.lock"))["stages"]
    outs = [out for name, stage in stages.items() if name.startswith("finetune@") for out in stage["outs"]]
    models = [Path(out["path"]) for out in outs if out["path"].endswith(".safetensors") and _is_here(out)]
    if models:  # torch and timm take seconds
        from speech_emotion.model.checkpoint import load_model
        from speech_emotion.model.provenance import refuse_other_settings
    for path in models:
        refuse_other_settings(path, load_model(path).description)


def _is_here(out: dict[str, str]) -> bool:
    path = Path(out["path"])
    return path.exists() and md5(path.read_bytes()).hexdigest() == out["md5"]


def main() -> None:
    """Name the stages that dvc.lock does not describe, or a model.

    Raises:
        PipelineError: there are some.
    """
    if stages := changed_stages():
        raise PipelineError(
            f"dvc.lock does not describe {', '.join(stages)} (`dvc status` says why); "
            "run `dvc repro`, and commit dvc.lock and metrics/ (`make pull` first, if data here are of another branch)"
        )
    refuse_other_models()


if __name__ == "__main__":
    run(main)
