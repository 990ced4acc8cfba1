"""Folders of clips to the table of labels."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import soundfile

from speech_emotion.clips import LABEL_COLUMNS, read_labels
from speech_emotion.core.errors import PipelineError
from speech_emotion.core.params import read_section
from speech_emotion.labels import check_emotion_map, label_corpora
from stages.labels import main
from tests.published import ROOT, real_corpora

RATE_HZ = 8000
EMOTIONS = check_emotion_map(read_section(ROOT / "params.yaml", "labels"))
Write = Callable[..., Path]


@pytest.fixture
def raw(tmp_path: Path) -> Path:
    return tmp_path / "raw"


@pytest.fixture
def write(raw: Path) -> Write:
    """Write a quarter of a second of tone, another one for every `hz`."""

    def write_tone(name: str, hz: float, *, channels: int = 1, rate_hz: int = RATE_HZ) -> Path:
        # Integers, because libsndfile rounds floats differently for WAV and FLAC.
        tone = np.int16(np.sin(2 * np.pi * hz * np.arange(rate_hz // 4) / rate_hz) * 16000)
        path = raw / name
        path.parent.mkdir(parents=True, exist_ok=True)
        soundfile.write(path, np.repeat(tone[:, None], channels, axis=1), rate_hz, subtype="PCM_16")
        return path

    return write_tone


@pytest.fixture
def small(raw: Path, write: Write) -> list[Path]:
    """A few clips of both corpora, with the quirks that the published ones have."""
    write("tess/OAF_Pleasant_surprise/OAF_back_ps.wav", 300)
    write("tess/OAF_neutral/OA_bite_neutral.wav", 310)
    write("tess/YAF_fear/YAF_food_fear.flac", 320, rate_hz=96000)
    write("ravdess/Actor_07/03-01-03-01-02-02-07.flac", 400, channels=2)
    write("ravdess/Actor_07/03-01-03-01-02-01-07.wav", 400)
    write("ravdess/Actor_02/03-01-02-02-01-01-02.wav", 410)
    return [raw / "tess", raw / "ravdess"]


def test_a_row_says_all_about_a_clip(small: list[Path]) -> None:
    labels = label_corpora(small, EMOTIONS)
    assert tuple(labels.columns) == LABEL_COLUMNS
    assert labels["path"].tolist() == [
        "Actor_02/03-01-02-02-01-01-02.wav",
        "Actor_07/03-01-03-01-02-01-07.wav",
        "Actor_07/03-01-03-01-02-02-07.flac",
        "OAF_Pleasant_surprise/OAF_back_ps.wav",
        "OAF_neutral/OA_bite_neutral.wav",
        "YAF_fear/YAF_food_fear.flac",
    ]
    kids, dogs = "Kids are talking by the door", "Dogs are sitting by the door"
    happy = ("ravdess", "ravdess/07", "male", "happy", "03", "normal", dogs, 0.25)
    assert [tuple(row) for row in labels.drop(columns="path").to_numpy()] == [
        ("ravdess/03-01-02-02-01-01-02", "ravdess", "ravdess/02", "female", "calm", "02", "strong", kids, 0.25, ""),
        ("ravdess/03-01-03-01-02-01-07", *happy, ""),
        # The same samples in stereo and in another format are a copy all the same.
        ("ravdess/03-01-03-01-02-02-07", *happy, "ravdess/03-01-03-01-02-01-07"),
        ("tess/OAF_back_ps", "tess", "tess/OAF", "female", "surprised", "ps", "", "back", 0.25, ""),
        ("tess/OA_bite_neutral", "tess", "tess/OAF", "female", "neutral", "neutral", "", "bite", 0.25, ""),
        ("tess/YAF_food_fear", "tess", "tess/YAF", "female", "fearful", "fear", "", "food", 0.25, ""),
    ]


def test_the_folders_name_says_nothing_about_the_emotion(raw: Path, write: Write) -> None:
    write("tess/OAF_Sad/OAF_back_angry.wav", 300)
    assert label_corpora([raw / "tess"], EMOTIONS)["emotion"].tolist() == ["angry"]


def test_all_copies_name_the_first(raw: Path, write: Write) -> None:
    for name in ("tess/YAF_x/YAF_dog_sad.wav", "tess/OAF_x/OAF_dog_sad.wav", "ravdess/a/03-01-01-01-01-01-24.wav"):
        write(name, 500)
    labels = label_corpora([raw / "tess", raw / "ravdess"], EMOTIONS)
    assert labels["duplicate_of"].tolist() == ["", "ravdess/03-01-01-01-01-01-24", "ravdess/03-01-01-01-01-01-24"]


def test_stereo_with_different_channels_is_no_copy(raw: Path, write: Write) -> None:
    mono = write("tess/a/OAF_dog_sad.wav", 500)
    left, rate_hz = soundfile.read(mono)
    soundfile.write(raw / "tess/a/OAF_dog_ps.wav", np.stack([left, -left], axis=1), rate_hz, subtype="PCM_16")
    assert label_corpora([raw / "tess"], EMOTIONS)["duplicate_of"].tolist() == ["", ""]


def test_the_stage_writes_the_same_bytes_again_and_they_read_back(small: list[Path], tmp_path: Path) -> None:
    targets = [tmp_path / "first.csv", tmp_path / "second.csv"]
    for folders, target in zip((small, small[::-1]), targets, strict=True):
        main([*map(str, folders), str(target), "--params", str(ROOT / "params.yaml")])
    assert targets[0].read_bytes() == targets[1].read_bytes()
    assert b"/03-01-02-02-01-01-02.wav,ravdess/02,female,calm,02,strong,Kids are talking by the door,0.250000,\n" in (
        targets[0].read_bytes()
    )
    pd.testing.assert_frame_equal(read_labels(targets[0]), label_corpora(small, EMOTIONS))


@pytest.mark.parametrize("name", [".DS_Store", "._OAF_back_ps.wav", "readme.txt"])
def test_what_is_no_recording_is_no_clip(small: list[Path], name: str) -> None:
    (small[0] / name).write_bytes(b"\0")
    assert len(label_corpora(small, EMOTIONS)) == 6


def test_foreign_recordings_are_refused(small: list[Path], write: Write) -> None:
    write("tess/interview.wav", 330)
    with pytest.raises(PipelineError, match=r"^tess/interview: is no TESS name"):
        label_corpora(small, EMOTIONS)


def test_an_absent_corpus_says_how_to_get_it(raw: Path) -> None:
    with pytest.raises(PipelineError, match="tess: holds no clips; run `dvc repro fetch@tess`"):
        label_corpora([raw / "tess"], EMOTIONS)


def test_one_clip_in_two_files_is_refused(small: list[Path], write: Write) -> None:
    write("tess/nested/OAF_Pleasant_surprise/OAF_back_ps.flac", 300)
    with pytest.raises(
        PipelineError, match=r"^tess/OAF_back_ps: is there twice, .*/OAF_back_ps\.wav and .*/nested/.*\.flac; "
    ):
        label_corpora(small, EMOTIONS)


def test_what_cannot_be_decoded_is_named(small: list[Path], write: Write) -> None:
    write("tess/a/OAF_dog_sad.wav", 300).write_bytes(b"RIFF, or not")
    with pytest.raises(PipelineError, match=r"OAF_dog_sad\.wav: cannot be decoded"):
        label_corpora(small, EMOTIONS)


def test_an_empty_recording_is_named(small: list[Path]) -> None:
    soundfile.write(small[0] / "OAF_dog_sad.wav", np.zeros(0), RATE_HZ)
    with pytest.raises(PipelineError, match=r"OAF_dog_sad\.wav: holds no samples"):
        label_corpora(small, EMOTIONS)


def test_words_that_the_parameters_do_not_map_are_named_once_with_a_proposal(small: list[Path]) -> None:
    without = {"ravdess": EMOTIONS["ravdess"], "tess": {"angry": "angry"}}
    with pytest.raises(PipelineError) as caught:
        label_corpora(small, without)
    assert str(caught.value).startswith(
        "params section 'labels.tess' does not map fear, ps; add {fear: fearful, ps: ?}, each of them one of neutral, "
    )
    with pytest.raises(PipelineError, match=r"'labels\.ravdess' does not map 02, 03; add \{02: \?, 03: \?\}"):
        label_corpora(small, {"tess": EMOTIONS["tess"]})


def test_a_word_that_is_an_emotion_needs_no_line(small: list[Path]) -> None:
    only_others = {**EMOTIONS, "tess": {"fear": "fearful", "ps": "surprised"}}
    pd.testing.assert_frame_equal(label_corpora(small, only_others), label_corpora(small, EMOTIONS))


@pytest.mark.parametrize(
    ("section", "says"),
    [
        (None, "'labels' is None; expected a table for each corpus"),
        ({"tess": "ps"}, r"'labels\.tess' is 'ps'; expected code: emotion"),
        ({"ravdess": {1: "neutral"}}, r"'labels\.ravdess': code 1 is no text; put it in quotes"),
        ({"tess": {"ps": "pleasant"}}, r"'labels\.tess': ps is 'pleasant'; take one of neutral, calm, .*, surprised$"),
        ({"tess": {"ps": None}}, r"'labels\.tess': ps is None; take one of"),
    ],
)
def test_a_wrong_emotion_map_is_refused(section: object, says: str) -> None:
    with pytest.raises(PipelineError, match=says):
        check_emotion_map(section)


@pytest.mark.parametrize("content", [None, "", "clip,corpus\n", "clip\x00,"])
def test_a_table_that_is_none_is_refused(tmp_path: Path, content: str | None) -> None:
    path = tmp_path / "labels.csv"
    if content is not None:
        path.write_text(content)
    with pytest.raises(PipelineError, match=r"labels\.csv: .*; run `dvc repro labels`"):
        read_labels(path)


def test_the_real_corpora(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    corpora = real_corpora()
    target = tmp_path / "labels.csv"
    main([str(corpora / "ravdess"), str(corpora / "tess"), str(target), "--params", str(ROOT / "params.yaml")])
    labels = read_labels(target)
    counts = [496, 192, 592, 592, 592, 592, 592, 592]
    assert [int(line.split()[-1]) for line in capsys.readouterr().out.splitlines()[2:]] == [*counts, 4240]
    assert labels.groupby("corpus")["speaker"].nunique().to_dict() == {"ravdess": 24, "tess": 2}
    copies = labels[labels["duplicate_of"] != ""]
    assert copies[["clip", "duplicate_of"]].to_numpy().tolist() == [
        ["ravdess/03-01-03-01-02-02-07", "ravdess/03-01-03-01-02-01-07"]
    ]
    spans = labels.groupby("corpus")["duration_s"].agg(["min", "mean", "max"]).round(2).to_numpy().tolist()
    assert spans == [[2.94, 3.7, 5.27], [1.25, 2.06, 2.98]]
