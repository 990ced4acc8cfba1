"""Recordings of every kind: the samples that were written, or one line that says what is wrong."""

import io
import os
import shutil
import stat
import sys
import tracemalloc
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import soundfile

from speech_emotion.core.errors import PipelineError
from speech_emotion.predict import conversion, reading
from tests.predict.recordings import DURATION_S, FORMATS, tone, write, write_through_pyav

PLAIN = {"format": "WAV", "subtype": "PCM_16"}


def read(name: str | Path) -> tuple[np.ndarray, int]:
    with reading.recording(str(name)) as recording:
        return np.concatenate(list(recording.blocks)), recording.sample_rate


@pytest.mark.parametrize(("suffix", "form", "subtype", "tolerance"), FORMATS)
@pytest.mark.parametrize("channels", [1, 2])
def test_every_format_gives_what_was_written(
    tmp_path: Path, suffix: str, form: str, subtype: str, tolerance: float, channels: int
) -> None:
    path = write(tmp_path / f"clip{suffix}", channels=channels, format=form, subtype=subtype)
    samples, rate = read(path)
    assert (samples.dtype, rate, samples.shape[1]) == (np.float32, 16_000, channels)
    assert len(samples) / rate == pytest.approx(DURATION_S, abs=0.05)
    middle = slice(4000, 28_000)  # coders fade in and out
    np.testing.assert_allclose(samples[middle], tone(channels=channels)[middle], atol=tolerance)


@pytest.mark.parametrize("rate", [8_000, 11_025, 22_050, 24_414, 44_100, 48_000, 96_000, 192_000])
@pytest.mark.parametrize("channels", [1, 6])
def test_every_rate_and_number_of_channels_is_read(tmp_path: Path, rate: int, channels: int) -> None:
    samples, read_rate = read(write(tmp_path / "clip.wav", rate=rate, channels=channels, **PLAIN))
    assert (samples.shape, read_rate) == ((rate * DURATION_S, channels), rate)


@pytest.mark.parametrize(
    ("name", "codec"), [("a.m4a", "aac"), ("a.mp4", "aac"), ("a.mkv", "aac"), ("a.webm", "libopus"), ("a.wma", "wmav2")]
)
def test_what_libsndfile_does_not_read_goes_through_pyav(tmp_path: Path, name: str, codec: str) -> None:
    samples, rate = read(write_through_pyav(tmp_path / name, codec))
    assert (samples.shape[1], rate) == (2, 48_000)
    assert len(samples) / rate == pytest.approx(DURATION_S, abs=0.1)
    level = np.sqrt((samples[12_000:-12_000] ** 2).mean(axis=0))
    assert level == pytest.approx([0.5 / np.sqrt(2), 0.25 / np.sqrt(2)], rel=0.05)


def without_pyav(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(conversion, "find_spec", lambda name: None)


def test_without_pyav_it_goes_through_ffmpeg(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A stand-in for ffmpeg copies what it reads and writes, so that its arguments are shown to hold."""
    clip = write_through_pyav(tmp_path / "a.m4a", "aac")
    wav = write(tmp_path / "there.wav", rate=44_100, format="WAV", subtype="FLOAT")
    tool = tmp_path / "bin" / "ffmpeg"
    tool.parent.mkdir()
    tool.write_text(
        "#!/bin/sh\n"
        'for last; do case "$before" in -i) in="${last#file:}";; esac; before="$last"; done\n'
        f'cmp -s "$in" {clip} || {{ echo "not the clip" >&2; exit 1; }}\n'
        f'cat {wav} > "${{last#file:}}"\n'
    )
    tool.chmod(0o755)
    without_pyav(monkeypatch)
    monkeypatch.setenv("PATH", str(tool.parent), prepend=os.pathsep)
    samples, rate = read(clip)
    assert rate == 44_100
    np.testing.assert_array_equal(samples, tone(rate=44_100))
    tool.write_text("#!/bin/sh\necho 'first line' >&2\necho 'moov atom not found' >&2\nexit 1\n")
    with pytest.raises(PipelineError, match=r"a\.m4a: cannot be decoded \(ffmpeg: moov atom not found\); take an"):
        read(clip)


@pytest.mark.skipif(shutil.which("ffmpeg") is None, reason="ffmpeg is not installed")
def test_the_real_ffmpeg_gives_what_was_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    clip = write_through_pyav(tmp_path / "a.m4a", "aac")
    by_pyav, _ = read(clip)
    without_pyav(monkeypatch)
    samples, rate = read(clip)
    assert (rate, samples.shape[1]) == (48_000, 2)
    np.testing.assert_allclose(samples[4000:80_000], by_pyav[4000:80_000], atol=1e-3)
    clip.write_bytes(clip.read_bytes()[:3000])
    with pytest.raises(PipelineError, match=r"a\.m4a: cannot be decoded \(ffmpeg: "):
        read(clip)


def test_without_either_one_line_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    clip = write_through_pyav(tmp_path / "a.m4a", "aac")
    without_pyav(monkeypatch)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(PipelineError, match=r"a\.m4a: its format needs PyAV or ffmpeg.*\[media\]"):
        read(clip)


def test_a_video_without_sound_and_a_damaged_one_are_one_line_each(tmp_path: Path) -> None:
    import av

    silent = tmp_path / "silent.mp4"
    with av.open(silent, "w") as container:
        stream = container.add_stream("mpeg4", rate=5)
        stream.width = stream.height = 16
        container.mux(stream.encode(av.VideoFrame(16, 16, "yuv420p")))
        container.mux(stream.encode(None))
    with pytest.raises(PipelineError, match=r"silent\.mp4: has no sound track"):
        read(silent)
    damaged = tmp_path / "damaged.m4a"
    damaged.write_bytes(write_through_pyav(tmp_path / "a.m4a", "aac").read_bytes()[:3000])
    with pytest.raises(PipelineError, match=r"damaged\.m4a: cannot be decoded .*; take an intact copy"):
        read(damaged)


@pytest.mark.parametrize(("suffix", "form", "subtype", "_"), [one for one in FORMATS if one[2] != "MS_ADPCM"])
def test_what_was_cut_off_is_refused(tmp_path: Path, suffix: str, form: str, subtype: str, _: float) -> None:
    path = write(tmp_path / f"clip{suffix}", format=form, subtype=subtype)
    path.write_bytes(path.read_bytes()[: path.stat().st_size * 6 // 10])
    with pytest.raises(PipelineError, match=r"was cut off|is damaged|is no recording") as refused:
        read(path)
    assert str(refused.value).startswith(f"{path}: ")


def claiming(path: Path, size: int) -> Path:
    """A WAV whose header has `size` as the bytes of its samples."""
    content = bytearray(write(path, **PLAIN).read_bytes())
    place = content.index(b"data") + 4
    content[place : place + 4] = size.to_bytes(4, "little")
    path.write_bytes(content)
    return path


@pytest.mark.parametrize(
    ("size", "said"), [(1_000_000, "was cut off"), (100_000_000, "was cut off"), (0, "holds no samples")]
)
def test_a_header_that_lies_about_the_length_is_refused(tmp_path: Path, size: int, said: str) -> None:
    with pytest.raises(PipelineError, match=said):
        read(claiming(tmp_path / "clip.wav", size))


@pytest.mark.parametrize("size", [0xFFFFFFFF, 0x7FFFFFFF, 0x7FFFF000, 0x80000000])
def test_a_stream_whose_writer_did_not_know_its_length_is_read(tmp_path: Path, size: int) -> None:
    samples, _ = read(claiming(tmp_path / "clip.wav", size))
    np.testing.assert_allclose(samples, tone(), atol=1e-4)


def test_an_mp3_is_not_read_in_part(tmp_path: Path) -> None:
    """Of one with a varying bit rate and no header, libsndfile guesses the length."""
    path = tmp_path / "clip.mp3"
    samples = np.concatenate([tone(duration_s=5), np.random.default_rng(0).normal(0, 0.1, (80_000, 1))])
    soundfile.write(path, samples, 16_000, bitrate_mode="VARIABLE")
    assert len(read(path)[0]) == len(samples)
    content = path.read_bytes()
    path.write_bytes(content[content.index(content[:2], 4) :])
    with pytest.raises(PipelineError, match=r"clip\.mp3: is an MP3 that does not say how long it is"):
        read(path)


def empty(path: Path) -> None:
    path.write_bytes(b"")


def text(path: Path) -> None:
    path.write_text("Kids are talking by the door.\n" * 100)


def random_bytes(path: Path) -> None:
    path.write_bytes(np.random.default_rng(0).bytes(8000))


def header_alone(path: Path) -> None:
    soundfile.write(path, np.zeros(0), 16_000, **PLAIN)


def not_finite(path: Path) -> None:
    soundfile.write(path, np.where(tone() == 0, np.nan, tone()), 16_000, format="WAV", subtype="FLOAT")


def too_large(path: Path) -> None:
    soundfile.write(path, tone().astype(np.float64) * 1e300, 16_000, format="WAV", subtype="DOUBLE")


def strange_rate(path: Path) -> None:
    soundfile.write(path, tone(), 3, **PLAIN)


def absent(path: Path) -> None: ...


@pytest.mark.filterwarnings("ignore:overflow encountered")
@pytest.mark.parametrize("suffix", [".wav", ".mp3"])
@pytest.mark.parametrize(
    ("make", "said"),
    [
        (empty, "is empty"), (text, "is no recording"), (random_bytes, "is no recording"),
        (header_alone, "holds no samples"), (not_finite, "not finite"), (too_large, "not finite"),
        (strange_rate, "announces 3 Hz"), (absent, "cannot be opened (No such file or directory)"),
        (os.mkfifo, "is a pipe"), (os.mkdir, "is a folder"),
    ],
)  # fmt: skip
def test_bad_input_is_one_line_and_nothing_else(
    tmp_path: Path, make: Callable[[Path], None], said: str, suffix: str, capfd: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / f"clip{suffix}"
    make(path)
    with pytest.raises(PipelineError) as refused:
        read(path)
    assert str(refused.value).startswith(f"{path}: ")
    assert said in str(refused.value)
    assert "\n" not in str(refused.value)
    assert capfd.readouterr() == ("", "")  # decoders written in C have a word to say, too


def test_devices_and_names_that_cannot_be_are_refused() -> None:
    for name, said in (("/dev/zero", "is a device"), ("a\0b", "cannot be opened"), ("x" * 5000, "cannot be opened")):
        with pytest.raises(PipelineError, match=said):
            read(name)


def test_a_file_without_the_right_to_read_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write(tmp_path / "clip.wav")
    path.chmod(0)
    if os.access(path, os.R_OK):  # root may read everything
        monkeypatch.setattr(os, "open", lambda *_: (_ for _ in ()).throw(PermissionError(13, "Permission denied")))
    with pytest.raises(PipelineError, match=r"clip\.wav: cannot be opened \(Permission denied\)"):
        read(path)


def feed(monkeypatch: pytest.MonkeyPatch, content: bytes) -> None:
    """Let standard input be a pipe that holds `content`, which is short enough for it."""
    reader, writer = os.pipe()
    os.write(writer, content)
    os.close(writer)
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(os.fdopen(reader, "rb")))


@pytest.mark.parametrize("name", ["clip.flac", "clip.ogg", "clip.mp3"])
def test_standard_input_may_be_a_pipe(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    path = write(tmp_path / name)
    assert path.stat().st_size < 60_000
    feed(monkeypatch, path.read_bytes())
    assert len(read("-")[0]) == len(read(path)[0])


def test_standard_input_that_is_empty_too_long_or_a_device_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    feed(monkeypatch, b"")
    with pytest.raises(PipelineError, match="-: is empty"):
        read("-")
    monkeypatch.setattr(reading, "MOST_STDIN_BYTES", 1000)
    feed(monkeypatch, bytes(2000))
    with pytest.raises(PipelineError, match="-: standard input is longer than"):
        read("-")
    with Path("/dev/null").open() as device:
        monkeypatch.setattr(sys, "stdin", device)
        with pytest.raises(PipelineError, match="-: standard input is a terminal, a device or closed"):
            read("-")


def test_memory_does_not_grow_with_the_length(tmp_path: Path) -> None:
    path = write(tmp_path / "clip.wav", duration_s=600, format="WAV", subtype="PCM_U8")
    tracemalloc.start()
    with reading.recording(str(path)) as recording:
        frames = sum(len(block) for block in recording.blocks)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert frames == 600 * 16_000
    assert peak < 8 * 2**20  # all of it would be 38 MB


def test_nothing_stays_open(tmp_path: Path) -> None:
    path, descriptors = write(tmp_path / "clip.wav"), Path("/proc/self/fd")
    if not descriptors.exists():
        pytest.skip("this system does not list a process's files")
    before = len(list(descriptors.iterdir()))
    read(path)
    with pytest.raises(PipelineError):
        read(tmp_path)
    assert len(list(descriptors.iterdir())) == before
    assert stat.S_ISREG(path.stat().st_mode)
