from dataclasses import replace

import pytest
import torch

from speech_emotion.encoders.speech.augment import mask, random_window, record, train_view
from speech_emotion.encoders.speech.view import NORMAL, loudest, plain_view
from speech_emotion.model.inference import pack
from tests.encoders.speech.samples import FRONTEND, SETTINGS, STILL, UNMASKED, augmented, mels

EVERYTHING = augmented(
    speed=0.1, gain_db=6.0, shift_mels=2, room_share=0.5, babble_share=0.5, noise_share=0.5, noise_snr_db=5.0,
    band_share=0.5, time_masks=2, time_mask_s=0.2, mel_masks=2, mel_mask_bins=12,
)  # fmt: skip


@pytest.fixture(autouse=True)
def _seed():
    torch.manual_seed(0)


def batch(count=100, frames=100):
    """A batch of clips of `frames` and half as many frames, packed."""
    return pack(mels(*[frames, frames // 2] * (count // 2)))


def test_everything_switched_off_is_the_plain_view_of_clips_that_fit():
    for settings in (SETTINGS, replace(SETTINGS, level_normalised=True)):
        found, lengths = train_view(*batch(), FRONTEND, settings)
        expected, whole = plain_view(*batch(), FRONTEND, settings)
        assert torch.equal(found, expected)
        assert torch.equal(lengths, whole)


@pytest.mark.parametrize("frames", [20, 100, 300])
def test_every_batch_has_one_shape_and_silence_behind_its_clips(frames):
    mel, lengths = train_view(*batch(frames=frames), FRONTEND, EVERYTHING)
    assert mel.shape == (100, 80, 100)
    assert torch.isfinite(mel).all()
    assert lengths.min() >= 1
    behind = torch.arange(100) >= lengths[:, None, None]
    assert not mel.masked_select(behind).any()


def test_the_same_seed_gives_the_same_changes_and_another_others():
    found = []
    for seed in (1, 1, 2):
        torch.manual_seed(seed)
        found.append(train_view(*batch(), FRONTEND, EVERYTHING)[0])
    assert torch.equal(found[0], found[1])
    assert not torch.equal(found[0], found[2])


def test_speed_and_place_go_as_far_as_they_say():
    ramps = torch.arange(300.0).expand(400, 4, 300), torch.full((400,), 300.0)
    mel, lengths = random_window(*ramps, 100, speed=0.2)
    rates, first = mel[:, 0].diff(dim=1).mean(1), mel[:, 0, 0]
    assert 0.8 - 1e-3 < rates.min() < 0.82
    assert 1.18 < rates.max() < 1.2 + 1e-3
    assert first.min() < 5
    assert first.max() > 200
    assert mel.max() <= 299
    assert (lengths == 100).all()


def test_a_slowed_clip_is_longer_and_a_hastened_one_shorter():
    lengths = random_window(*batch(200, 60), 100, speed=0.2)[1]
    assert 49 <= lengths[::2].min() < 52  # 59 steps between 60 frames, at 1.2 times the speed
    assert 70 < lengths[::2].max() <= 74


@pytest.mark.parametrize("normalised", [False, True])
def test_gain_adds_one_number_to_all_of_a_clip(normalised):
    settings = replace(augmented(gain_db=6.0), level_normalised=normalised)
    mel, _ = train_view(*batch(400), FRONTEND, settings)
    before, _ = plain_view(*batch(400), FRONTEND, replace(SETTINGS, level_normalised=normalised))
    gain_db = 40 * (mel - before)
    torch.testing.assert_close(gain_db[::2], gain_db[::2, :1, :1].expand_as(gain_db[::2]), atol=1e-4, rtol=0)
    assert -6 <= gain_db.min() < -5.5
    assert 5.5 < gain_db.max() <= 6
    assert not gain_db[1::2, :, 50:].any()


@pytest.mark.parametrize(("kind", "axis"), [("time", 2), ("mel", 1)])
def test_masks_are_stripes_inside_the_clip_filled_with_its_mean(kind, axis):
    mel, lengths = plain_view(*batch(400), FRONTEND, SETTINGS)
    found = mask(mel, lengths, replace(UNMASKED, **{f"{kind}_masks": 1}), FRONTEND.frames_per_s)
    long, short = (found != mel)[::2], (found != mel)[1::2, :, :50]
    for touched in (long, short):
        stripe = touched.any(3 - axis)  # [B, extent]
        longest = {"time": 20, "mel": 12}[kind]
        assert longest - 2 <= stripe.sum(1).max() <= longest
        assert (stripe.int().diff(dim=1) == 1).sum(1).max() == 1
        assert stripe.any(0)[3:-3].all(), "masks fall anywhere"
    short_mean = mel[1::2, :, :50].mean((1, 2), keepdim=True).expand_as(short)
    torch.testing.assert_close(found[1::2, :, :50][short], short_mean[short])


def test_a_shift_moves_whole_bins():
    mel, _ = train_view(*batch(), FRONTEND, augmented(shift_mels=2))
    before, _ = plain_view(*batch(), FRONTEND, SETTINGS)
    shifts = {
        n for old, new in zip(before, mel, strict=True) for n in range(-2, 3)
        if torch.equal(new[2:-2], old.roll(n, 0)[2:-2])
    }  # fmt: skip
    assert shifts == {-2, -1, 0, 1, 2}


def recorded(mel, lengths, **changes):
    return record(mel, lengths, replace(STILL, **changes), FRONTEND)


def steps(count=200):
    """A loud voice of 20 frames, then 60 frames of silence at the floor."""
    mel = torch.full((count, 80, 80), -1.0)
    mel[:, :, :20] = 1.0
    return mel, torch.full((count,), 80.0)


def test_noise_fills_the_silence_at_the_stated_distance():
    mel, lengths = steps()
    found = recorded(mel, lengths, noise_share=1.0, noise_snr_db=10.0)
    noise = 10 * ((10 ** (4 * found[:, :, 30:] - 4)).mean((1, 2))).log10()  # dB
    voice = 10 * ((10 ** (4 * mel - 4)).mean((1, 2))).log10()
    snr_db = voice - noise
    assert 9.5 < snr_db.min() < 13
    assert 37 < snr_db.max() < 40.5
    torch.testing.assert_close(found[:, :, :20], mel[:, :, :20], atol=0.2, rtol=0)


def test_babble_is_other_voices_of_the_batch_at_the_stated_distance():
    mel, lengths = steps()
    mel[::2] = mel[::2].flip(2)  # half of the voices speak at the end
    found = recorded(mel, lengths, babble_share=1.0)
    added = 10 ** (4 * found - 4) - 10 ** (4 * mel - 4)
    snr_db = 10 * ((10 ** (4 * mel - 4)).mean((1, 2)) / added.mean((1, 2))).log10()
    assert 4.5 < snr_db.min() < 7
    assert 33 < snr_db.max() < 35.5
    silence = torch.cat([found[1::2, :, 20:], found[::2, :, :60]])
    assert 0.75 < (silence.amax(1) > -0.9).float().mean() < 0.9  # six voices of a quarter: 1 - 0.75 ** 6
    torch.testing.assert_close(found[1::2, :, :20], mel[1::2, :, :20], atol=0.2, rtol=0)


def test_babble_ends_with_the_clip():
    levels, lengths = plain_view(*batch(40), FRONTEND, SETTINGS)
    found = recorded(levels, lengths, babble_share=1.0)
    power = 10 ** (4 * found - 4)
    short = lengths < found.shape[2]
    assert short.any()
    floor = 10 ** (4 * loudest(found, lengths)[short] - 4 - FRONTEND.floor_decades)
    torch.testing.assert_close(power[short][:, :, -1:], floor.expand(-1, 80, 1))


def test_reverberation_dies_away_behind_a_sound_and_never_before_it():
    mel = torch.full((200, 80, 80), -1.0)
    mel[:, :, 40:50] = 1.0
    found = recorded(mel, torch.full((200,), 80.0), room_share=1.0)
    assert found[:, :, :40].max() < -0.92  # what is there already may double its power
    tail = found[:, 0, 50:]
    assert (tail.diff(dim=1) <= 1e-5).all()
    assert tail[:, 0].min() > -0.8
    assert (tail[:, 10] > 0).any()


def test_a_band_leaves_the_middle_and_takes_the_ends_to_the_floor():
    mel, lengths = steps()
    found = recorded(mel, lengths, band_share=1.0)
    torch.testing.assert_close(found[:, 15:40], mel[:, 15:40], atol=1e-5, rtol=0)
    gone = found[:, :, 0] < 0
    assert 25 < gone.sum(1).max() < 45
    floor = (loudest(mel, lengths) - 2)[:, 0].expand_as(gone)
    torch.testing.assert_close(found[:, :, 0][gone], floor[gone])


def test_a_share_of_the_clips_is_changed():
    mel, lengths = plain_view(*batch(400), FRONTEND, SETTINGS)
    for kind in ("room", "babble", "noise", "band"):
        found = recorded(mel, lengths, **{f"{kind}_share": 0.3, "noise_snr_db": 0.0})
        changed = ((found - mel).abs() > 1e-3)[::2].any(2).any(1)
        assert 0.15 < changed.float().mean() < 0.45


def test_a_normalised_level_is_that_of_the_changed_clip():
    settings = replace(augmented(noise_share=1.0, noise_snr_db=-5.0), level_normalised=True)
    mel, lengths = train_view(*batch(), FRONTEND, settings)
    torch.testing.assert_close(loudest(mel, lengths), torch.full((100, 1, 1), NORMAL))
