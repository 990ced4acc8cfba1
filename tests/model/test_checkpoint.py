import json
import os
import pickle

import pytest
import torch

from speech_emotion.core.errors import PipelineError
from speech_emotion.model.checkpoint import load_model, save_model
from speech_emotion.model.weights import load_tensors, save_tensors
from tests.trainings import small_model


@pytest.fixture
def saved(tmp_path):
    """A model file and its model."""
    torch.manual_seed(0)
    model = small_model({"ravdess/01": "0" * 32, "split": "1" * 32}, temperature=1.25)
    save_model(tmp_path / "model.safetensors", model)
    return tmp_path / "model.safetensors", model


def refusal(path):
    with pytest.raises(PipelineError) as caught:
        load_model(path)
    assert str(caught.value).startswith(f"{path}: ")
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_a_model_comes_back_as_it_was(saved):
    path, model = saved
    loaded = load_model(path)
    assert loaded.description == model.description
    images = torch.rand(2, 3, 32, 32)
    assert not loaded.network.training
    assert torch.equal(loaded.network(images), model.network.eval()(images))


def test_equal_models_are_equal_bytes(saved, tmp_path):
    path, model = saved
    save_model(tmp_path / "again", model)
    assert (tmp_path / "again").read_bytes() == path.read_bytes()


def test_the_description_has_the_settings_as_params_yaml_has_them(saved):
    _, text = load_tensors(saved[0])
    training = json.loads(text)["training"]
    assert (training["image_size"], training["epochs"], training["augment"]["speed"]) == (32, 3, 0.15)


def test_a_damaged_file_is_named(saved):
    path, _ = saved
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    assert "is no readable weights file" in refusal(path)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"backbone": "resnet34"}, "Missing key"),
        ({"backbone": "no_such_network"}, "timm has no network"),
        ({"frontend": {"n_mels": 8}}, "missing"),
        ({"encoder": "smell"}, "no encoder 'smell'"),
        ({"emotions": ["happy", "sad"]}, "emotions are others"),
        ({"temperature": None, "colour": "red"}, "colour"),
    ],
)
def test_a_description_that_does_not_fit_is_refused(saved, change, reason):
    path, _ = saved
    tensors, text = load_tensors(path)
    save_tensors(path, tensors, json.dumps(json.loads(text) | change))
    message = refusal(path)
    assert "is no model, or weights and description disagree" in message
    assert reason in message
    assert len(message) < 500


@pytest.mark.parametrize("text", ["", "[]", "{}", "null", "no JSON"])
def test_weights_without_a_description_are_refused(saved, text):
    path, _ = saved
    save_tensors(path, load_tensors(path)[0], text)
    assert "is no model" in refusal(path)


class Intruder:
    def __init__(self, trace):
        self.trace = trace

    def __reduce__(self):
        return os.mkdir, (str(self.trace),)


@pytest.mark.parametrize("write", [pickle.dump, torch.save])
def test_loading_runs_no_code(tmp_path, write):
    trace, path = tmp_path / "ran", tmp_path / "model.safetensors"
    with path.open("wb") as file:
        write(Intruder(trace), file)
    refusal(path)
    assert not trace.exists()
    with path.open("rb") as file:
        torch.load(file, weights_only=False) if write is torch.save else pickle.load(file)
    assert trace.exists(), "the file would have run code"
