"""A split that cannot be used is named before anything is trained or scored on it."""

from pathlib import Path

import pytest

from speech_emotion.errors import PipelineError
from speech_emotion.split_table import read_split


def test_a_split_comes_back_as_text(tmp_path: Path) -> None:
    path = tmp_path / "split.csv"
    path.write_text("clip,emotion,part\ntess/OAF_null_sad,sad,train\n", encoding="utf-8")
    assert read_split(path).to_dict("records") == [{"clip": "tess/OAF_null_sad", "emotion": "sad", "part": "train"}]


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (None, "cannot be read"),
        ("", "cannot be read"),
        ("clip,emotion\na,sad\n", "has no column part"),
        ("clip,emotion,part\na,cheerful,train\n", "'cheerful' is none of neutral"),
    ],
)
def test_what_is_wrong_is_named(tmp_path: Path, text: str | None, reason: str) -> None:
    path = tmp_path / "split.csv"
    if text is not None:
        path.write_text(text, encoding="utf-8")
    with pytest.raises(PipelineError, match=f"split.csv: {reason}.*dvc repro split"):
        read_split(path)
