import pytest
import torch

from speech_emotion.core.errors import PipelineError
from speech_emotion.encoders.image.network import (
    body_state,
    build,
    classify,
    embed,
    head_of,
    load_body,
    parameter_groups,
    rate_shares,
)
from tests.trainings import train_settings

BACKBONES = ["tf_efficientnet_lite0", "resnet34", "test_efficientnet", "test_vit"]


@pytest.mark.parametrize("backbone", BACKBONES)
def test_head_and_body_share_nothing_and_leave_nothing_out(backbone):
    network = build(backbone)
    body, head = ([id(parameter) for parameter in group] for group in parameter_groups(network))
    assert sorted(body + head) == sorted(id(parameter) for parameter in network.parameters())
    assert [parameter.shape[0] for parameter in head_of(network).parameters()] == [8, 8]
    assert head == [id(parameter) for parameter in head_of(network).parameters()]


@pytest.mark.parametrize("backbone", BACKBONES)
def test_the_body_is_all_but_the_head(backbone):
    network = build(backbone)
    rest = network.state_dict().keys() - body_state(network).keys()
    assert {name.rpartition(".")[2] for name in rest} == {"weight", "bias"}
    assert len(rest) == 2


@pytest.mark.parametrize("backbone", BACKBONES)
def test_an_embedding_is_what_the_head_sees(backbone):
    network = build(backbone, train_settings(dropout=0.5).encoder).eval()
    size = network.default_cfg["input_size"][-1]
    images = torch.rand(2, 3, size, size, generator=torch.Generator().manual_seed(0))
    with torch.inference_mode():
        embeddings = embed(network, images)
        assert embeddings.ndim == 2
        torch.testing.assert_close(classify(network, embeddings), network(images), rtol=0, atol=0)


def test_logits_for_eight_emotions():
    network = build("test_efficientnet").eval()
    assert network(torch.zeros(2, 3, 32, 32)).shape == (2, 8)


def test_loading_a_body_leaves_the_head_as_it_was():
    torch.manual_seed(0)
    source, target = build("test_efficientnet"), build("test_efficientnet")
    before = {name: tensor.clone() for name, tensor in target.state_dict().items()}
    load_body(target, body_state(source))
    after = target.state_dict()
    for name, tensor in source.state_dict().items():
        if name in body_state(source):
            assert torch.equal(after[name], tensor)
        else:
            assert torch.equal(after[name], before[name])
    head = head_of(source).weight, head_of(target).weight
    assert not torch.equal(*head)


def test_a_body_of_another_network_is_refused_and_nothing_is_loaded():
    target = build("test_efficientnet")
    before = {name: tensor.clone() for name, tensor in target.state_dict().items()}
    short = dict(list(body_state(build("test_efficientnet")).items())[:-1])
    for state in (body_state(build("resnet34")), short):
        with pytest.raises(PipelineError, match="does not fit the backbone; run `dvc repro pretrained`"):
            load_body(target, state)
    assert all(torch.equal(before[name], tensor) for name, tensor in target.state_dict().items())


def test_dropout_reaches_the_network():
    torch.manual_seed(0)
    images = torch.rand(2, 3, 32, 32)
    network = build("test_efficientnet", train_settings(dropout=0.5).encoder).train()
    assert not torch.equal(network(images), network(images))
    network = build("test_efficientnet").train()
    torch.testing.assert_close(network(images), network(images))


def test_an_unknown_name_lists_names_that_are_close():
    with pytest.raises(PipelineError) as caught:
        build("tf_efficientnet_lite9")
    assert str(caught.value).startswith(
        "params image.backbone.name: timm has no network 'tf_efficientnet_lite9'; did you mean tf_"
    )
    assert "\n" not in str(caught.value)
    with pytest.raises(PipelineError, match=r"take a name that timm\.list_models\(\) lists"):
        build("xyzzy")


def test_the_body_learns_at_its_share_of_the_heads_rate():
    network = build("test_efficientnet")
    shares = rate_shares(network, train_settings(body_rate=0.25).encoder)
    assert shares == [0.25, 1.0]
    assert len(shares) == len(parameter_groups(network))
