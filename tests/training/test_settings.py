import pytest
import yaml

from speech_emotion.core.errors import PipelineError
from speech_emotion.training.settings import flat, read_train_settings, train_settings
from tests.trainings import PARAMS


def read(tmp_path, **changes):
    image = yaml.safe_load(PARAMS.read_text())["image"]
    for name, value in changes.items():
        image["low" if name in image["low"] else "training"][name] = value
    (tmp_path / "params.yaml").write_text(yaml.safe_dump({"image": image}))
    return read_train_settings(tmp_path / "params.yaml", "image", "low")


@pytest.mark.parametrize("training", ["low", "high"])
def test_the_declared_parameters_are_accepted_and_come_back(training):
    settings = read_train_settings(PARAMS, "image", training)
    assert settings.epochs >= 1
    assert train_settings(flat(settings), "image", "again") == settings


@pytest.mark.parametrize(
    ("name", "value", "limits"),
    [
        ("batch_size", 1, "at least 2 and at most 4096"),
        ("frozen_epochs", -1, "at least 0 and at most 10000"),
        ("threads", 0, "at least 1 and at most 1024"),
        ("label_smoothing", 1.0, "at least 0 and below 1"),
        ("average", 1.0, "at least 0 and below 1"),
        ("dropout", -0.1, "at least 0 and below 1"),
        ("learning_rate", float("nan"), "at least 1e-09 and at most 1000"),
        ("learning_rate", float("inf"), "at least 1e-09 and at most 1000"),
        ("image_size", 0, "at least 16 and at most 2048"),
    ],
)
def test_what_cannot_work_is_refused_before_training(tmp_path, name, value, limits):
    with pytest.raises(PipelineError) as caught:
        read(tmp_path, **{name: value})
    sections = "sections image.training and image.low"
    assert str(caught.value) == f"{tmp_path / 'params.yaml'}: {sections}: {name} is {value}; it must be {limits}"


def test_a_training_of_no_epoch_is_refused(tmp_path):
    with pytest.raises(PipelineError, match="frozen_epochs and epochs are 0; train for one at least"):
        read(tmp_path, epochs=0, frozen_epochs=0)


@pytest.mark.parametrize("share", [1.5, -0.1])
def test_a_share_that_cannot_be_meant_is_refused(tmp_path, share):
    with pytest.raises(PipelineError, match=f"shares: tess is {share}; it must be from 0 to 1"):
        read(tmp_path, shares={"tess": share})


def test_a_misspelt_change_is_refused(tmp_path):
    with pytest.raises(PipelineError, match="gain"):
        read(tmp_path, augment={"gain": 3.0})


def test_a_value_that_is_said_twice_is_refused(tmp_path):
    (tmp_path / "params.yaml").write_text("image: {training: {seed: 0}, low: {seed: 1}}")
    with pytest.raises(PipelineError, match=r"'seed' is in image\.training and image\.low; say it once"):
        read_train_settings(tmp_path / "params.yaml", "image", "low")


def test_an_older_file_is_told_what_moved_where(tmp_path):
    (tmp_path / "params.yaml").write_text("finetune_low: {epochs: 3}\nspectrograms: {n_mels: 128}\n")
    with pytest.raises(PipelineError) as caught:
        read_train_settings(tmp_path / "params.yaml", "image", "low")
    assert "'spectrograms' is now image.spectrograms, 'finetune_low' is now image.low" in str(caught.value)
    assert "\n" not in str(caught.value)
