"""Anybody's own corpus: its table, and its way to the labels."""

from pathlib import Path

import pandas as pd
import pytest
import yaml

from speech_emotion.clips import read_labels
from speech_emotion.core.errors import PipelineError
from speech_emotion.corpora.catalogue import read_clips
from speech_emotion.corpora.clip import Clip
from stages import fetch, labels
from tests.own_corpus import CORPUS, PARAMS, SPLIT, describe_own_corpus, write_own_corpus
from tests.published import ROOT

RAW = f"raw/{CORPUS}"


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project's root with the corpus beside it, as the working folder."""
    write_own_corpus(tmp_path / "corpora")
    root = tmp_path / "project"
    root.mkdir()
    monkeypatch.chdir(root)
    monkeypatch.delenv("SPEECH_CORPORA", raising=False)
    describe_own_corpus(tmp_path / "corpora", root)
    params = yaml.safe_load((ROOT / "params.yaml").read_text(encoding="utf-8"))
    for dotted, value in {**PARAMS, "split.speakers": SPLIT}.items():
        section, key = dotted.split(".")
        params[section][key] = value
    Path("params.yaml").write_text(yaml.safe_dump(params), encoding="utf-8")
    return root


def test_a_label_is_mended_in_the_manifest(project: Path) -> None:
    manifest = pd.read_csv(f"{CORPUS}.csv", keep_default_na=False)
    manifest.loc[manifest["clip"] == "men/tom/Wut.1", "emotion"] = "freude"
    manifest.to_csv(f"{CORPUS}.csv", index=False)
    fetch.main([CORPUS, f"{CORPUS}.csv", RAW])
    labels.main([RAW, "labels.csv"])
    assert read_labels(Path("labels.csv")).set_index("clip").loc["szene/men/tom/Wut.1", "emotion"] == "happy"


def test_a_manifest_without_labels_stops_fetch(project: Path) -> None:
    pd.read_csv(f"{CORPUS}.csv").drop(columns="emotion").to_csv(f"{CORPUS}.csv", index=False)
    with pytest.raises(PipelineError, match=r"^szene\.csv: needs the columns path and emotion"):
        fetch.main([CORPUS, f"{CORPUS}.csv", RAW])


def test_the_emotion_alone_is_enough(tmp_path: Path) -> None:
    (tmp_path / "mine.csv").write_text("\ufeffpath,emotion\nb.wav,sad\n.\\a.flac, Zorn \n", encoding="utf-8")
    for name in ("a.flac", "b.WAV"):
        (tmp_path / name).touch()
    assert read_clips("mine", tmp_path) == {
        # No speaker: all are one, so that no split parts them.
        tmp_path / "a.flac": Clip("mine/a", "mine", "mine/unknown", "", "Zorn", "", ""),
        tmp_path / "b.WAV": Clip("mine/b", "mine", "mine/unknown", "", "sad", "", ""),
    }


@pytest.mark.parametrize(
    ("table", "says"),
    [
        (None, r"clips\.csv: cannot be read .*; a corpus of one's own has there a table in UTF-8"),
        ("path,emotion\n", "needs the columns path and emotion, separated by commas; it has no rows"),
        ("path;emotion\na.wav;sad\n", "needs the columns path and emotion, separated by commas; it has path;emotion"),
        ("path,emotion\na.wav,sad\na.flac,sad\n", "1 of 2 rows repeat a path"),
        ("path,emotion\na.wav,\n", "a has no emotion"),
        ("path,emotion\na.wav\n", "a has no emotion"),
        ("path,emotion\nb.wav,sad\n", r"clips\.csv: has no row for a; correct"),
        ("path,emotion\na.wav,sad\nb.wav,sad\n", r"clips\.csv: has rows without a WAV or FLAC file: b; correct"),
        ("path,emotion,speaker\na.wav,sad,../../a\n", r"mine/a: speaker '../../a' becomes a file's name"),
    ],
)
def test_a_wrong_table_is_one_clear_line(tmp_path: Path, table: str | None, says: str) -> None:
    (tmp_path / "a.wav").touch()
    if table is not None:
        (tmp_path / "clips.csv").write_text(table, encoding="utf-8")
    with pytest.raises(PipelineError, match=says):
        read_clips("mine", tmp_path)


def test_a_clip_in_two_containers_is_refused(tmp_path: Path) -> None:
    (tmp_path / "clips.csv").write_text("path,emotion\na.wav,sad\n", encoding="utf-8")
    for name in ("a.wav", "a.flac"):
        (tmp_path / name).touch()
    with pytest.raises(PipelineError, match=r"^mine/a: is there twice, .*a\.flac and .*a\.wav; take one out"):
        read_clips("mine", tmp_path)
