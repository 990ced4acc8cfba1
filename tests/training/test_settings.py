import pytest
import yaml

from speech_emotion.core.errors import PipelineError
from speech_emotion.core.params import read_settings
from speech_emotion.training.settings import TrainSettings
from tests.trainings import PARAMS


def read(tmp_path, **changes):
    section = yaml.safe_load(PARAMS.read_text())["finetune_low"] | changes
    (tmp_path / "params.yaml").write_text(yaml.safe_dump({"finetune_low": section}))
    return read_settings(tmp_path / "params.yaml", "finetune_low", TrainSettings)


@pytest.mark.parametrize("section", ["finetune_low", "finetune_high"])
def test_the_declared_parameters_are_accepted(section):
    assert read_settings(PARAMS, section, TrainSettings).epochs >= 1


@pytest.mark.parametrize(
    ("name", "value", "limits"),
    [
        ("batch_size", 0, "at least 2 and below inf"),
        ("batch_size", 1, "at least 2 and below inf"),
        ("epochs", 0, "at least 1 and below inf"),
        ("frozen_epochs", -1, "at least 0 and below inf"),
        ("threads", 0, "at least 1 and below inf"),
        ("label_smoothing", 1.0, "at least 0 and below 1"),
        ("average", 1.0, "at least 0 and below 1"),
        ("dropout", -0.1, "at least 0 and below 1"),
        ("learning_rate", float("nan"), "at least 0 and below inf"),
    ],
)
def test_what_cannot_work_is_refused_before_training(tmp_path, name, value, limits):
    with pytest.raises(PipelineError) as caught:
        read(tmp_path, **{name: value})
    assert (
        str(caught.value)
        == f"{tmp_path / 'params.yaml'}: section 'finetune_low': {name} is {value}; it must be {limits}"
    )


def test_a_misspelt_change_is_refused(tmp_path):
    with pytest.raises(PipelineError, match="gain"):
        read(tmp_path, augment={"gain": 3.0})
