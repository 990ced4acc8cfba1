import numpy as np
import pytest
import torch

from speech_emotion.core.errors import PipelineError
from speech_emotion.encoders.image.view import to_image, window
from speech_emotion.model import inference
from speech_emotion.model.inference import clip_embeddings, clip_logits, embedding_logits, pack
from tests.trainings import FRONTEND, small_model, train_settings

SETTINGS = train_settings(window_s=0.4).encoder
WIDTH = 40  # frames in 0.4 s


@pytest.fixture(scope="module")
def model():
    torch.manual_seed(0)
    model = small_model()
    model.network.train()(torch.rand(16, 3, 32, 32))  # batch norm has seen something
    model.network.eval()
    return model


@pytest.fixture(scope="module")
def mels():
    rng = np.random.default_rng(0)
    return [rng.integers(0, 256, (FRONTEND.n_mels, frames), dtype=np.uint8) for frames in (20, 40, 61, 90, 35)]


def one_window(model, mel, start):
    """Logits of one clip seen from frame `start` on, as training's batches see it."""
    windows = window(pack([mel])[0], torch.tensor([float(start)]), torch.ones(1), WIDTH)
    with torch.no_grad():
        return model.network(to_image(windows, SETTINGS))[0]


def test_logits_come_in_the_order_of_the_clips_whatever_the_batch(model, mels, monkeypatch):
    found = clip_logits(model, mels)
    assert found.shape == (5, 8)
    assert found.dtype == np.float32
    for batch_size in (1, 2, 5):
        monkeypatch.setattr(inference, "BATCH_SIZE", batch_size)
        np.testing.assert_allclose(clip_logits(model, mels), found, atol=1e-5)
    np.testing.assert_allclose(clip_logits(model, mels[::-1])[::-1], found, atol=1e-5)


def test_a_clip_is_seen_from_its_middle(model, mels):
    for mel, logits in zip(mels, clip_logits(model, mels), strict=True):
        np.testing.assert_allclose(one_window(model, mel, np.floor((mel.shape[1] - WIDTH) / 2)), logits, atol=1e-5)


def test_logits_are_those_of_the_embeddings(model, mels):
    embeddings = clip_embeddings(model, mels)
    assert len(embeddings) == len(mels)
    np.testing.assert_array_equal(embedding_logits(model, embeddings), clip_logits(model, mels))


def test_answers_that_are_not_finite_are_refused(mels):
    model = small_model()
    model.network.eval().get_classifier().weight.data[0] = float("nan")
    with pytest.raises(PipelineError, match="image: the model's answers are not finite"):
        clip_logits(model, mels)
