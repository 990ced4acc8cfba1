import numpy as np
import pytest
import torch

from speech_emotion.encoders.image.settings import FrontendSettings
from speech_emotion.encoders.image.view import centred, plain_view, to_image, window, window_frames
from speech_emotion.model.inference import pack
from tests.trainings import FRONTEND, train_settings


@pytest.fixture
def levels():
    """Two clips, 5 mel bins, 40 and 25 frames."""
    rng = np.random.default_rng(0)
    return pack([rng.integers(1, 256, (5, frames), dtype=np.uint8) for frames in (40, 25)])


def plain(image_size):
    return train_settings(image_size=image_size, mean=0.0, deviation=1.0).encoder


def cut(levels, starts, rates, width):
    return window(levels, torch.tensor(starts), torch.tensor(rates), width)


def test_clips_are_packed_with_silence_behind_their_ends(levels):
    packed, lengths = levels
    assert packed.shape == (2, 5, 40)
    assert packed.dtype == torch.uint8
    assert lengths.tolist() == [40, 25]
    assert (packed[1, :, :25] > 0).all()
    assert (packed[1, :, 25:] == 0).all()


def test_a_window_at_recorded_speed_is_a_slice(levels):
    found = cut(levels[0], [3.0, 7.0], [1.0, 1.0], 16)
    expected = torch.stack([levels[0][0, :, 3:19], levels[0][1, :, 7:23]]) / FrontendSettings.LEVELS
    torch.testing.assert_close(found, expected, rtol=0, atol=0)


def test_a_window_over_both_ends_begins_and_ends_in_silence(levels):
    found = cut(levels[0], [-4.0, -10.0], [1.0, 1.0], 60)
    torch.testing.assert_close(found[0, :, 4:44], levels[0][0] / FrontendSettings.LEVELS, rtol=0, atol=0)
    torch.testing.assert_close(found[1, :, 10:35], levels[0][1, :, :25] / FrontendSettings.LEVELS, rtol=0, atol=0)
    assert (found[0, :, :4] == 0).all()
    assert (found[0, :, 44:] == 0).all()
    assert (found[1, :, 35:] == 0).all()


def test_twice_as_fast_takes_every_second_frame(levels):
    found = cut(levels[0], [1.0, 0.0], [2.0, 2.0], 12)
    torch.testing.assert_close(found[0], levels[0][0, :, 1:25:2] / FrontendSettings.LEVELS, rtol=0, atol=0)
    torch.testing.assert_close(found[1], levels[0][1, :, 0:24:2] / FrontendSettings.LEVELS, rtol=0, atol=0)


def test_half_speed_puts_the_mean_between_two_frames(levels):
    found = cut(levels[0][:1], [0.0], [0.5], 9)[0]
    frames = levels[0][0, :, :5] / FrontendSettings.LEVELS
    torch.testing.assert_close(found[:, ::2], frames)
    torch.testing.assert_close(found[:, 1::2], (frames[:, 1:] + frames[:, :-1]) / 2)


@pytest.mark.parametrize(("length", "width", "start"), [(40, 16, 12), (25, 16, 4), (10, 16, -3), (10, 15, -3)])
def test_the_middle_of_a_clip_comes_into_the_middle_of_the_window(length, width, start):
    assert centred(torch.tensor([float(length)]), width).tolist() == [start]


def test_the_plain_view_is_an_image_of_the_middle(levels):
    settings = train_settings(image_size=16, window_s=0.16).encoder
    (found,) = plain_view(*levels, FRONTEND, settings)
    assert window_frames(FRONTEND, settings) == 16
    expected = to_image(cut(levels[0], [12.0, 4.0], [1.0, 1.0], 16), settings)
    torch.testing.assert_close(found, expected)


def test_an_image_has_low_frequencies_at_the_bottom_and_time_to_the_right():
    windows = torch.zeros(1, 16, 16)
    windows[0, 0, 12:] = 1.0  # lowest bin, late
    image = to_image(windows, plain(16))[0, 0]
    assert image[15].tolist() == [0] * 12 + [1] * 4
    assert (image[:15] == 0).all()


def test_an_image_is_square_normalised_and_grey():
    windows = torch.rand(2, 20, 30, generator=torch.Generator().manual_seed(0))
    image = to_image(windows, train_settings(image_size=48, mean=0.4, deviation=0.2).encoder)
    assert image.shape == (2, 3, 48, 48)
    assert torch.equal(image[:, 0], image[:, 1])
    assert torch.equal(image[:, 0], image[:, 2])
    torch.testing.assert_close(image * 0.2 + 0.4, to_image(windows, plain(48)))


def test_resizing_keeps_a_flat_level():
    image = to_image(torch.full((1, 20, 30), 0.5), plain(48))
    torch.testing.assert_close(image, torch.full((1, 3, 48, 48), 0.5))
