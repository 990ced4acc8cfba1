import librosa
import numpy as np
import pytest
import torch

from speech_emotion.encoders.speech.frontend import centres_hz, decibels, log_mel
from tests.encoders.speech.samples import FRONTEND

RATE = 16000
HALF_A_STEP = 2**-11  # of float16 below 2


def voice(seconds=1.2, level=0.3):
    """Harmonics that come and go, and some noise."""
    times = np.arange(round(seconds * RATE)) / RATE
    tones = sum(np.sin(2 * np.pi * 140 * k * times) / k for k in range(1, 20))
    noise = np.random.default_rng(0).normal(0, 0.01, len(times))
    return (level * (tones * np.sin(np.pi * times / seconds) ** 2 / 3 + noise)).astype(np.float32)


def whispers(waveform):
    """The log-mel of openai/whisper, step by step as there, of 30 s."""
    audio = torch.nn.functional.pad(torch.from_numpy(waveform), (0, 480_000 - len(waveform)))
    stft = torch.stft(audio, 400, 160, window=torch.hann_window(400), return_complex=True)
    power = stft[:, :-1].abs() ** 2
    log_spec = (torch.from_numpy(librosa.filters.mel(sr=RATE, n_fft=400, n_mels=80)) @ power).clamp(min=1e-10).log10()
    return ((torch.maximum(log_spec, log_spec.max() - 8.0) + 4.0) / 4.0).numpy()


def heard(waveform):
    """Log-mel of a waveform with nothing to trim."""
    return log_mel(waveform[:, None], RATE, FRONTEND)


@pytest.mark.parametrize("waveform", [voice(), voice(0.3), voice(level=0.02)], ids=["voice", "short", "soft"])
def test_it_is_whispers_log_mel_cut_to_the_clip(waveform):
    mel = heard(waveform)
    assert mel.dtype == np.float16
    expected = whispers(waveform)[:, : mel.shape[1]]
    np.testing.assert_allclose(mel, expected, atol=HALF_A_STEP + 1e-4, rtol=0)
    assert mel.shape == (80, 1 + len(waveform) // 160)


@pytest.mark.parametrize("gain_db", [-40, -20, 20])
def test_a_change_of_level_adds_a_constant(gain_db):
    before, after = (heard(voice() * np.float32(gain)).astype(float) for gain in (1, 10 ** (gain_db / 20)))
    np.testing.assert_allclose(after - before, gain_db / 40, atol=2 * HALF_A_STEP, rtol=0)


def test_silence_around_a_clip_is_cut_off():
    silence = np.zeros(RATE, np.float32)
    padded = heard(np.concatenate([silence, voice(), silence]))
    assert padded.shape[1] < heard(voice()).shape[1] + 10


@pytest.mark.parametrize("count", [0, 1, 100, 399])
def test_silent_and_very_short_clips_have_finite_log_mels(count):
    for waveform in (np.zeros(count, np.float32), np.full(count, 0.1, np.float32)):
        mel = heard(waveform)
        assert mel.shape == (80, 1 + count // 160)
        assert np.isfinite(mel).all()


@pytest.mark.parametrize("mel_bin", [10, 40, 70])
def test_a_tone_is_in_its_mel_bin_at_its_decibels(mel_bin):
    times = np.arange(RATE) / RATE
    tones = [peak * np.sin(2 * np.pi * centres_hz(FRONTEND)[mel_bin] * times) for peak in (0.1, 0.2)]
    soft, loud = (decibels(heard(tone.astype(np.float32)), FRONTEND) for tone in tones)
    assert (loud[:, 5:-5].argmax(0) == mel_bin).all()
    assert (loud - soft).max(0)[5:-5] == pytest.approx(20 * np.log10(2), abs=0.05)


def test_another_rate_and_two_channels_are_brought_to_one():
    at_48_khz = librosa.resample(voice(), orig_sr=RATE, target_sr=48_000)
    stereo = log_mel(np.stack([at_48_khz, at_48_khz], 1), 48_000, FRONTEND)
    mono = heard(voice())
    loud = (mono > 0) & (centres_hz(FRONTEND) < 7000)[:, None]  # above, resampling takes some away
    np.testing.assert_allclose(stereo[loud], mono[loud], atol=0.03)
