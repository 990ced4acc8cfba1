import tracemalloc
from pathlib import Path

import librosa
import numpy as np
import pytest
import soundfile

from speech_emotion.audio import decode, to_mono, trim_silence
from speech_emotion.core.errors import PipelineError
from tests.sounds import RATE, noise, sine

EDGE_S = 0.064  # two frames of the trimming may straddle an edge


@pytest.mark.parametrize("suffix", [".wav", ".flac"])
@pytest.mark.parametrize("channels", [1, 2])
def test_decode_returns_what_was_written(tmp_path: Path, suffix: str, channels: int) -> None:
    written = np.repeat(sine(440, sample_rate=24414)[:, None], channels, axis=1)
    soundfile.write(tmp_path / f"clip{suffix}", written, 24414, subtype="PCM_16")
    samples, sample_rate = decode(tmp_path / f"clip{suffix}")
    assert (samples.dtype, samples.shape, sample_rate) == (np.float32, written.shape, 24414)
    np.testing.assert_allclose(samples, written, atol=2**-15)


def test_what_cannot_be_decoded_is_named_with_a_way_out(tmp_path: Path) -> None:
    path = tmp_path / "clip.wav"
    with pytest.raises(
        PipelineError, match=r"clip\.wav: cannot be decoded .*; take an intact copy of it, as WAV or FLAC"
    ):
        decode(path)
    path.write_text("no audio")
    with pytest.raises(PipelineError, match=r"clip\.wav: cannot be decoded"):
        decode(path)
    soundfile.write(path, np.zeros(0), RATE)
    with pytest.raises(PipelineError, match=r"clip\.wav: holds no samples"):
        decode(path)


@pytest.mark.parametrize("broken", [np.nan, np.inf])
def test_samples_that_are_not_finite_are_refused(tmp_path: Path, broken: float) -> None:
    waveform = sine(440)
    waveform[100] = broken
    soundfile.write(tmp_path / "clip.wav", waveform, RATE, subtype="FLOAT")
    with pytest.raises(PipelineError, match="not finite"):
        decode(tmp_path / "clip.wav")


def claiming(path: Path, offset: int, value: int) -> Path:
    """Write a second of noise whose header has `value` in the four bytes at `offset`."""
    soundfile.write(path, noise(), RATE, subtype="PCM_16")
    content = bytearray(path.read_bytes())
    order = "big" if path.suffix == ".flac" else "little"
    content[offset : offset + 4] = value.to_bytes(4, order)
    path.write_bytes(content)
    return path


@pytest.mark.parametrize(
    ("name", "offset", "value"),
    [
        ("a.flac", 22, 2**32 - 1),  # samples: three days of them
        ("a.flac", 22, 300 * RATE * 8),
        ("a.wav", 24, 0),  # the sample rate
        ("a.wav", 24, 1),
        ("a.wav", 24, 2**31 - 1),
    ],
)
def test_a_header_that_announces_what_no_clip_has_is_refused_before_anything_is_allocated(
    tmp_path: Path, name: str, offset: int, value: int
) -> None:
    path = claiming(tmp_path / name, offset, value)
    tracemalloc.start()
    with pytest.raises(PipelineError, match=rf"{name}: (announces \d+ x 1 samples at \d+ Hz|cannot be decoded)"):
        decode(path)
    assert tracemalloc.get_traced_memory()[1] < 1_000_000
    tracemalloc.stop()


def test_a_wav_file_that_claims_two_gigabytes_is_what_it_holds(tmp_path: Path) -> None:
    samples, rate = decode(claiming(tmp_path / "a.wav", 40, 2_000_000_000))
    assert (samples.shape, rate) == ((RATE, 1), RATE)


def test_equal_channels_mix_down_to_one_of_them() -> None:
    waveform = noise()
    np.testing.assert_array_equal(to_mono(np.stack([waveform, waveform], axis=1), RATE, RATE), waveform)


def test_different_channels_mix_down_to_their_mean() -> None:
    left, right = sine(440), noise()
    mono = to_mono(np.stack([left, right], axis=1), RATE, RATE)
    np.testing.assert_allclose(mono, (left + right) / 2, atol=1e-7)


# RAVDESS, TESS, and TESS's odd one out as published
@pytest.mark.parametrize("sample_rate", [48000, 24414, 96000])
def test_resampling_keeps_a_tone_and_its_level(sample_rate: int) -> None:
    resampled = to_mono(sine(1000, sample_rate=sample_rate)[:, None], sample_rate, RATE)
    assert (resampled.dtype, len(resampled)) == (np.float32, RATE)
    inside = slice(RATE // 10, -RATE // 10)
    np.testing.assert_allclose(resampled[inside], sine(1000)[inside], atol=1e-4)


def test_resampling_removes_what_the_target_rate_cannot_hold() -> None:
    resampled = to_mono(sine(10000, sample_rate=48000)[:, None], 48000, RATE)
    assert np.abs(resampled[RATE // 10 : -RATE // 10]).max() < 1e-4


@pytest.mark.parametrize("floor", [0.0, 1e-4])
def test_trimming_removes_both_ends_and_keeps_the_middle(floor: float) -> None:
    spoken, pause = noise(duration_s=1.5), np.zeros(RATE // 2, np.float32)
    spoken[RATE // 2 : RATE] = 0
    waveform = np.concatenate([pause, spoken, pause, pause])
    waveform += floor * noise(duration_s=len(waveform) / RATE, deviation=1.0)
    trimmed = trim_silence(waveform, RATE, trim_db=40.0)
    assert len(spoken) <= len(trimmed) <= len(spoken) + 2 * EDGE_S * RATE
    (inside,) = np.flatnonzero(waveform == trimmed[len(trimmed) // 4])
    first = inside - len(trimmed) // 4
    assert first <= len(pause)
    np.testing.assert_array_equal(trimmed, waveform[first : first + len(trimmed)])


def test_trimming_is_relative_to_the_loudest_frame() -> None:
    waveform = np.concatenate([sine(440, peak=0.5), sine(440, peak=0.002), sine(440, peak=0.5)[: RATE // 2]])
    quiet_end = np.concatenate([waveform, sine(440, peak=0.002)])
    assert len(trim_silence(quiet_end, RATE, trim_db=40.0)) < len(waveform) + EDGE_S * RATE
    assert len(trim_silence(quiet_end, RATE, trim_db=60.0)) == len(quiet_end)
    lengths = {len(trim_silence(quiet_end * np.float32(gain), RATE, trim_db=40.0)) for gain in (1, 0.5, 0.125)}
    assert len(lengths) == 1


@pytest.mark.parametrize("trim_db", [10.0, 40.0, 60.0])
@pytest.mark.parametrize("length", [0, 1, 511, 1024, 16000, 50001])
def test_trimming_is_librosas(length: int, trim_db: float) -> None:
    rng = np.random.default_rng(length)
    swell = np.interp(np.arange(length), np.linspace(0, length, 12), 10 ** rng.uniform(-4, 0, 12))
    waveform = (swell * rng.normal(0, 0.1, length)).astype(np.float32)
    expected, _ = librosa.effects.trim(waveform, top_db=trim_db, frame_length=1024, hop_length=256)
    np.testing.assert_array_equal(trim_silence(waveform, RATE, trim_db=trim_db), expected)


def test_silence_has_no_ends_to_cut() -> None:
    assert len(trim_silence(np.zeros(RATE, np.float32), RATE, trim_db=40.0)) == RATE


@pytest.mark.parametrize("sample_rate", [16000, 48000, 96000])
def test_a_clip_of_one_sample_goes_through(sample_rate: int) -> None:
    waveform = to_mono(np.full((1, 1), 0.5, np.float32), sample_rate, RATE)
    assert len(trim_silence(waveform, RATE, trim_db=40.0)) == len(waveform) == RATE // sample_rate
