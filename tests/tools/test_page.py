"""The picture of the page; what it shows is tested with the page."""

from pathlib import Path

import pytest

from speech_emotion.core.errors import PipelineError
from tools.page import photograph


def test_a_clip_that_cannot_be_played_is_one_line_before_anything_is_started(tmp_path: Path) -> None:
    for clip in (tmp_path / "absent.wav", tmp_path / "text.wav"):
        (tmp_path / "text.wav").write_text("no sound")
        with pytest.raises(PipelineError, match=f"{clip}: is no clip that can be played"):
            photograph(clip, tmp_path / "page.png", None, dark=False)
    assert not (tmp_path / "page.png").exists()
