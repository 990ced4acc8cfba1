"""The command `speech-emotion` where only the base is installed."""

import argparse
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from speech_emotion import cli

ROOT = Path(__file__).resolve().parents[1]
ARGUMENTS = {
    "predict": ["clip.wav", "--timeline", "--picture", "clip.png"],
    "app": [],
    "completion": ["bash"],
    "compare": ["HEAD"],
    "export-images": ["pictures"],
    "check-corpus": ["clips.csv"],
    "add-corpus": ["mine", "clips.csv"],
    "remove-corpus": ["mine"],
    "record": ["mine", "--speaker", "eva"],
}
BROUGHT = "_soundfile _soundfile_data _cffi_backend cffi flatbuffers google packaging pycparser"
# What `pip install .` brings, with what that needs, is allowed, and what Python has; nothing else can be imported.
BASE_ONLY = """if True:
    import sys

    class BaseOnly:
        def find_spec(self, name, path=None, target=None):
            top = name.split(".")[0]
            if top not in sys.stdlib_module_names and top not in {"speech_emotion", *sys.argv[1].split()}:
                raise ModuleNotFoundError(f"No module named '{name}'", name=name)

    sys.meta_path.insert(0, BaseOnly())
    from speech_emotion.cli import main
    sys.exit(main(sys.argv[2:]))
"""


def subcommands() -> dict[str, argparse.ArgumentParser]:
    [action] = [one for one in cli._parser()._actions if isinstance(one, argparse._SubParsersAction)]
    return dict(action.choices)


@pytest.mark.parametrize("name", subcommands())
def test_a_missing_extra_is_one_line_that_names_it(name: str) -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    base, extra = " ".join([*project["dependencies"], BROUGHT]), subcommands()[name].get_default("extra")
    assert extra in project["optional-dependencies"]
    command = [sys.executable, "-c", BASE_ONLY, base.replace(">=", " "), name, *ARGUMENTS[name]]
    ended = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert ended.returncode == 2
    [line] = ended.stderr.splitlines()
    assert line.startswith("error: this command needs more than the base: ")
    assert line.endswith(f" is not installed; pip install 'speech-emotion[{extra}]'")
