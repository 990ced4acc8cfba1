"""Pictures of timelines: what they show of the sound, and that they appear whole or not at all."""

from pathlib import Path

import matplotlib.image
import numpy as np
import pytest

from speech_emotion.core.errors import PipelineError
from speech_emotion.predict import picture
from speech_emotion.predict.reading import recording
from speech_emotion.predict.sketch import FFT_S, STRETCHES, Sketch
from speech_emotion.predict.timeline import Segment
from tests.predict.recordings import write

SEGMENTS = [
    Segment(0.0, 1.0, "happy", 0.8),
    Segment(1.0, 1.5, "no speech", None),
    Segment(1.5, 2.0, "uncertain", 0.3),
]


def sketched(path: Path) -> Sketch:
    with recording(str(path)) as sound:
        sketch = Sketch(sound)
        assert sum(map(len, sketch.watch(sound.blocks))) == round(sound.duration_s * sound.sample_rate)
    return sketch


@pytest.mark.parametrize(("rate", "duration_s"), [(8_000, 2.0), (16_000, 100.0), (48_000, 2.0), (44_100, 7.3)])
def test_a_sketch_has_level_and_pitch_of_a_tone(tmp_path: Path, rate: int, duration_s: float) -> None:
    sketch = sketched(write(tmp_path / "a.wav", rate=rate, channels=2, duration_s=duration_s))
    low, high = sketch.extents()
    assert len(low) * sketch.stretch_s == pytest.approx(duration_s, abs=sketch.stretch_s)
    assert len(low) <= STRETCHES * 1.5
    middle = slice(1, -2)
    assert -low[middle] == pytest.approx(0.375, abs=0.01)  # 0.5 and 0.25 mixed down
    assert high[middle] == pytest.approx(0.375, abs=0.01)
    decibels = sketch.decibels()
    assert decibels.shape[1] == len(low)
    assert decibels.max() == 0
    loudest_hz = decibels[:, 1:-1].argmax(axis=0) / (decibels.shape[0] - 1) * sketch.highest_hz
    np.testing.assert_allclose(loudest_hz, 220, atol=1 / FFT_S)
    assert sketch.highest_hz == pytest.approx(min(rate / 2, 8000), abs=1 / FFT_S)


def test_a_picture_shows_the_bands(tmp_path: Path) -> None:
    path = tmp_path / "talk.png"
    picture.draw(path, "talk $1 and $2.mp3", sketched(write(tmp_path / "a.wav")), SEGMENTS)
    pixels = matplotlib.image.imread(path)[:, :, :3]
    for label in ("happy", "uncertain"):
        red, green, blue = (int(picture.COLOURS[label][place : place + 2], 16) / 255 for place in (1, 3, 5))
        assert (np.abs(pixels - (red, green, blue)).max(axis=2) < 0.01).mean() > 0.01
    assert [file.name for file in sorted(tmp_path.iterdir())] == ["a.wav", "talk.png"]


@pytest.mark.parametrize("suffix", [".svg", ".pdf"])
def test_a_picture_may_be_drawn_in_lines(tmp_path: Path, suffix: str) -> None:
    picture.draw(tmp_path / f"a{suffix}", "talk", sketched(write(tmp_path / "a.wav")), SEGMENTS)
    assert (tmp_path / f"a{suffix}").read_bytes().startswith((b"<?xml", b"%PDF"))


@pytest.mark.parametrize(("name", "said"), [("a.bmp", "a picture is .png"), ("no/a.png", "there is no folder")])
def test_what_cannot_be_written_is_refused_before_the_work(tmp_path: Path, name: str, said: str) -> None:
    with pytest.raises(PipelineError, match=said):
        picture.require_writable(tmp_path / name)


def test_a_full_disk_leaves_the_last_picture(full_disk: Path, tmp_path: Path) -> None:
    path = full_disk / "talk.png"
    path.write_bytes(b"old")
    with pytest.raises(PipelineError, match=r"talk\.png: cannot be written \(No space left on device\)"):
        picture.draw(path, "talk", sketched(write(tmp_path / "a.wav")), SEGMENTS)
    assert path.read_bytes() == b"old"
    assert sorted(file.name for file in full_disk.iterdir()) == ["fill", "talk.png"]


def test_what_a_killed_drawing_left_goes_with_the_next_one(tmp_path: Path) -> None:
    (left := tmp_path / ".talk.png.0.partial").mkdir()
    (left / "picture.png").touch()
    picture.draw(tmp_path / "talk.png", "talk", sketched(write(tmp_path / "a.wav")), SEGMENTS)
    assert sorted(file.name for file in tmp_path.iterdir()) == ["a.wav", "talk.png"]
