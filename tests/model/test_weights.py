import pytest
import torch
from safetensors.torch import save_file

from speech_emotion.core.errors import PipelineError
from speech_emotion.model.weights import METADATA_KEY, load_tensors, save_tensors

TENSORS = {"b": torch.arange(6.0).reshape(2, 3), "a": torch.tensor(7), "c": torch.arange(12.0).reshape(3, 4).T}


def test_tensors_and_text_come_back(tmp_path):
    save_tensors(tmp_path / "weights", TENSORS, "what it is: größer")
    found, text = load_tensors(tmp_path / "weights")
    assert text == "what it is: größer"
    assert found.keys() == TENSORS.keys()
    assert all(torch.equal(found[name], TENSORS[name]) and found[name].dtype == TENSORS[name].dtype for name in found)


def test_equal_input_gives_equal_bytes(tmp_path):
    save_tensors(tmp_path / "one", TENSORS, "text")
    save_tensors(tmp_path / "two", dict(reversed(TENSORS.items())), "text")
    assert (tmp_path / "one").read_bytes() == (tmp_path / "two").read_bytes()


def test_a_file_that_is_none_of_ours_is_named(tmp_path):
    save_tensors(tmp_path / "whole", TENSORS, "text")
    (tmp_path / "cut").write_bytes((tmp_path / "whole").read_bytes()[:-5])
    (tmp_path / "empty").touch()
    (tmp_path / "folder").mkdir()
    save_file({"a": torch.zeros(1)}, tmp_path / "foreign")
    torch.save(TENSORS, tmp_path / "pickle")
    for name in ("cut", "empty", "folder", "foreign", "pickle", "absent"):
        with pytest.raises(PipelineError) as caught:
            load_tensors(tmp_path / name)
        assert str(caught.value).startswith(f"{tmp_path / name}: is no readable weights file")
        assert "\n" not in str(caught.value)


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -float("inf")])
def test_what_is_not_finite_is_neither_written_nor_read(tmp_path, value):
    broken = {"a": torch.zeros(1), "b": torch.tensor([1.0, value])}
    with pytest.raises(PipelineError, match=r"weights: 'b' has values that are not finite; "):
        save_tensors(tmp_path / "weights", broken, "text")
    assert list(tmp_path.iterdir()) == []
    save_file(broken, tmp_path / "weights", metadata={METADATA_KEY: "text"})
    with pytest.raises(PipelineError, match=r"weights: 'b' has values that are not finite; "):
        load_tensors(tmp_path / "weights")
