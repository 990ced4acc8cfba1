"""What check-corpus says of a table before a stage would fail."""

from pathlib import Path

import numpy as np
import pytest
import soundfile

from speech_emotion import cli
from speech_emotion.core.errors import PipelineError
from speech_emotion.own_voices.check import Checked, check
from speech_emotion.own_voices.parts import parts_of
from speech_emotion.own_voices.table import Row, read_table
from tests.own_corpus import LABELS, WORDS, write_own_corpus
from tests.small_corpora import tone, write_clip

HEADER = "path,emotion,speaker,sex,part"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Three clips of three tones."""
    for place, name in enumerate(("a", "b", "c")):
        write_clip(tmp_path / f"{name}.wav", tone(300 + 20 * place, 16000, duration_s=0.5))
    return tmp_path


def checked(folder: Path, *rows: str, labels: dict[str, str] | None = None) -> Checked:
    path = folder / "mine.csv"
    path.write_text("\n".join((HEADER, *rows)), encoding="utf-8")
    return check(read_table(path), labels or {})


def wrong(found: Checked) -> dict[str, tuple[str, ...]]:
    return {problem.what: problem.names for problem in found.problems if problem.fails}


def notes(found: Checked) -> dict[str, tuple[str, ...]]:
    return {problem.what: problem.names for problem in found.problems if not problem.fails}


GOOD = ("a.wav,sad,Eva,female,", "b.wav,happy,Tom,male,", "c.wav,sad,Ida,female,")


def test_a_good_table_has_notes_alone(folder: Path) -> None:
    found = checked(folder, *GOOD)
    assert not found.fails
    assert notes(found) == {
        "2 emotions have fewer than 10 clips": ("happy 1", "sad 2"),
        "6 of the eight emotions have no clip": ("neutral", "calm", "angry", "fearful", "disgust", "surprised"),
    }
    assert [recording.duration_s for recording in found.recordings.values()] == [0.5] * 3


def test_unknown_words_come_with_the_emotion_that_is_meant(folder: Path) -> None:
    rows = ("a.wav,sadness,Eva,female,", "b.wav,zadowolenie,Tom,male,", "c.wav,,Ida,female,")
    assert wrong(checked(folder, *rows)) == {
        "2 label words are none of the eight emotions; map them with --label WORD=EMOTION": (
            "sadness (is it sad?)",
            "zadowolenie",
        ),
        "1 rows have no emotion; add it, or take them out": ("line 4",),
    }
    found = checked(folder, *rows[:2], GOOD[2], labels={"sadness": "sad", "zadowolenie": "happy"})
    assert not found.fails
    with pytest.raises(
        PipelineError, match=r"^emotion 'anger' is unknown \(is it angry\?\); take one of neutral, calm"
    ):
        check(found.table, {"Zorn": "anger"})


def test_files_that_cannot_be_used(folder: Path) -> None:
    (folder / "a.wav").write_bytes(b"no sound")
    (folder / "b.wav").write_bytes(b"")
    soundfile.write(folder / "silent.wav", np.zeros(8000), 16000)
    (folder / "c.mp3").touch()
    files = ("a.wav", "b.wav", "c.wav", "silent.wav", "c.mp3", "lost.wav")
    [(what, names)] = wrong(checked(folder, *(f"{file},sad,Eva,female," for file in files))).items()
    assert what == "5 files cannot be used; mend them, or take their rows out"
    assert [name.split()[0] for name in names] == ["a.wav", "b.wav", "silent.wav", "c.mp3", "lost.wav"]
    for name, says in zip(
        names, ("cannot be decoded", "cannot be", "silence", "neither WAV nor", "not there"), strict=True
    ):
        assert says in name


@pytest.mark.parametrize(
    ("rows", "problem"),
    [
        (("a.wav,sad,Eva,,train", "b.wav,sad,Eva,,test", "c.wav,sad,Tom,,valid"), "Eva in test and train"),
        (("a.wav,sad,Eva,,train", "b.wav,sad,Tom,,", "c.wav,sad,Ida,,test"), "line 3"),
        (("a.wav,sad,Eva,,train", "b.wav,sad,Tom,,later", "c.wav,sad,Ida,,test"), "line 3: later"),
        (("a.wav,sad,../Eva,,", "b.wav,sad,Tom,,", "c.wav,sad,Ida,,"), "../Eva"),
        (("a.wav,sad,Eva,,", "./a.wav,sad,Eva,,", "b.wav,sad,Tom,,", "c.wav,sad,Ida,,"), "a"),
        (("a.wav,sad,Eva,,", "b.wav,sad,Tom,,"), "c"),
    ],
)
def test_what_the_rows_get_wrong(folder: Path, rows: tuple[str, ...], problem: str) -> None:
    assert list(wrong(checked(folder, *rows)).values()) == [(problem,)]


def test_copies_fail_where_they_leak_or_contradict(folder: Path) -> None:
    (folder / "b.wav").write_bytes((folder / "a.wav").read_bytes())
    same = checked(folder, "a.wav,sad,Eva,,", "b.wav,sad,Eva,,", "c.wav,sad,Ida,,")
    assert not same.fails
    assert notes(same)["1 recordings are there several times"] == ("a.wav = b.wav",)
    torn = checked(folder, "a.wav,sad,Eva,,", "b.wav,happy,Eva,,", "c.wav,sad,Ida,,")
    assert wrong(torn) == {"1 recordings are the same under different emotions; keep the right one": ("a.wav = b.wav",)}
    leak = checked(folder, "a.wav,sad,Eva,,train", "b.wav,sad,Tom,,test", "c.wav,sad,Ida,,valid")
    [what] = wrong(leak)
    assert what == "1 recordings are the same under speakers of different parts; keep one of each"


def test_lengths_levels_and_parts_of_files(tmp_path: Path) -> None:
    times = np.arange(16000 * 31) / 16000
    wave = np.sin(2 * np.pi * 300 * times)
    for name, samples in {
        "short": 0.5 * wave[:3200], "long": 0.4 * wave, "quiet": 0.001 * wave[:16000], "loud": np.sign(wave[:8000]),
    }.items():  # fmt: skip
        soundfile.write(tmp_path / f"{name}.wav", samples, 16000)
    table = "file,start,end,emotion\n" + "".join(f"{name}.wav,0 days,,sad\n" for name in ("short", "quiet", "loud"))
    path = tmp_path / "mine.csv"
    path.write_text(table + "long.wav,0 days 00:00:01,0 days 00:00:02.5,sad\n", encoding="utf-8")
    found = check(read_table(path), {})
    assert list(wrong(found).values()) == [("long.wav",)]
    told = notes(found)
    assert told["1 clips are shorter than 0.3 s"] == ("short.wav",)
    assert told["1 clips are quieter than -55 dB"] == ("quiet.wav",)
    assert told["1 clips have over 1% of their samples at full scale"] == ("loud.wav",)
    assert told["1 clips are longer than 30 s: the speech encoder hears the middle"] == ("long.wav",)


@pytest.mark.parametrize(("voices", "sizes"), [(1, (1, 0, 0)), (2, (1, 0, 1)), (3, (1, 1, 1)), (9, (5, 2, 2))])
def test_speakers_get_parts(voices: int, sizes: tuple[int, int, int]) -> None:
    rows = [
        Row(number, "", Path(), "sad", f"v{number}", ("female", "male")[number % 2], "", "", "", "", "")
        for number in range(voices)
    ]
    parts = parts_of(rows)
    assert tuple(len(parts[part]) for part in ("train", "valid", "test")) == sizes
    if voices == 9:  # a woman and a man each
        assert [{int(name[1:]) % 2 for name in parts[part]} for part in ("valid", "test")] == [{0, 1}] * 2
    assert parts_of(rows[::-1]) == parts


def test_the_command_shows_a_table_and_fails_where_a_stage_would(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    table = write_own_corpus(tmp_path) / "clips.csv"
    assert cli.main(["check-corpus", str(table)]) == 1
    printed = capsys.readouterr().out
    assert "it cannot be added as it is" in printed
    assert "add --label Wut=? --label freude=? --label ruhig=?" in printed
    assert cli.main(["check-corpus", str(table), *LABELS]) == 0
    lines = [line.split() for line in capsys.readouterr().out.splitlines()]
    for emotion in WORDS.values():
        assert [emotion, "4", "2", "2", "8"] in lines
    assert ["speakers", "2", "1", "1", "4"] in lines
    assert cli.main(["check-corpus", str(table), "--label", "Wut"]) == 2
    assert "--label Wut: is not WORD=EMOTION" in capsys.readouterr().err
