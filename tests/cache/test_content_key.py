"""A cached log-mel is reused exactly when what it was made from is the same."""

import inspect
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import fields, replace
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

from speech_emotion import audio, mel
from speech_emotion.cache import content_key
from speech_emotion.cache.content_key import code_without_comments
from speech_emotion.encoders.image import frontend
from speech_emotion.encoders.image.settings import FrontendSettings
from tests.sounds import RATE, ROOT, SETTINGS, noise

SAMPLES = noise()[:, None]
CODE = '''"""Module."""
LIMIT = 1e-12

def halve(level: float) -> float:
    """Return half of it."""
    return level / 2
'''


@pytest.fixture(autouse=True)
def _no_memory() -> Iterator[None]:
    content_key.algorithm.cache_clear()
    content_key.code_of.cache_clear()
    yield
    content_key.algorithm.cache_clear()
    content_key.code_of.cache_clear()


def key(samples: np.ndarray = SAMPLES, sample_rate: int = RATE, settings: FrontendSettings = SETTINGS) -> str:
    return content_key.content_key(samples, sample_rate, "image", settings)


def key_after(monkeypatch: pytest.MonkeyPatch, module: ModuleType | type, old: str, new: str) -> str:
    """Return the key as it would be if `module` had `new` in the place of `old`."""
    source = inspect.getsource(module)
    assert old in source
    edited = source.replace(old, new)
    original = inspect.getsource
    monkeypatch.setattr(inspect, "getsource", lambda asked: edited if asked is module else original(asked))
    content_key.algorithm.cache_clear()
    content_key.code_of.cache_clear()
    return key()


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('"""Module."""', ""),
        ('"""Return half of it."""', '"""Return\n\n    something else."""'),
        ("LIMIT = 1e-12", "# of power\nLIMIT  =  1e-12  # -120 dB\n\n\n"),
        ("level: float)", "\n    level: float,\n)"),
    ],
)
def test_comments_docstrings_and_layout_do_not_matter(old: str, new: str) -> None:
    assert old in CODE
    assert code_without_comments(CODE.replace(old, new)) == code_without_comments(CODE)


@pytest.mark.parametrize(("old", "new"), [("1e-12", "1e-10"), ("/ 2", "/ 3"), ("level /", "abs(level) /")])
def test_code_that_can_change_a_result_matters(old: str, new: str) -> None:
    assert old in CODE
    assert code_without_comments(CODE.replace(old, new)) != code_without_comments(CODE)


def test_a_body_of_nothing_but_a_docstring_is_still_code() -> None:
    compile(code_without_comments('def nothing():\n    """Do nothing."""\n'), "nothing", "exec")


@pytest.mark.parametrize("module", [audio, frontend, mel])
def test_a_comment_in_the_algorithm_keeps_the_key(monkeypatch: pytest.MonkeyPatch, module: ModuleType) -> None:
    before = key()
    assert key_after(monkeypatch, module, "import numpy as np\n", "import numpy as np  # arrays\n\n") == before


@pytest.mark.parametrize(
    ("module", "old", "new"),
    [
        (FrontendSettings, "LEVELS: ClassVar[int] = 255", "LEVELS: ClassVar[int] = 127"),
        (audio, "TRIM_HOP_S = 0.016", "TRIM_HOP_S = 0.032"),
        (frontend, "AMIN = 1e-12", "AMIN = 1e-10"),
        (mel, '"hann"', '"boxcar"'),
        (frontend, "trimmed = trim_silence(waveform, ", "trimmed = trim_silence(waveform * 2, "),
    ],
)
def test_a_change_of_the_algorithm_changes_the_key(
    monkeypatch: pytest.MonkeyPatch, module: ModuleType | type, old: str, new: str
) -> None:
    before = key()
    assert key_after(monkeypatch, module, old, new) != before


def test_another_version_of_a_library_changes_the_key(monkeypatch: pytest.MonkeyPatch) -> None:
    before = key()
    monkeypatch.setattr("importlib.metadata.version", lambda name: "99" if name == "soxr" else "1")
    content_key.algorithm.cache_clear()
    assert key() != before


@pytest.mark.parametrize("setting", [field.name for field in fields(FrontendSettings)])
def test_every_setting_changes_the_key(setting: str) -> None:
    assert (
        key(settings=replace(SETTINGS, **{setting: getattr(SETTINGS, setting) + (-1 if setting == "fmax_hz" else 1)}))
        != key()
    )


def test_samples_and_their_rate_change_the_key() -> None:
    louder = SAMPLES.copy()
    louder[-1] = np.nextafter(louder[-1], np.float32(1))
    flat = np.zeros((6, 1), np.float32)
    keys = [
        key(),
        key(louder),
        key(SAMPLES[:-1]),
        key(sample_rate=RATE + 1),
        key(flat),
        key(flat.reshape(3, 2)),
        key(flat.reshape(2, 3)),
    ]
    assert len(set(keys)) == len(keys)


def test_memory_layout_does_not_matter() -> None:
    stereo = np.repeat(SAMPLES, 2, axis=1)
    stereo[:, 1] *= -1
    assert key(np.asfortranarray(stereo)) == key(stereo)


def test_key_is_the_same_in_every_process() -> None:
    code = "import tests.cache.test_content_key as here; print(here.key())"
    runs = [
        subprocess.run(
            [sys.executable, "-c", code],
            cwd=ROOT,
            env={"PYTHONHASHSEED": seed},
            check=True,
            capture_output=True,
            text=True,
        )
        for seed in ("1", "2")
    ]
    assert {run.stdout.strip() for run in runs} == {key()}


def test_code_of_this_project_survives_the_stripping() -> None:
    for path in sorted((ROOT / "speech_emotion").rglob("*.py")):
        compile(code_without_comments(Path(path).read_text(encoding="utf-8")), str(path), "exec")
