"""Tables as spreadsheets, other systems and audb write them."""

from pathlib import Path

import pytest

from speech_emotion.core.errors import PipelineError
from speech_emotion.own_voices.table import read_table


def write(folder: Path, table: str, *clips: str, encoding: str = "utf-8") -> Path:
    for clip in clips or ("a.wav", "men/b.FLAC"):
        (folder / clip).parent.mkdir(parents=True, exist_ok=True)
        (folder / clip).touch()
    path = folder / "mine.csv"
    path.write_bytes(table.encode(encoding))
    return path


@pytest.mark.parametrize(
    "table",
    [
        "path,emotion,speaker\na.wav,sad,Eva\nmen/b.FLAC,Zorn,tom\n",
        "\ufeffpath,emotion,speaker\r\na.wav,sad,Eva\r\nmen/b.FLAC,Zorn,tom\r\n",
        "path;emotion;speaker\r\na.wav;sad;Eva\r\n\r\nmen/b.FLAC;Zorn;tom\r\n",
        "path\temotion\tspeaker\na.wav\tsad\tEva\nmen/b.FLAC\tZorn\t tom \n",
        'Path,Emotion,Speaker\n"a.wav",sad,Eva\n.\\men\\b.FLAC,Zorn,tom',
        "speaker_id,file_id,emotion\nEva,a.wav,sad\ntom,men/b.FLAC,Zorn\n",
        "path,emotion,speaker\nC:\\Users\\eva\\clips\\a.wav,sad,Eva\nD:\\x\\men\\b.FLAC,Zorn,tom\n",
        "path,emotion,speaker\n/home/eva/clips/a.wav,sad,Eva\n/home/eva/clips/men/b.FLAC,Zorn,tom\n",
        "file,emotion,speaker\na.wav,sad,Eva\nmen/b.FLAC,Zorn,tom\n",
        "file,start,end,emotion,speaker\na.wav,0 days,,sad,Eva\nmen/b.FLAC,0 days 00:00:00,NaT,Zorn,tom\n",
    ],
)
def test_all_forms_say_the_same(tmp_path: Path, table: str) -> None:
    found = read_table(write(tmp_path, table))
    assert [(row.file, row.emotion, row.speaker) for row in found.rows] == [
        (tmp_path / "a.wav", "sad", "Eva"),
        (tmp_path / "men/b.FLAC", "Zorn", "tom"),
    ]
    assert found.folder == tmp_path
    assert found.names() == ["a", "men/b"]
    assert found.ignored == ()


def test_absolute_paths_below_the_table_and_elsewhere(tmp_path: Path) -> None:
    folder, elsewhere = tmp_path / "here", tmp_path / "voices"
    write(elsewhere, "", "eva/a.wav", "tom/b.wav")
    below = read_table(write(folder, f"path,emotion\n{folder}/c.wav,sad\n", "c.wav"))
    assert (below.folder, below.names()) == (folder, ["c"])
    others = read_table(
        write(folder, f"path,emotion\n{elsewhere}/eva/a.wav,sad\n{elsewhere}/tom/b.wav,happy\n", "c.wav")
    )
    assert (others.folder, others.names()) == (elsewhere, ["eva/a", "tom/b"])


def test_other_words_for_sex_and_part(tmp_path: Path) -> None:
    table = "path,emotion,gender,split,age\na.wav,sad,F,dev,3\nmen/b.FLAC,sad,male,test,4\n"
    found = read_table(write(tmp_path, table))
    assert [(row.sex, row.part) for row in found.rows] == [("female", "valid"), ("male", "test")]
    assert found.ignored == ("age",)


@pytest.mark.parametrize(
    ("table", "encoding", "says"),
    [
        ("path,emotion\nł.wav,smutek\n", "iso8859-2", r"mine\.csv: is not UTF-8 \(byte 0xb3 at 13\); save it as CSV"),
        ("path,emotion\na.wav,sad\n", "utf-16", r"mine\.csv: is not UTF-8 \(byte 0xff at 0\)"),
        ("", "utf-8", "needs the columns path and emotion, lacks path and emotion; it has no rows"),
        ("path,feeling\na.wav,sad\n", "utf-8", "lacks emotion; it has path, feeling"),
        ("path,emotion\n", "utf-8", "has no rows; add one a clip"),
        ("path,emotion\na.wav,sad,very\n", "utf-8", "line 2 has 3 fields, more than the header's 2; put a text"),
        ('path,emotion\n"a.wav,sad\n', "utf-8", r"line 2 cannot be read \(unexpected end of data\)"),
    ],
)
def test_what_is_no_table_is_one_line(tmp_path: Path, table: str, encoding: str, says: str) -> None:
    with pytest.raises(PipelineError, match=says) as caught:
        read_table(write(tmp_path, table, encoding=encoding))
    assert "\n" not in str(caught.value)


def test_a_missing_table_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(PipelineError, match=r"none\.csv: cannot be read \(No such file or directory\); check the path"):
        read_table(tmp_path / "none.csv")
