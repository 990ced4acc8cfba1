from dataclasses import replace

import librosa
import numpy as np
import pytest
from numpy.typing import NDArray

from speech_emotion.audio import decode, to_mono, trim_silence
from speech_emotion.core.params import read_settings
from speech_emotion.encoders.image.frontend import centres_hz, decibels, mel_db, quantise
from speech_emotion.encoders.image.settings import FrontendSettings
from tests.published import real_corpora
from tests.sounds import RATE, SETTINGS, noise, sine
from tests.workspace import ROOT

WAVEFORMS = {
    "tone": sine(440),
    "full scale": sine(1000, peak=1.0),
    "quiet tone": sine(3000, peak=1e-4),
    "noise": noise(),
    "silence": np.zeros(RATE, np.float32),
    "click": np.eye(1, 5000, 2500, dtype=np.float32)[0],
    "one sample": np.ones(1, np.float32),
    "shorter than the window": noise(duration_s=0.02),
    "empty after resampling": np.zeros(0, np.float32),
}
ROUNDING_DB = 1e-5  # float32 near -90


def librosa_db(waveform: NDArray[np.float32], **settings: object) -> NDArray[np.float64]:
    power = librosa.feature.melspectrogram(
        y=waveform.astype(np.float64), sr=RATE, n_fft=SETTINGS.n_fft, hop_length=SETTINGS.hop_samples,
        n_mels=SETTINGS.n_mels, fmin=SETTINGS.fmin_hz, fmax=SETTINGS.fmax_hz, center=True, pad_mode="constant",
        **settings,
    )  # fmt: skip
    return np.asarray(librosa.power_to_db(power, ref=1.0, amin=1e-12, top_db=None))


@pytest.mark.filterwarnings("ignore:n_fft=.* is too large")
@pytest.mark.parametrize("name", [name for name, waveform in WAVEFORMS.items() if len(waveform)])
def test_log_mel_is_librosas(name: str) -> None:
    waveform = WAVEFORMS[name]
    np.testing.assert_allclose(mel_db(waveform, SETTINGS), librosa_db(waveform, dtype=np.float64), atol=1e-6, rtol=0)
    # librosa keeps its filters in float32 unless told otherwise.
    np.testing.assert_allclose(mel_db(waveform, SETTINGS), librosa_db(waveform), atol=1e-5, rtol=0)


def test_settings_reach_the_spectrogram() -> None:
    other = replace(SETTINGS, n_fft=512, hop_samples=200, n_mels=40, fmin_hz=100.0, fmax_hz=4000.0)
    power = librosa.feature.melspectrogram(
        y=noise().astype(np.float64), sr=RATE, n_fft=512, hop_length=200, n_mels=40, fmin=100, fmax=4000
    )
    np.testing.assert_allclose(mel_db(noise(), other), librosa.power_to_db(power, top_db=None), atol=1e-5, rtol=0)


@pytest.mark.parametrize("name", WAVEFORMS)
def test_time_scale_is_kept(name: str) -> None:
    mel = quantise(mel_db(WAVEFORMS[name], SETTINGS), SETTINGS)
    assert (mel.dtype, mel.shape) == (np.uint8, (128, 1 + len(WAVEFORMS[name]) // 160))


def test_half_a_level_is_what_the_readme_says() -> None:
    settings = read_settings(ROOT / "params.yaml", "image.spectrograms", FrontendSettings)
    assert settings.ceiling_db - settings.floor_db == 80
    assert settings.step_db / 2 == pytest.approx(0.1569, abs=1e-4)


@pytest.mark.filterwarnings("ignore:n_fft=.* is too large")
@pytest.mark.parametrize("name", [name for name, waveform in WAVEFORMS.items() if len(waveform)])
def test_stored_levels_are_within_half_a_level_of_librosa(name: str) -> None:
    stored = decibels(quantise(mel_db(WAVEFORMS[name], SETTINGS), SETTINGS), SETTINGS)
    expected = np.clip(librosa_db(WAVEFORMS[name]), SETTINGS.floor_db, SETTINGS.ceiling_db)
    assert np.abs(stored - expected).max() <= SETTINGS.step_db / 2 + ROUNDING_DB


def test_every_level_survives_a_round_trip_and_the_ends_are_clipped() -> None:
    levels = np.arange(FrontendSettings.LEVELS + 1, dtype=np.uint8)[:, None]
    found = decibels(levels, SETTINGS)
    assert (found[0, 0], found[-1, 0]) == pytest.approx((SETTINGS.floor_db, SETTINGS.ceiling_db), abs=ROUNDING_DB)
    np.testing.assert_array_equal(quantise(found, SETTINGS), levels)
    assert quantise(np.array([[-120.0, 40.0]]), SETTINGS).tolist() == [[0, FrontendSettings.LEVELS]]


def test_level_is_kept() -> None:
    """A clip at half the amplitude, 6.02 dB down, is not brought back to the same level."""
    loud, quiet = (
        decibels(quantise(mel_db(noise(deviation=deviation), SETTINGS), SETTINGS), SETTINGS)
        for deviation in (0.1, 0.05)
    )
    np.testing.assert_allclose(loud - quiet, 6.0206, atol=SETTINGS.step_db + ROUNDING_DB)
    assert (loud - quiet).mean() == pytest.approx(6.0206, abs=0.01)


@pytest.mark.parametrize("mel_bin", [10, 32, 64, 100, 127])
def test_peak_of_a_tone_is_in_its_mel_bin(mel_bin: int) -> None:
    mel = quantise(mel_db(sine(centres_hz(SETTINGS)[mel_bin], peak=0.05), SETTINGS), SETTINGS)
    assert (mel[:, 5:-5].argmax(axis=0) == mel_bin).all()


@pytest.mark.parametrize("start_s", [0.2, 0.5, 0.81])
def test_frame_of_a_click_tells_when_it_was(start_s: float) -> None:
    waveform = np.zeros(RATE, np.float32)
    waveform[round(start_s * RATE)] = 1.0
    loudest = mel_db(waveform, SETTINGS).sum(axis=0).argmax()
    assert loudest == pytest.approx(start_s * SETTINGS.frames_per_s, abs=0.5)


@pytest.mark.parametrize("corpus", ["ravdess", "tess"])
def test_range_holds_the_real_corpora(corpus: str) -> None:
    paths = sorted(path for path in (real_corpora() / corpus).rglob("*") if path.suffix in (".flac", ".wav"))
    at_floor, loudest_at_floor, at_ceiling = [], [], []
    for path in paths[:: len(paths) // 60]:
        waveform = trim_silence(to_mono(*decode(path), RATE), RATE, trim_db=SETTINGS.trim_db)
        mel = quantise(mel_db(waveform, SETTINGS), SETTINGS)
        at_floor.append((mel == 0).mean())
        loudest_at_floor.append((mel[:, mel.sum(axis=0).argmax()] == 0).mean())
        at_ceiling.append((mel == FrontendSettings.LEVELS).mean())
    # The floor takes off what is between words and above the voice. Over all clips, of all cells and of the loudest
    # frame's: 41 % and 15 % (RAVDESS), 35 % and 6 % (TESS). Less than one in a million is on top.
    assert 0.25 < np.mean(at_floor) < 0.5
    assert np.mean(loudest_at_floor) < 0.2
    assert np.mean(at_ceiling) < 1e-5
