import numpy as np
import pytest
import torch

from speech_emotion.encoders.image.network import build_network
from speech_emotion.encoders.image.view import pack, to_image, window
from speech_emotion.model.inference import clip_logits
from speech_emotion.training.fine_tune import describe
from tests.trainings import BACKBONE, MEL, train_settings

SETTINGS = train_settings(window_s=0.4)
DESCRIPTION = describe(BACKBONE, SETTINGS, MEL, {})
WIDTH = 40  # frames in 0.4 s


@pytest.fixture(scope="module")
def network():
    torch.manual_seed(0)
    network = build_network(BACKBONE)
    network.train()(torch.rand(16, 3, 32, 32))  # batch norm has seen something
    return network.eval()


@pytest.fixture(scope="module")
def mels():
    rng = np.random.default_rng(0)
    return [rng.integers(0, 256, (MEL.n_mels, frames), dtype=np.uint8) for frames in (20, 40, 61, 90, 35)]


def one_window(network, mel, start):
    """Logits of one clip seen from frame `start` on, as training's batches see it."""
    levels, _ = pack([mel])
    windows = window(levels, torch.tensor([float(start)]), torch.ones(1), WIDTH)
    with torch.no_grad():
        return network(to_image(windows, SETTINGS.image_size, mean=SETTINGS.mean, deviation=SETTINGS.deviation))[0]


def test_logits_come_in_the_order_of_the_clips_whatever_the_batch(network, mels):
    found = clip_logits(network, DESCRIPTION, mels)
    assert found.shape == (5, 8)
    assert found.dtype == np.float32
    for batch_size in (1, 2, 5):
        np.testing.assert_allclose(clip_logits(network, DESCRIPTION, mels, batch_size=batch_size), found, atol=1e-5)
    np.testing.assert_allclose(clip_logits(network, DESCRIPTION, mels[::-1])[::-1], found, atol=1e-5)


def test_a_clip_is_seen_from_its_middle(network, mels):
    found = clip_logits(network, DESCRIPTION, mels)
    for mel, logits in zip(mels, found, strict=True):
        np.testing.assert_allclose(one_window(network, mel, np.floor((mel.shape[1] - WIDTH) / 2)), logits, atol=1e-5)


def test_several_crops_average_log_probabilities(network, mels):
    long = mels[3]  # 90 frames: crops start at 0, 25 and 50
    expected = torch.stack([one_window(network, long, start).log_softmax(0) for start in (0, 25, 50)]).mean(0)
    found = clip_logits(network, DESCRIPTION, [long], crops=3)
    np.testing.assert_allclose(found[0], expected, atol=1e-5)


def test_crops_change_nothing_for_a_clip_that_fits(network, mels):
    one, many = (clip_logits(network, DESCRIPTION, mels[:2], crops=crops) for crops in (1, 4))
    np.testing.assert_allclose(torch.tensor(one).log_softmax(1), many, atol=1e-5)
