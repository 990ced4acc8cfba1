from dataclasses import replace

import pytest
import torch

from speech_emotion.encoders.speech.view import NORMAL, plain_view, window
from speech_emotion.model.inference import pack
from tests.encoders.speech.samples import FRONTEND, SETTINGS, mels

NORMALISED = replace(SETTINGS, level_normalised=True)


def test_clips_come_whole_and_nothing_stands_behind_them():
    clips = mels(30, 100, 7)
    mel, lengths = plain_view(*pack(clips), FRONTEND, SETTINGS)
    assert mel.dtype == torch.float32
    assert lengths.tolist() == [30, 100, 7]
    for clip, row, count in zip(clips, mel, (30, 100, 7), strict=True):
        assert torch.equal(row[:, :count], torch.from_numpy(clip).float())
        assert not row[:, count:].any()


def test_longer_clips_than_the_encoder_takes_are_cut_to_their_middle():
    clips = mels(3400, 2990)
    mel, lengths = plain_view(*pack(clips), FRONTEND, SETTINGS)
    assert lengths.tolist() == [3000, 2990]
    assert torch.equal(mel[0], torch.from_numpy(clips[0])[:, 200:3200].float())
    assert torch.equal(mel[1, :, :2990], torch.from_numpy(clips[1]).float())


@pytest.mark.parametrize("change", [-1.5, 0.4])
def test_a_normalised_level_forgets_the_level_and_nothing_else(change):
    levels, lengths = pack(mels(30, 50))
    behind = torch.arange(50) >= lengths[:, None, None]
    louder = (levels.float() + change).masked_fill(behind, 0)
    before, after = (plain_view(one, lengths, FRONTEND, NORMALISED)[0] for one in (levels.float(), louder))
    torch.testing.assert_close(after, before, atol=1e-5, rtol=0)
    torch.testing.assert_close(before.amax((1, 2)), torch.full((2,), NORMAL))
    kept = plain_view(levels, lengths, FRONTEND, SETTINGS)[0]
    torch.testing.assert_close((before - kept)[0, :, :30].std(), torch.tensor(0.0), atol=1e-5, rtol=0)


def test_a_window_is_interpolated_and_ends_with_the_clip():
    levels, lengths = torch.arange(100.0).expand(2, 3, 100), torch.tensor([100.0, 20.0])
    mel, kept = window(levels, lengths, torch.tensor([10.0, 4.0]), torch.tensor([1.25, 0.5]), 40)
    assert kept.tolist() == [40, 31]  # frame 4 to 19 by halves
    torch.testing.assert_close(mel[0, 1], 10 + 1.25 * torch.arange(40))
    torch.testing.assert_close(mel[1, 2, :31], 4 + 0.5 * torch.arange(31))
    assert not mel[1, :, 31:].any()
