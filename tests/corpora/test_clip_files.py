"""One walk over folders of any shape."""

import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path, PurePosixPath, PureWindowsPath

import pytest

from speech_emotion.core.errors import PipelineError
from speech_emotion.corpora.clip_files import clip_name, corpus_files

NOBODY = 65534
JUNK = (
    ".DS_Store",
    "b/._2.wav",
    "__MACOSX/b/2.wav",
    ".git/3.wav",
    "Thumbs.db",
    "b/thumbs.DB",
    "Desktop.ini",
    "._a.wav",
)


def write(folder: Path, *names: str) -> None:
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).touch()


def test_hidden_files_and_junk_are_left_out(tmp_path: Path) -> None:
    write(tmp_path, "b/2.wav", "a.wav", "notes.txt", *JUNK)
    (tmp_path / ".broken").symlink_to("nowhere")
    assert corpus_files(tmp_path) == [tmp_path / "a.wav", tmp_path / "b/2.wav", tmp_path / "notes.txt"]


def test_links_are_followed_and_loops_are_not(tmp_path: Path) -> None:
    write(tmp_path, "elsewhere/1.wav", "corpus/2.wav", "3.wav")
    corpus = tmp_path / "corpus"
    (corpus / "linked").symlink_to(tmp_path / "elsewhere")
    (corpus / "linked.wav").symlink_to(tmp_path / "3.wav")
    (tmp_path / "elsewhere" / "back").symlink_to(corpus)
    (corpus / "itself").symlink_to(corpus)
    assert corpus_files(corpus) == [corpus / "2.wav", corpus / "linked" / "1.wav", corpus / "linked.wav"]


def test_a_link_to_what_is_there_already_is_no_second_copy(tmp_path: Path) -> None:
    write(tmp_path, "corpora/mine/Actor_01/1.wav", "corpora/other/2.wav")
    corpus = tmp_path / "corpora" / "mine"
    (corpus / "A first name").symlink_to("Actor_01")
    (corpus / "up").symlink_to(tmp_path / "corpora")
    assert corpus_files(corpus) == [corpus / "Actor_01" / "1.wav"]


def test_without_a_folder_there_are_no_files(tmp_path: Path) -> None:
    assert corpus_files(tmp_path / "absent") == []


@pytest.fixture
def as_nobody() -> Iterator[Path]:
    """A folder that the user for this test, who is not root, owns."""
    folder, user = Path(tempfile.mkdtemp()), os.geteuid()
    if user == 0:
        os.chown(folder, NOBODY, -1)
        os.seteuid(NOBODY)
    try:
        yield folder
    finally:
        os.seteuid(user)
        shutil.rmtree(folder)


@pytest.mark.parametrize(
    ("locked", "mode"), [("Actor_02", 0), ("Actor_02", 0o444), ("Actor_02/2.wav", 0), ("linked", 0)]
)
def test_what_cannot_be_read_is_named(as_nobody: Path, locked: str, mode: int) -> None:
    write(as_nobody, "corpus/Actor_01/1.wav", "corpus/Actor_02/2.wav", "elsewhere/3.wav")
    corpus = as_nobody / "corpus"
    (corpus / "linked").symlink_to(as_nobody / "elsewhere")
    (corpus / locked).chmod(mode)
    with pytest.raises(PipelineError, match=f"^{corpus / locked}.*read.*; give yourself the right to read it") as error:
        corpus_files(corpus)
    assert "\n" not in str(error.value)
    (corpus / locked).chmod(0o755)


def test_links_that_lead_nowhere_and_pipes_are_named(tmp_path: Path) -> None:
    (tmp_path / "gone.wav").symlink_to("absent")
    with pytest.raises(PipelineError, match=r"gone\.wav: is no file that can be read"):
        corpus_files(tmp_path)
    (tmp_path / "gone.wav").unlink()
    os.mkfifo(tmp_path / "pipe.wav")
    with pytest.raises(PipelineError, match=r"pipe\.wav: is no file that can be read"):
        corpus_files(tmp_path)


@pytest.mark.parametrize(
    ("path", "name"),
    [
        (PurePosixPath("a/b.WAV"), "a/b"),
        (PureWindowsPath("a\\b.flac"), "a/b"),
        (PurePosixPath("./a//v1.2.wav"), "a/v1.2"),
        (PurePosixPath("a/v1.2"), "a/v1.2"),
        (PurePosixPath("Jo\u0308rg.wav"), "J\u00f6rg"),  # as macOS spells names
    ],
)
def test_a_clip_has_one_name_however_its_path_is_spelt(path: PurePosixPath, name: str) -> None:
    assert clip_name(path) == name
