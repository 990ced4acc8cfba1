"""Files, folders, patterns: which recordings they stand for."""

import os
from pathlib import Path

import pytest

from speech_emotion.predict.inputs import find


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    names = (
        "a.wav", "b.FLAC", "takes/1.mp3", "takes/deep/2.opus", "takes/notes.txt", "takes/.hidden.wav",
        "takes/__MACOSX/3.wav", "takes/Thumbs.db", "takes/.git/4.wav", "[x].wav", "named.wav/5.ogg", "film/6.mp4",
    )  # fmt: skip
    for name in names:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    (tmp_path / "empty").mkdir()
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize(
    ("arguments", "recordings"),
    [
        (["a.wav"], ["a.wav"]),
        (["a.wav", "b.FLAC", "a.wav"], ["a.wav", "b.FLAC", "a.wav"]),
        (["-", "a.wav", "./-"], ["-", "a.wav", "./-"]),
        (["takes"], ["takes/1.mp3", "takes/deep/2.opus"]),
        (["takes/"], ["takes/1.mp3", "takes/deep/2.opus"]),
        (["film", "takes/notes.txt"], ["film/6.mp4", "takes/notes.txt"]),
        (["named.wav"], ["named.wav/5.ogg"]),
        (["*.wav"], ["[x].wav", "a.wav", "named.wav/5.ogg"]),
        (["takes/**/*.opus"], ["takes/deep/2.opus"]),
        (["takes/**"], ["takes/1.mp3", "takes/deep/2.opus", "takes/notes.txt"]),
        (["[x].wav"], ["[x].wav"]),
        (["absent.wav"], ["absent.wav"]),  # opening it will say so
    ],
)
def test_arguments_stand_for_recordings(arguments: list[str], recordings: list[str]) -> None:
    inputs = find(arguments)
    assert (sorted(inputs.recordings), inputs.problems) == (sorted(recordings), [])


def test_what_is_left_out_is_said_and_what_gives_nothing_is_a_problem() -> None:
    inputs = find(["takes", "empty", "*.xyz"])
    assert inputs.notes == ["takes: left out what is no recording by its name: notes.txt"]
    assert [str(problem) for problem in inputs.problems] == [
        "empty: is a folder without recordings; name a file, or another folder",
        "*.xyz: no file matches; check the pattern",
    ]


def test_links_are_followed_and_loops_end(folder: Path) -> None:
    (folder / "takes" / "deep" / "up").symlink_to(folder / "takes")
    (folder / "takes" / "other").symlink_to(folder / "film")
    assert find(["takes"]).recordings == ["takes/1.mp3", "takes/deep/2.opus", "takes/other/6.mp4"]


def test_a_folder_that_cannot_be_read_is_named_and_the_others_are_walked(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = os.scandir

    def forbidden(path: str) -> object:
        if str(path).endswith("deep"):
            raise PermissionError(13, "Permission denied", path)
        return real(path)

    monkeypatch.setattr(os, "scandir", forbidden)  # root may read everything
    inputs = find(["takes"])
    assert inputs.recordings == ["takes/1.mp3"]
    [problem] = inputs.problems
    assert str(problem).startswith("takes/deep: cannot be read (Permission denied)")
