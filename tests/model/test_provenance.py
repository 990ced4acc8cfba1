import hashlib

import pytest

from speech_emotion.core.errors import PipelineError
from speech_emotion.model.provenance import data_files, file_md5s, refuse_other_data


@pytest.fixture
def present(tmp_path):
    for name in ("split.csv", "ravdess/01.safetensors", "tess/OAF.safetensors"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(name)
    shards = [tmp_path / "tess/OAF.safetensors", tmp_path / "ravdess/01.safetensors"]
    return file_md5s(data_files(tmp_path / "split.csv", shards))


def test_the_split_and_each_shard_have_their_md5(present):
    assert list(present) == ["ravdess/01", "split", "tess/OAF"]
    assert present["split"] == hashlib.md5(b"split.csv").hexdigest()


def test_the_same_data_pass(present, tmp_path):
    refuse_other_data(tmp_path / "model", dict(present), present)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            {"tess/OAF": "f" * 32},
            f"tess/OAF has md5 {hashlib.md5(b'tess/OAF.safetensors').hexdigest()}, the model saw f",
        ),
        ({"ravdess/02": "f" * 32}, "ravdess/02 has md5 none (missing), the model saw ffff"),
    ],
)
def test_other_missing_and_additional_data_are_refused(present, tmp_path, change, message):
    with pytest.raises(PipelineError) as caught:
        refuse_other_data(tmp_path / "model", present | change, present)
    assert str(caught.value).startswith(f"{tmp_path / 'model'}: was not trained on the data beside it: ")
    assert message in str(caught.value)


def test_a_shard_that_the_model_never_saw_is_refused(present, tmp_path):
    seen = {name: md5 for name, md5 in present.items() if name != "tess/OAF"}
    with pytest.raises(PipelineError, match=r"tess/OAF has md5 \w+, the model saw no such file"):
        refuse_other_data(tmp_path / "model", seen, present)
