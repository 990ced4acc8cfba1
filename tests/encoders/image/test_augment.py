from dataclasses import replace

import numpy as np
import pytest
import torch

from speech_emotion.encoders.image.augment import augment, random_window
from speech_emotion.encoders.image.settings import FrontendSettings
from speech_emotion.model.inference import pack
from tests.trainings import STILL

RANGE_DB = 120.0
EVERYTHING = replace(
    STILL, speed=0.1, gain_db=6.0, shift_mels=3,
    time_masks=2, time_mask_share=0.2, mel_masks=2, mel_mask_share=0.2,
)  # fmt: skip


@pytest.fixture(autouse=True)
def _seed():
    torch.manual_seed(0)


def noise_windows(count=50, mels=24, frames=40):
    """Levels from 0.3 to 0.6, with silence in the last five frames."""
    windows = 0.3 + 0.3 * torch.rand(count, mels, frames)
    windows[:, :, -5:] = 0
    return windows


def ramps(count, frames):
    """Clips whose level is the number of the frame, from 1 on."""
    return pack([np.tile(np.arange(1, frames + 1, dtype=np.uint8), (4, 1))] * count)


def test_everything_switched_off_changes_nothing():
    windows = noise_windows()
    assert torch.equal(augment(windows, STILL, RANGE_DB), windows)


def test_the_same_seed_gives_the_same_changes_and_another_others():
    windows = noise_windows()
    found = []
    for seed in (1, 1, 2):
        torch.manual_seed(seed)
        found.append(augment(windows, EVERYTHING, RANGE_DB))
    assert torch.equal(found[0], found[1])
    assert not torch.equal(found[0], found[2])


def test_changes_stay_in_range_and_leave_the_input_alone():
    windows = noise_windows()
    before = windows.clone()
    changed = augment(windows, EVERYTHING, RANGE_DB)
    assert torch.equal(windows, before)
    assert changed.shape == windows.shape
    assert changed.min() >= 0
    assert changed.max() <= 1


def test_a_long_clip_is_cropped_anywhere_without_silence():
    found = random_window(*ramps(200, 100), 30, speed=0.0) * FrontendSettings.LEVELS
    torch.testing.assert_close(found.diff(dim=2), torch.ones(200, 4, 29), atol=1e-3, rtol=0)
    first = found[:, 0, 0]
    assert first.min() < 5
    assert 65 < first.max() <= 71


def test_a_short_clip_is_placed_anywhere_and_kept_whole():
    levels, lengths = ramps(200, 30)
    found = random_window(levels, lengths, 100, speed=0.0) * FrontendSettings.LEVELS
    torch.testing.assert_close(found.sum(2), levels.float().sum(2), rtol=1e-4, atol=0)
    loudest = found[:, 0].argmax(dim=1)
    assert loudest.min() < 35
    assert loudest.max() > 90


def test_speed_goes_as_far_as_it_says_in_both_directions():
    rates = (random_window(*ramps(400, 100), 30, speed=0.2) * FrontendSettings.LEVELS)[:, 0].diff(dim=1).mean(dim=1)
    assert 0.8 - 1e-3 <= rates.min() < 0.82
    assert 1.18 < rates.max() <= 1.2 + 1e-3


def test_gain_moves_all_of_a_clip_by_the_same_decibels_and_leaves_silence_silent():
    windows = noise_windows()
    changed = augment(windows, replace(STILL, gain_db=6.0), RANGE_DB)
    gain_db = (changed - windows)[:, :, :-5] * RANGE_DB
    torch.testing.assert_close(gain_db, gain_db[:, :1, :1].expand_as(gain_db), atol=1e-3, rtol=0)
    assert -6 <= gain_db.min() < -4
    assert 4 < gain_db.max() <= 6
    assert (changed[:, :, -5:] == 0).all()


def test_a_shift_moves_whole_bins_at_most_as_far_as_it_says():
    windows = noise_windows()
    changed = augment(windows, replace(STILL, shift_mels=3), RANGE_DB)
    shifts = set()
    for before, after in zip(windows, changed, strict=True):
        fits = [n for n in range(-3, 4) if torch.equal(after[3:-3], before.roll(n, dims=0)[3:-3])]
        assert len(fits) == 1
        shifts.add(fits[0])
    assert shifts == set(range(-3, 4))


@pytest.mark.parametrize(("kind", "axis", "extent"), [("time", 2, 40), ("mel", 1, 24)])
@pytest.mark.parametrize("masks", [1, 2])
def test_masks_are_stripes_of_the_stated_extent_filled_with_the_mean(kind, axis, extent, masks):
    windows = noise_windows(200)
    settings = replace(STILL, **{f"{kind}_masks": masks, f"{kind}_mask_share": 0.2})
    changed = augment(windows, settings, RANGE_DB)
    touched = (changed != windows).any(dim=3 - axis)  # [B, extent]
    longest = np.ceil(0.2 * extent)
    assert touched.sum(dim=1).max() <= masks * longest
    assert touched.sum(dim=1).max() > 0.7 * longest
    starts = touched[:, :1].int().sum(1) + (touched.int().diff(dim=1) == 1).sum(1)
    assert starts.max() == masks
    assert touched.any(dim=0).all(), "masks fall anywhere"
    if masks == 1:
        mean = windows.mean(dim=(1, 2), keepdim=True).expand_as(windows)
        hit = touched[:, None, :] if axis == 2 else touched[:, :, None]
        expected = torch.where(hit, mean, windows)
        torch.testing.assert_close(changed, expected, atol=1e-6, rtol=0)


def test_time_and_frequency_keep_their_direction():
    # Levels that rise with time and with frequency must never fall, whatever is drawn.
    settings = replace(EVERYTHING, time_masks=0, mel_masks=0)
    rising = (torch.arange(1, 25)[:, None] * 4 + torch.arange(1, 101)).to(torch.uint8)
    levels, lengths = pack([rising.numpy()] * 200)
    changed = augment(random_window(levels, lengths, 60, speed=0.2), settings, RANGE_DB)
    assert (changed.diff(dim=1) >= -1e-6).all()
    assert (changed[:, :, :-1].diff(dim=2) >= -1e-6).all()  # a slowed clip may end within the last frame
