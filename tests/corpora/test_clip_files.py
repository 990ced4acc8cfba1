"""One walk over folders of any shape."""

from pathlib import Path, PurePosixPath, PureWindowsPath

import pytest

from speech_emotion.corpora.clip_files import clip_name, corpus_files


def write(folder: Path, *names: str) -> None:
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).touch()


def test_hidden_files_and_junk_are_left_out(tmp_path: Path) -> None:
    write(tmp_path, "b/2.wav", "a.wav", ".DS_Store", "b/._2.wav", "__MACOSX/b/2.wav", ".git/3.wav", "notes.txt")
    assert corpus_files(tmp_path) == [tmp_path / "a.wav", tmp_path / "b/2.wav", tmp_path / "notes.txt"]


def test_links_are_followed_and_loops_are_not(tmp_path: Path) -> None:
    write(tmp_path, "elsewhere/1.wav", "corpus/2.wav", "3.wav")
    corpus = tmp_path / "corpus"
    (corpus / "linked").symlink_to(tmp_path / "elsewhere")
    (corpus / "linked.wav").symlink_to(tmp_path / "3.wav")
    (tmp_path / "elsewhere" / "back").symlink_to(corpus)
    (corpus / "itself").symlink_to(corpus)
    assert corpus_files(corpus) == [corpus / "2.wav", corpus / "linked" / "1.wav", corpus / "linked.wav"]


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
