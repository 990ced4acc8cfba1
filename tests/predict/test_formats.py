"""Answers as tables, lines, JSON, CSV, subtitles and labels."""

import csv
import io
import json

import pytest

from speech_emotion.predict import formats, timeline
from tests.predict.answers import EMOTIONS, moments, prediction

ANSWERS = [
    ("a.wav", prediction()),
    ("takes/long name.flac", prediction(None, 0.3)),
    ("café.ogg", prediction(reason="no speech")),
]
SPOKEN = ["happy", "happy", None, None, "sad"]
TIMED = [("talk.mp3", moment) for moment in moments(SPOKEN)]


def test_a_table_is_aligned() -> None:
    names = [name for name, _ in ANSWERS]
    assert list(formats.as_table(names, 2)(ANSWERS)) == [
        "file                  emotion    confidence  candidates",
        "a.wav                 happy            0.72  happy 0.72  sad 0.11",
        "takes/long name.flac  uncertain        0.30  happy 0.30  sad 0.28",
        "café.ogg              no speech",
    ]


@pytest.mark.parametrize(
    ("names", "width"),
    [(["感情.wav"], 8), (["cafe\u0301.wav"], 8), (["a\x1b[31m.wav"], 13), (["x" * 100], formats.WIDEST_NAME)],
)
def test_a_table_is_aligned_whatever_the_names(names: list[str], width: int) -> None:
    head, row = formats.as_table(names, 1)([(names[0], prediction())])
    assert head.index("emotion") == width + 2
    assert formats.columns(row[: row.index("happy")]) == width + 2
    assert "\x1b" not in row


def test_lines_have_tabs_between() -> None:
    first, second, third = (line.split("\t") for line in formats.as_lines(1)(ANSWERS))
    assert first == ["a.wav", "happy", "0.7200", "happy 0.7200"]
    assert second == ["takes/long name.flac", "uncertain", "0.3000", "happy 0.3000"]
    assert third == ["café.ogg", "no speech", "", ""]


def test_a_name_stays_one_line_and_one_field() -> None:
    [line] = formats.as_lines(8)([("a\tb\nc\x07.wav", prediction())])
    assert line.split("\t")[0] == r"a\tb\nc\x07.wav"
    _, row = formats.as_csv([('a,"b".wav', prediction())])
    assert next(csv.reader([row]))[0] == 'a,"b".wav'


def test_json_has_one_object_a_line_with_all_probabilities() -> None:
    objects = [json.loads(line) for line in formats.as_json([*ANSWERS, ("a\udce9\n.wav", prediction())])]
    assert [one["emotion"] for one in objects] == ["happy", "uncertain", "no speech", "happy"]
    assert objects[0]["probabilities"]["sad"] == pytest.approx(0.112)
    assert list(objects[1]["probabilities"]) == list(EMOTIONS)
    assert objects[2]["confidence"] is None
    assert set(objects[2]["probabilities"].values()) == {None}
    assert objects[3]["file"] == "a\\xe9\n.wav"


def test_csv_has_a_column_an_emotion() -> None:
    rows = list(csv.DictReader(io.StringIO("\n".join(formats.as_csv(ANSWERS)))))
    assert list(rows[0]) == ["file", "duration_s", "emotion", "confidence", *EMOTIONS]
    assert [row["emotion"] for row in rows] == ["happy", "uncertain", "no speech"]
    assert float(rows[0]["happy"]) == float(rows[0]["confidence"]) == pytest.approx(0.72)
    assert rows[2]["confidence"] == rows[2]["happy"] == ""


def test_without_answers_nothing_is_said() -> None:
    for style in (formats.as_json, formats.as_csv, formats.as_lines(3), timeline.as_srt, timeline.as_csv):
        assert list(style([])) == []  # type: ignore[operator]


def test_neighbouring_moments_of_one_emotion_are_one_segment() -> None:
    found = list(timeline.segments(moments(SPOKEN)))
    assert [(one.start_s, one.end_s, one.label) for one in found] == [
        (0.0, 1.0, "happy"), (1.0, 2.0, "no speech"), (2.0, 2.5, "sad"),
    ]  # fmt: skip
    assert [one.confidence for one in found] == [pytest.approx(0.72), None, pytest.approx(0.72)]


def test_a_timeline_as_table_and_lines() -> None:
    assert list(timeline.as_table(TIMED)) == [
        "talk.mp3",
        "  00:00:00.000  00:00:01.000  happy      0.72",
        "  00:00:01.000  00:00:02.000  no speech",
        "  00:00:02.000  00:00:02.500  sad        0.72",
    ]
    assert list(timeline.as_lines(TIMED))[1:] == [
        "talk.mp3\t1.00\t2.00\tno speech\t",
        "talk.mp3\t2.00\t2.50\tsad\t0.7200",
    ]


def test_recordings_are_kept_apart() -> None:
    two = [*TIMED[:1], ("other.wav", TIMED[0][1])]
    assert [line for line in timeline.as_table(two) if line.endswith((".mp3", ".wav"))] == ["talk.mp3", "other.wav"]
    assert [line.split("\t")[0] for line in timeline.as_lines(two)] == ["talk.mp3", "other.wav"]


def test_subtitles_and_labels_leave_out_where_nobody_speaks() -> None:
    assert "\n".join(timeline.as_srt(TIMED)) == (
        "1\n00:00:00,000 --> 00:00:01,000\nhappy 72%\n\n2\n00:00:02,000 --> 00:00:02,500\nsad 72%\n"
    )
    assert list(timeline.as_audacity(TIMED)) == ["0.000000\t1.000000\thappy 72%", "2.000000\t2.500000\tsad 72%"]


def test_json_and_csv_have_each_moment() -> None:
    objects = [json.loads(line) for line in timeline.as_json(TIMED)]
    assert [(one["start_s"], one["end_s"], one["emotion"]) for one in objects[1:3]] == [
        (0.5, 1.0, "happy"), (1.0, 1.5, "no speech"),
    ]  # fmt: skip
    rows = list(csv.DictReader(io.StringIO("\n".join(timeline.as_csv(TIMED)))))
    assert [float(row["start_s"]) for row in rows] == [0.0, 0.5, 1.0, 1.5, 2.0]
    assert list(rows[0])[:5] == ["file", "start_s", "end_s", "emotion", "confidence"]


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0, "00:00:00,000"), (59.9996, "00:01:00,000"), (3661.5, "01:01:01,500"), (360_000, "100:00:00,000")],
)
def test_times_are_written_as_subtitles_want_them(seconds: float, text: str) -> None:
    assert timeline.clock(seconds, ",") == text
