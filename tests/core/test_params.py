"""Parameters: what is out of range, or changes while a stage runs, goes nowhere."""

import re
from dataclasses import fields
from importlib import import_module
from math import inf, nan, nextafter
from pathlib import Path
from typing import Any, get_type_hints

import pytest
import yaml

from speech_emotion.core.errors import PipelineError
from speech_emotion.core.files import replacing
from speech_emotion.core.params import Checked, OneOf, Range, read_section, read_settings
from speech_emotion.encoders.image import settings as image
from speech_emotion.encoders.speech import settings as speech
from speech_emotion.splits.protocols import SplitSettings
from tests.workspace import ROOT

PARAMS = ROOT / "params.yaml"


def checked() -> list[type]:
    """Every settings dataclass of the package: the direct subclasses of `Checked`."""
    for path in sorted((ROOT / "speech_emotion").rglob("*.py")):
        if "(Checked)" in path.read_text(encoding="utf-8"):
            import_module(".".join(path.relative_to(ROOT).with_suffix("").parts))
    return [one for one in Checked.__subclasses__() if one.__module__.startswith("speech_emotion.")]


def annotations(kind: Any) -> dict[str, Any]:
    hints = get_type_hints(kind, include_extras=True)
    return {field.name: hints[field.name] for field in fields(kind)}


def numbers() -> list[Any]:
    """Every field of a settings dataclass that is a number, or may be one; a mapping checks its own."""
    return [
        pytest.param(kind, name, annotation, id=f"{kind.__module__}.{kind.__name__}.{name}")
        for kind in checked()
        for name, annotation in annotations(kind).items()
        if re.search(r"\b(int|float)\b", str(annotation)) and "Mapping" not in str(annotation)
    ]


def check(kind: type, **given: Any) -> None:
    """Check an instance of `kind` with `given`, and the lowest of each other range."""
    instance: Any = object.__new__(kind)
    for name, annotation in annotations(kind).items():
        [allowed] = getattr(annotation, "__metadata__", [None])
        lowest = allowed[0] if isinstance(allowed, OneOf) else getattr(allowed, "at_least", None)
        object.__setattr__(instance, name, given.get(name, lowest))
    Checked.__post_init__(instance)


@pytest.mark.parametrize(("kind", "name", "annotation"), numbers())
def test_every_number_has_a_range_and_nothing_beyond_it_is_taken(kind: type, name: str, annotation: Any) -> None:
    [allowed] = getattr(annotation, "__metadata__", [None])
    assert isinstance(allowed, Range), f"{kind.__name__}.{name} states no range"
    highest = allowed.at_most if allowed.at_most < inf else nextafter(allowed.below, -inf)
    for value in (allowed.at_least, highest):
        check(kind, **{name: value})
    above = nextafter(allowed.at_most, inf) if allowed.at_most < inf else allowed.below
    for value in (nextafter(allowed.at_least, -inf), above, nan, inf, -inf, True):
        with pytest.raises(ValueError, match=re.escape(f"{name} is {value}; it must be {allowed}")):
            check(kind, **{name: value})


def test_settings_are_checked() -> None:
    classes = "\n".join(path.read_text(encoding="utf-8") for path in (ROOT / "speech_emotion").rglob("*.py"))
    assert re.findall(r"^class (\w+Settings)(?!\(Checked\):)\b.*:$", classes, re.MULTILINE) == []


def params_with(folder: Path, section: str, **changes: Any) -> Path:
    written = yaml.safe_load(PARAMS.read_text(encoding="utf-8"))
    inner = written
    for key in section.split("."):
        inner = inner[key]
    inner |= changes
    (folder / "params.yaml").write_text(yaml.safe_dump(written))
    return folder / "params.yaml"


@pytest.mark.parametrize("train", [None, "ravdess/01", 7, {"ravdess/01": 1}])
def test_a_list_that_is_none_is_one_line_that_names_it(tmp_path: Path, train: Any) -> None:
    split = yaml.safe_load(PARAMS.read_text(encoding="utf-8"))["split"]
    split["speakers"]["train"] = train
    (path := tmp_path / "params.yaml").write_text(yaml.safe_dump({"split": split}), encoding="utf-8")
    with pytest.raises(PipelineError, match=r'wrong value type for field "speakers\.train" - should be "list"'):
        read_settings(path, "split", SplitSettings)


@pytest.mark.parametrize(("value", "read"), [("1e2", 100.0), (50, 50.0), (50.5, 50.5)])
def test_numbers_are_read_as_people_write_them(tmp_path: Path, value: Any, read: float) -> None:
    params = params_with(tmp_path, "speech.spectrograms", trim_db=value)
    assert read_settings(params, "speech.spectrograms", speech.FrontendSettings).trim_db == read


@pytest.mark.parametrize("value", ["text", None, [], True])
def test_what_is_no_number_is_one_line_that_names_it(tmp_path: Path, value: Any) -> None:
    params = params_with(tmp_path, "speech.spectrograms", trim_db=value)
    with pytest.raises(PipelineError, match=r'wrong value type for field "trim_db" - should be "float"'):
        read_settings(params, "speech.spectrograms", speech.FrontendSettings)


@pytest.mark.parametrize(
    ("encoder", "changes", "said"),
    [
        ("image", {"sample_rate_hz": 8000}, "fmin_hz is 50.0, fmax_hz 8000.0, sample_rate_hz 8000; "),
        ("image", {"fmin_hz": 8000.0}, "fmin_hz is 8000.0, fmax_hz 8000.0"),
        ("image", {"fmin_hz": 9000}, "fmin_hz is 9000.0"),
        ("image", {"fmax_hz": 8001.0}, "fmax_hz 8001.0"),
        ("image", {"floor_db": 30}, "floor_db is 30.0; it must be below ceiling_db, which is 30.0"),
        ("image", {"hop_samples": 1025}, "hop_samples is 1025; it must be at most n_fft, and a 20th of"),
        ("image", {"hop_samples": 801}, "hop_samples is 801"),
        ("speech", {"hop_samples": 401}, "hop_samples is 401"),
        ("speech", {"n_fft": 1024, "hop_samples": 801}, "hop_samples is 801"),
        ("image", {"floor_db": ".nan"}, "floor_db is nan; it must be at least -200"),
        ("image", {"n_fft": 1024.0}, "n_fft"),
    ],
)
def test_values_that_do_not_go_together_are_one_line(
    tmp_path: Path, encoder: str, changes: dict[str, Any], said: str
) -> None:
    params = params_with(tmp_path, f"{encoder}.spectrograms", **yaml.safe_load(str(changes).replace("'.nan'", ".nan")))
    kind = {"image": image, "speech": speech}[encoder].FrontendSettings
    with pytest.raises(PipelineError, match=re.escape(said)) as caught:
        read_settings(params, f"{encoder}.spectrograms", kind)
    assert "\n" not in str(caught.value)


def test_an_output_of_values_that_changed_since_is_not_kept(tmp_path: Path) -> None:
    params, target = params_with(tmp_path, "split"), tmp_path / "out"
    read_section(params, "split")
    params_with(tmp_path, "labels", other=1)
    for expected in ("written", "another section does not matter"):
        with replacing(target) as temporary:
            temporary.write_text(expected)
    params_with(tmp_path, "split", seed=43)
    with (
        pytest.raises(PipelineError, match=r"^params\.yaml: section 'split' changed in the meantime; nothing was kept"),
        replacing(target) as temporary,
    ):
        temporary.write_text("made with another seed")
    assert target.read_text() == expected
    read_section(params, "split")
    with replacing(target) as temporary:
        temporary.write_text("made with this seed")
