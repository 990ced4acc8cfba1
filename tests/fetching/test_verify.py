"""Every way in which a clip can be wrong is found and named; harmless differences pass."""

import re
import struct
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import soundfile
import soxr
from scipy.io import wavfile

from speech_emotion.core.errors import PipelineError
from speech_emotion.fetching.manifest import Published
from speech_emotion.fetching.verify import check_clips
from tests.small_corpora import Tone, tone, write_clip

CLIP = tone(440, 24414)
PUBLISHED = CLIP.published("OAF_angry/OAF_back_angry")


def problem(path: Path, published: Published = PUBLISHED) -> str:
    with pytest.raises(PipelineError) as caught:
        check_clips("tess", {path: published})
    title, line = str(caught.value).split("\n  ")
    assert title == "tess: 1 of 1 clips are wrong; take them from where the corpus was published:"
    assert line.startswith(f"{path}: ")
    return line.removeprefix(f"{path}: ")


@pytest.mark.parametrize("suffix", [".wav", ".flac"])
def test_the_published_samples_pass_in_either_container(tmp_path: Path, suffix: str) -> None:
    assert check_clips("tess", {write_clip(tmp_path / f"a{suffix}", CLIP): PUBLISHED}) == 0


def test_stereo_is_what_was_published(tmp_path: Path) -> None:
    stereo = tone(440, 48000, channels=2)
    stereo.samples[10, 1] += 5
    assert check_clips("mine", {write_clip(tmp_path / "a.flac", stereo): stereo.published("a")}) == 0


def test_a_resampled_copy_has_equal_channels(tmp_path: Path) -> None:
    published = tone(440, 48000, channels=2).published("Actor_01/03-01-02-01-01-02-01")
    stereo = tone(440, 16000, channels=2)
    assert check_clips("ravdess", {write_clip(tmp_path / "a.flac", stereo): published}) == 1
    stereo.samples[10, 1] += 5
    assert problem(write_clip(tmp_path / "b.flac", stereo), published).startswith("has 2 channels that differ")


@pytest.mark.parametrize("subtype", ["PCM_16", "FLOAT"])
def test_a_resampled_copy_is_counted(tmp_path: Path, subtype: str) -> None:
    wide = tone(440, 48000, duration_s=0.1003)
    narrow = soxr.resample(wide.samples / 32768, 48000, 16000)
    soundfile.write(tmp_path / "a.wav", narrow, 16000, subtype=subtype)
    assert check_clips("ravdess", {tmp_path / "a.wav": wide.published("a")}) == 1


def test_a_float_copy_of_the_published_samples_passes(tmp_path: Path) -> None:
    soundfile.write(tmp_path / "a.wav", CLIP.samples / 32768, 24414, subtype="FLOAT")
    assert check_clips("tess", {tmp_path / "a.wav": PUBLISHED}) == 0


@pytest.mark.parametrize("limit", [-32768, 32767])
def test_samples_at_full_scale_are_exact(tmp_path: Path, limit: int) -> None:
    loud = tone(440, 24414)
    loud.samples[::2] = limit
    assert check_clips("tess", {write_clip(tmp_path / "a.flac", loud): loud.published("a")}) == 0


@pytest.mark.parametrize(("frames", "passes"), [(1600 - 15, True), (1600 - 17, False), (4000, True), (4017, False)])
def test_a_resampled_copy_is_no_shorter_and_may_have_what_mp3_adds(tmp_path: Path, frames: int, passes: bool) -> None:
    published = tone(440, 48000).published("a")
    path = write_clip(tmp_path / "a.wav", tone(440, 16000, duration_s=frames / 16000))
    if passes:
        assert check_clips("ravdess", {path: published}) == 1
    else:
        assert problem(path, published) == f"lasts {frames / 16000:.4f} s, expected 0.1000 s"


def test_one_sample_that_is_off_by_one_is_found(tmp_path: Path) -> None:
    changed = CLIP.samples.copy()
    changed[1000] += 1
    found = problem(write_clip(tmp_path / "a.wav", Tone(changed, 24414)))
    assert found.startswith("holds other samples than published: md5 ")
    assert found.endswith(f"expected {PUBLISHED.pcm_md5}")


def test_one_frame_less_at_the_published_rate_is_no_resampling(tmp_path: Path) -> None:
    path = write_clip(tmp_path / "a.wav", Tone(CLIP.samples[:-1], 24414))
    assert problem(path) == "has 2440 frames x 1 channels, expected 2441 x 1"


def test_an_empty_clip(tmp_path: Path) -> None:
    assert problem(write_clip(tmp_path / "a.wav", Tone(CLIP.samples[:0], 16000))) == "lasts 0.0000 s, expected 0.1000 s"


def test_a_silent_clip(tmp_path: Path) -> None:
    assert problem(write_clip(tmp_path / "a.wav", Tone(0 * CLIP.samples, 24414))) == "is silent"


def test_samples_that_are_no_numbers(tmp_path: Path) -> None:
    samples = tone(440, 16000).samples / 32768
    samples[7] = np.nan
    soundfile.write(tmp_path / "a.wav", samples, 16000, subtype="FLOAT")
    assert problem(tmp_path / "a.wav") == "has samples that are not finite"


@pytest.mark.parametrize("content", [b"", b"no audio at all", b"fLaC" + bytes(100)])
def test_what_is_no_audio(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "a.flac").write_bytes(content)
    assert problem(tmp_path / "a.flac").startswith("cannot be decoded (")


@pytest.mark.parametrize("suffix", [".wav", ".flac"])
def test_half_a_file(tmp_path: Path, suffix: str) -> None:
    path = write_clip(tmp_path / f"a{suffix}", CLIP)
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    assert re.match("cannot be decoded|is cut short|has [0-9]+ frames x 1 channels, expected 2441 x 1", problem(path))


def test_a_header_that_announces_hours_allocates_nothing(tmp_path: Path) -> None:
    path = write_clip(tmp_path / "a.flac", CLIP)
    content = bytearray(path.read_bytes())
    content[21] |= 0x0F  # the upper bits of STREAMINFO's number of samples
    path.write_bytes(content)
    assert "frames x 1 channels, expected 2441 x 1" in problem(path)


def test_a_header_that_scipy_refuses(tmp_path: Path) -> None:
    header = struct.pack("<4sI4s4sIHHIIHH", b"RIFF", 0, b"WAVE", b"fmt ", 16, 1, 1, 24414, 48828, 0, 16)  # no alignment
    samples = CLIP.samples.tobytes()
    path = tmp_path / "a.wav"
    content = header + struct.pack("<4sI", b"data", len(samples)) + samples
    path.write_bytes(content[:4] + struct.pack("<I", len(content) - 8) + content[8:])
    with pytest.raises(ValueError, match="WAV header is invalid"):
        wavfile.read(path)
    assert check_clips("tess", {path: PUBLISHED}) == 0


def test_all_clips_are_looked_at_and_the_first_few_named(tmp_path: Path) -> None:
    good = write_clip(tmp_path / "good.wav", CLIP)
    bad = [write_clip(tmp_path / f"bad{number}.wav", tone(300, 24414)) for number in range(7)]
    with pytest.raises(PipelineError) as caught:
        check_clips("tess", {path: replace(PUBLISHED, clip=path.stem) for path in [*bad, good]})
    lines = str(caught.value).split("\n  ")
    assert lines[0].startswith("tess: 7 of 8 clips are wrong")
    assert [line.split(": ")[0] for line in lines[1:6]] == [str(path) for path in bad[:5]]
    assert lines[6:] == ["and 2 more"]
