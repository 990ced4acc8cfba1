from dataclasses import replace

import pytest
import torch
from torch import nn

from speech_emotion.core.errors import PipelineError
from speech_emotion.encoders.speech.network import (
    SIZES,
    Size,
    body_state,
    build,
    classify,
    embed,
    load_body,
    parameter_groups,
    rate_shares,
    sinusoids,
)
from tests.encoders.speech.samples import BACKBONE, SETTINGS

POOLINGS = ["mean", "mean_deviation", "attention"]


@pytest.fixture(autouse=True)
def _seed():
    torch.manual_seed(0)


def built(pooling="mean_deviation", dropout=0.0):
    """A network in evaluation mode whose head and batch statistics are not those of the beginning."""
    network = build(BACKBONE, replace(SETTINGS, pooling=pooling, dropout=dropout))
    for tensor in (network.layer_weights.data, network.norm.running_mean, network.norm.bias.data):
        tensor.normal_()
    return network.eval()


@pytest.mark.parametrize("pooling", POOLINGS)
@pytest.mark.parametrize("frames", [1, 2, 33, 64])
def test_what_stands_behind_a_clip_changes_nothing(pooling, frames):
    network = built(pooling)
    mel = torch.randn(2, 80, frames)
    alone = network(mel[:1], torch.tensor([float(frames)]))
    padded = torch.randn(2, 80, 101)
    padded[:, :, :frames] = mel
    together = network(padded, torch.tensor([float(frames), 101.0]))
    torch.testing.assert_close(together[:1], alone, atol=1e-5, rtol=1e-5)
    assert alone.shape == (1, 8)
    assert torch.isfinite(together).all()


@pytest.mark.parametrize("pooling", POOLINGS)
def test_what_is_in_a_clip_changes_its_logits(pooling):
    network = built(pooling)
    mel = torch.randn(1, 80, 40)
    changed = mel.clone()
    changed[:, :, 39] += 1
    assert not torch.allclose(network(mel, torch.tensor([40.0])), network(changed, torch.tensor([40.0])))


def test_a_block_is_torchs_own_transformer_layer():
    block = built().encoder.blocks[1]
    theirs = nn.TransformerEncoderLayer(64, 1, 256, 0.0, "gelu", batch_first=True, norm_first=True)
    names = {
        "attention_norm": "norm1", "query_key_value.": "self_attn.in_proj_", "attention_out": "self_attn.out_proj",
        "feed_norm": "norm2", "feed_in": "linear1", "feed_out": "linear2",
    }  # fmt: skip
    state = {}
    for name, tensor in block.state_dict().items():
        (ours,) = [ours for ours in names if name.startswith(ours)]
        state[name.replace(ours, names[ours])] = tensor
    theirs.load_state_dict(state)
    states, mask = torch.randn(2, 20, 64), torch.arange(20) < torch.tensor([[20], [7]])
    expected = theirs.train()(states, src_key_padding_mask=~mask)  # in training it takes no other path
    torch.testing.assert_close(block(states, mask)[mask], expected[mask], atol=1e-5, rtol=1e-5)


def test_layers_are_weighted_and_pooled_as_stated():
    network = built()
    mel = torch.randn(1, 80, 50)
    layers, mask = network.encoder(mel, torch.tensor([50.0]))
    assert mask.all()
    assert len(layers) == SIZES[BACKBONE].layers + 1
    assert layers[0].shape == (1, 25, 64)
    mixed = sum(share * layer for share, layer in zip(network.layer_weights.softmax(0), layers, strict=True))
    pooled = torch.cat([mixed.mean(1), (mixed.var(1, correction=0) + 1e-5).sqrt()], 1)
    torch.testing.assert_close(embed(network, mel, torch.tensor([50.0])), network.norm(pooled))


@pytest.mark.parametrize("pooling", POOLINGS)
def test_a_classified_embedding_is_the_networks_answer(pooling):
    network = built(pooling, dropout=0.5)
    inputs = torch.randn(3, 80, 30), torch.tensor([30.0, 20.0, 9.0])
    embeddings = embed(network, *inputs)
    assert embeddings.shape == (3, network.classifier.in_features)
    assert torch.equal(classify(network, embeddings), network(*inputs))


@pytest.mark.parametrize("pooling", POOLINGS)
def test_each_parameter_is_in_one_group_and_the_head_is_last(pooling):
    network = built(pooling)
    groups = parameter_groups(network)
    assert sorted(id(one) for group in groups for one in group) == sorted(id(one) for one in network.parameters())
    head = {id(one) for one in groups[-1]}
    assert all((id(one) in head) != name.startswith("encoder.") for name, one in network.named_parameters())
    assert len(rate_shares(network, SETTINGS)) == len(groups)


def test_rates_fall_from_the_head_down_to_the_convolutions():
    found = rate_shares(built(), replace(SETTINGS, body_rate=0.2, layer_decay=0.5))
    assert found == pytest.approx([0.05, 0.1, 0.2, 1.0])


def test_each_parameter_of_each_group_learns():
    network = built("attention").train()
    network(torch.randn(4, 80, 40), torch.tensor([40.0, 30.0, 20.0, 40.0])).square().sum().backward()
    still = [name for name, one in network.named_parameters() if one.grad is None or not one.grad.any()]
    assert not still


def test_loading_a_body_leaves_the_head_as_it_was():
    source, target = built(), built()
    head = target.classifier.weight.clone()
    load_body(target, {name: tensor.half() for name, tensor in body_state(source).items()})
    assert torch.equal(target.classifier.weight, head)
    for name, tensor in body_state(target).items():
        assert torch.equal(tensor, body_state(source)[name].half().float())


def test_a_body_of_another_network_is_refused(monkeypatch):
    monkeypatch.setitem(SIZES, "whisper-other", Size(128, 2))
    short = dict(list(body_state(built()).items())[:-1])
    for state in (body_state(build("whisper-other")), short, body_state(built()) | {"encoder.more": torch.zeros(1)}):
        with pytest.raises(PipelineError, match="does not fit the backbone; run `dvc repro pretrained`"):
            load_body(built(), state)


def test_the_lower_layers_of_an_encoder_are_those_of_the_whole():
    whole, lower = built(), build(BACKBONE, replace(SETTINGS, layers=1))
    load_body(lower, body_state(whole))
    assert [len(one.encoder.blocks) for one in (whole, lower)] == [2, 1]
    assert lower.layer_weights.shape == (2,)
    assert len(rate_shares(lower, SETTINGS)) == len(parameter_groups(lower)) == 3
    mel, lengths = torch.randn(2, 80, 40), torch.tensor([40.0, 30.0])
    (found, _), (expected, _) = (one.encoder(mel, lengths) for one in (lower, whole))
    assert torch.equal(found[0], expected[0])
    assert torch.equal(found[1], lower.encoder.norm(expected[1]))
    with pytest.raises(PipelineError, match=r"params speech\.training\.layers is 7; whisper-test has 2"):
        build(BACKBONE, replace(SETTINGS, layers=7))


def test_sizes_are_openais():
    weights = {name: sum(one.numel() for one in build(name).encoder.parameters()) for name in list(SIZES)[:3]}
    assert weights["whisper-base"] == pytest.approx(20.6e6 - 1500 * 512, rel=0.01)  # positions are no parameters
    assert weights["whisper-tiny"] == pytest.approx(8.2e6 - 1500 * 384, rel=0.01)
    english = {f"whisper-{size}.en" for size in ("tiny", "base", "small", "medium")}
    assert english < SIZES.keys()


def test_positions_are_sines_and_cosines():
    found = sinusoids(8)
    assert found.shape == (1500, 8)
    assert found[0].tolist() == [0, 0, 0, 0, 1, 1, 1, 1]
    torch.testing.assert_close(found[7, [0, 4]], torch.tensor([7.0, 7.0]).sin() * torch.tensor([1, 0]) + torch.tensor(
        [0, 1]
    ) * torch.tensor([7.0, 7.0]).cos())  # fmt: skip


def test_unknown_names_and_other_log_mels_are_refused():
    with pytest.raises(PipelineError, match="there is no 'whisper-huge'; use one of whisper-test, whisper-tiny"):
        build("whisper-huge")
    with pytest.raises(PipelineError, match="n_mels is 128; this backbone needs 80"):
        built()(torch.zeros(1, 128, 10), torch.tensor([10.0]))
