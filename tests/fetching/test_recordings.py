"""Folders of any shape: nested, flat, doubled, littered, or with recordings that do not belong."""

from pathlib import Path

import pytest

from speech_emotion.core.errors import PipelineError
from speech_emotion.fetching.recordings import find_recordings, identity

PUBLISHED = ["OAF_Fear/OAF_back_fear"]


def write(folder: Path, *names: str, content: bytes = b"x") -> Path:
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)
    return folder


def names(corpus: str, folder: Path) -> list[str]:
    return [path.relative_to(folder).as_posix() for path in find_recordings(corpus, folder, PUBLISHED).values()]


@pytest.mark.parametrize("name", ["OAF_Fear/OAF_back_fear.wav", "OAF_back_fear.WAV", "a/b/c/OAF_back_fear.flac"])
def test_any_depth_and_either_container(tmp_path: Path, name: str) -> None:
    assert names("tess", write(tmp_path, name)) == [name]


def test_of_identical_copies_the_first_is_taken(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    inner = "TESS Toronto emotional speech set data/TESS Toronto emotional speech set data/OAF_Fear/OAF_back_fear.wav"
    outer = "TESS Toronto emotional speech set data/OAF_Fear/OAF_back_fear.wav"
    assert names("tess", write(tmp_path, inner, outer)) == [outer]
    assert capsys.readouterr().out == "tess: ignored 1 identical copies of clips\n"


def test_copies_that_differ_are_both_named(tmp_path: Path) -> None:
    write(tmp_path, "a/OAF_back_fear.wav", content=b"one")
    write(tmp_path, "b/OAF_back_fear.wav", content=b"two")
    with pytest.raises(PipelineError) as caught:
        find_recordings("tess", tmp_path, PUBLISHED)
    first, second = tmp_path / "a/OAF_back_fear.wav", tmp_path / "b/OAF_back_fear.wav"
    assert f"{first} and {second} are the same clip with other bytes" in str(caught.value)


def test_the_clip_that_is_spelt_oa_is_the_one_that_is_spelt_oaf(tmp_path: Path) -> None:
    assert identity("tess", "OA_bite_neutral") == identity("tess", "OAF_bite_neutral")
    write(tmp_path, "OA_bite_neutral.wav", "OAF_bite_neutral.wav")
    found = find_recordings("tess", tmp_path, ["OAF_neutral/OA_bite_neutral"])
    assert found == {"OAF_neutral/OA_bite_neutral": tmp_path / "OAF_bite_neutral.wav"}


def test_ones_own_corpus_is_known_by_its_folders(tmp_path: Path) -> None:
    write(tmp_path, "mine/anna/1.wav", "mine/jan/1.wav", "mine/jan/2.WAV")
    found = find_recordings("mine", tmp_path, ["anna/1", "jan/1"])
    assert found == {
        "anna/1": tmp_path / "mine/anna/1.wav",
        "jan/1": tmp_path / "mine/jan/1.wav",
        "mine/jan/2": tmp_path / "mine/jan/2.WAV",
    }


def test_other_files_are_counted(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    litter = ["README.txt", "OAF_back_sad.mp3", ".DS_Store", "__MACOSX/OAF_Fear/._OAF_back_fear.wav"]
    assert names("tess", write(tmp_path, "OAF_back_fear.wav", *litter)) == ["OAF_back_fear.wav"]
    assert capsys.readouterr().out == "tess: ignored 2 files that are neither WAV nor FLAC\n"


@pytest.mark.parametrize(
    ("corpus", "name", "complaint"),
    [
        ("ravdess", "03-02-01-01-01-01-01.wav", r"is a song \(channel 02\)"),
        ("ravdess", "01-01-06-01-02-01-12.wav", "modality 01 is unknown"),
        ("tess", "interview.wav", "is no TESS name"),
        ("tess", "03-01-06-01-02-01-12.wav", "is no TESS name"),
    ],
)
def test_recordings_that_do_not_belong(tmp_path: Path, corpus: str, name: str, complaint: str) -> None:
    with pytest.raises(PipelineError, match=complaint):
        find_recordings(corpus, write(tmp_path, name), ())
