"""What is asked about: files, folders, patterns and standard input."""

import glob
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from speech_emotion.core.errors import PipelineError, listed
from speech_emotion.corpora.clip_files import JUNK

STDIN = "-"
# Names that a recording in a folder has; a file that is named itself may have any name.
SOUND = (
    ".aac", ".aif", ".aifc", ".aiff", ".amr", ".au", ".caf", ".flac", ".m4a", ".m4b", ".mp2", ".mp3", ".oga", ".ogg",
    ".opus", ".rf64", ".snd", ".w64", ".wav", ".wave", ".wma",
)  # fmt: skip
VIDEO = (".3gp", ".avi", ".flv", ".m4v", ".mkv", ".mov", ".mp4", ".mpeg", ".mpg", ".ogv", ".webm", ".wmv")


@dataclass(frozen=True)
class Inputs:
    """Recordings in the order in which they are answered, and what stands in their way."""

    recordings: list[str] = field(default_factory=list)  # paths as given, `-` for standard input
    problems: list[PipelineError] = field(default_factory=list)  # of inputs that give no recording
    notes: list[str] = field(default_factory=list)  # on what is left out


def find(arguments: Sequence[str]) -> Inputs:
    """Return the recordings that `arguments` name.

    A folder stands for the recordings below it, sorted, without hidden files and without what operating systems leave
    there; links are followed, each folder once. A pattern such as `takes/**/*.wav` counts where no file has that name.
    """
    inputs = Inputs()
    for argument in arguments:
        if argument != STDIN and not os.path.lexists(argument) and glob.has_magic(argument):
            _add_matches(argument, inputs)
        else:
            _add(argument, inputs)
    return inputs


def _add_matches(pattern: str, inputs: Inputs) -> None:
    matches = sorted(glob.glob(pattern, recursive=True))  # noqa: PTH207 (a Path drops a leading `./`)
    if not matches:
        inputs.problems.append(PipelineError(f"{pattern}: no file matches; check the pattern"))
    for match in matches:
        # `**` matches folders and what is in them, too.
        twice = "**" in pattern and os.path.isdir(match)  # noqa: PTH112
        if not twice and not any(part.lower() in JUNK for part in Path(match).parts):
            _add(match, inputs)


def _add(name: str, inputs: Inputs) -> None:
    if name == STDIN or not os.path.isdir(name):  # noqa: PTH112
        inputs.recordings.append(name)
        return
    files = sorted(_walk(name, inputs.problems))
    recordings = [file for file in files if os.path.splitext(file)[1].lower() in (*SOUND, *VIDEO)]  # noqa: PTH122
    if others := [os.path.relpath(file, name) for file in files if file not in set(recordings)]:
        inputs.notes.append(f"{name}: left out what is no recording by its name: {listed(others)}")
    if not recordings:
        inputs.problems.append(PipelineError(f"{name}: is a folder without recordings; name a file, or another folder"))
    inputs.recordings.extend(recordings)


def _walk(folder: str, problems: list[PipelineError]) -> Iterator[str]:
    def refuse(error: OSError) -> None:
        way_out = "give yourself the right to read it, or leave it out"
        problems.append(PipelineError(f"{error.filename}: cannot be read ({error.strerror}); {way_out}"))

    seen = set()
    for place, folders, files in os.walk(folder, onerror=refuse, followlinks=True):
        if os.path.realpath(place) in seen:
            folders.clear()
            continue
        seen.add(os.path.realpath(place))
        folders[:] = sorted(name for name in folders if not _is_junk(name))
        yield from (os.path.join(place, name) for name in files if not _is_junk(name))  # noqa: PTH118


def _is_junk(name: str) -> bool:
    return name.startswith(".") or name.lower() in JUNK
