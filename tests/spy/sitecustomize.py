"""On PYTHONPATH, this writes each section of params.yaml that a stage reads into the file that SECTIONS_READ names.

Python runs it at start, before the stage: the one place from which a stage is seen as `dvc repro` runs it.
"""

import os
import sys
from pathlib import Path
from typing import Any

if sys.orig_argv[1:2] == ["-m"] and sys.orig_argv[2].startswith("stages."):
    sys.path.insert(0, str(Path.cwd()))  # `-m` does that a little later
    from speech_emotion.core import params

    read_section = params.read_section

    def spying(path: Path, section: str) -> Any:
        with Path(os.environ["SECTIONS_READ"]).open("a") as log:
            log.write(f"{' '.join(sys.orig_argv[1:])}\t{section}\n")
        return read_section(path, section)

    params.read_section = spying
    sys.path.pop(0)
