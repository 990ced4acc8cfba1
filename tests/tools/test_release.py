"""A model is released when the checks passed, and what lies in the package is what its description and card say."""

import hashlib
import zipfile
from dataclasses import replace
from pathlib import Path

import pytest

from speech_emotion.core.errors import PipelineError
from speech_emotion.model.checkpoint import save_model
from speech_emotion.predict.model import read_description
from speech_emotion.predict.predictor import Predictor
from speech_emotion.predict.session import RELEASED
from tests.predict.tiny import export_tiny, tiny_model
from tests.predict.voices import demo_voice
from tests.workspace import ROOT
from tools import release, release_checks

CLIPS = 12


def released(folder: Path, *, corpora: tuple[str, ...] = ("ravdess",)) -> Path:
    """Release the tiny model from `folder`, checked on some of the demo's voices; return the new folder."""
    with zipfile.ZipFile(ROOT / "demo" / "ravdess.zip") as archive:
        archive.extractall(folder / "corpora" / "ravdess", sorted(archive.namelist())[:CLIPS])
    export_tiny(folder / "models", corpora=corpora)
    save_model(folder / "all.safetensors", tiny_model())
    places = {"models": "models", "trained": "all.safetensors", "released": "released", "corpora": "corpora"}
    release.main([word for name, place in places.items() for word in (f"--{name}", str(folder / place))])
    return folder / "released"


def assert_consistent(folder: Path) -> None:
    described = read_description(folder / "emotion.json")
    [(name, sha256)] = described.files.items()
    content = (folder / name).read_bytes()
    assert hashlib.sha256(content).hexdigest() == sha256
    assert len(content) <= release_checks.MOST_BYTES
    written = {path.name: path.read_text(encoding="utf-8") for path in folder.iterdir() if path.name != name}
    assert written == release.texts(described, len(content))
    assert "tess" not in described.made_of["clips"]


def test_released_folder_answers_and_says_what_was_measured(tmp_path: Path) -> None:
    folder = released(tmp_path)
    assert_consistent(folder)
    assert Predictor(folder / "emotion.int8.onnx")(*demo_voice()).speech
    checks = read_description(folder / "emotion.json").checks
    assert checks["parity"]["furthest"] < release_checks.PARITY
    assert checks["int8"]["ravdess"]["clips"] == CLIPS
    card = (folder / "CARD.md").read_text(encoding="utf-8")
    assert "10 clips of ravdess" in card
    assert f"| int8 against float32, ravdess | {CLIPS} |" in card


@pytest.mark.parametrize(
    ("training", "said"),
    [
        ({}, "(whisper-base)"),
        ({"layers": 0, "runs": 1}, "(whisper-base)"),
        ({"layers": 4, "runs": 1}, "(whisper-base, its lower 4 layers)"),
        ({"layers": 4, "runs": 3}, "(whisper-base, its lower 4 layers, 3 trainings averaged)"),
    ],
)
def test_card_says_how_much_of_the_encoder_is_there(training: dict[str, int], said: str) -> None:
    described = read_description(RELEASED.parent / "emotion.json")
    changed = replace(described, made_of=described.made_of | {"training": training})
    assert said in release.texts(changed, 1)["CARD.md"]


def test_what_came_with_tess_is_not_released(tmp_path: Path) -> None:
    with pytest.raises(PipelineError, match=r"trained on 10 clips of tess.*shares\.tess to 0\.0"):
        released(tmp_path, corpora=("ravdess", "tess"))
    assert not (tmp_path / "released").exists()


def test_a_check_that_fails_releases_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for limit, value, complaint in [
        ("PARITY", -1.0, "its probabilities are"),
        ("SAME_ANSWER", 1.1, "gives another answer"),
        ("MOST_BYTES", 1000, "at most 1000 fit"),
    ]:
        with monkeypatch.context() as changed:
            changed.setattr(release_checks, limit, value)
            with pytest.raises(PipelineError, match=complaint):
                released(tmp_path)
    assert not (tmp_path / "released").exists()


def test_nothing_is_released_unchecked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(release, "LICENCES", {"nemo": ""})
    with pytest.raises(PipelineError, match="has no clips of nemo to check it with"):
        released(tmp_path)


@pytest.mark.skipif(not RELEASED.exists(), reason="no model is released yet: `make release` after the training")
def test_the_released_model_is_what_its_description_and_card_say() -> None:
    assert_consistent(RELEASED.parent)
