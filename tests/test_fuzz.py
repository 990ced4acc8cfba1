"""Damaged files of every kind that is read: an answer or one clear line, in time, in memory, in its folder.

`FUZZ_EXAMPLES=2000 python -m pytest tests/test_fuzz.py` tries 2,000 mutations of each;
`app/test_fuzz.py` sends recordings to the page's server.
"""

import io
import json
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import soundfile
import yaml
from safetensors import safe_open
from safetensors.numpy import load_file, save_file

from speech_emotion.app.answers import answer
from speech_emotion.array_files import METADATA_KEY
from speech_emotion.audio import decode
from speech_emotion.clips import LABEL_COLUMNS, SPLIT_COLUMNS, read_labels, read_split
from speech_emotion.core import params
from speech_emotion.core.params import read_section, read_settings
from speech_emotion.corpora import own
from speech_emotion.encoders import protocol
from speech_emotion.fetching.archives import unpack
from speech_emotion.fetching.manifest import read_manifest
from speech_emotion.fetching.sources import read_source
from speech_emotion.labels import check_emotion_map
from speech_emotion.model.checkpoint import load_model, save_model
from speech_emotion.model.inference import clip_logits
from speech_emotion.own_voices.check import check
from speech_emotion.own_voices.table import read_table
from speech_emotion.predict.model import description_path
from speech_emotion.predict.predictor import Predictor
from speech_emotion.predict.reading import recording
from speech_emotion.shards import Shard, read_shard, read_shards, write_shard
from speech_emotion.splits.protocols import SplitSettings
from speech_emotion.training.settings import read_train_settings
from tests.fuzzing import fuzz, fuzz_with, misspelt, refusal
from tests.predict.tiny import export_tiny, replace_network, tiny_files
from tests.small_corpora import write_manifest
from tests.trainings import FRONTEND, small_model
from tests.workspace import ROOT

RATE = 16000
SPEECH = (0.3 * np.random.default_rng(0).normal(size=(RATE, 1))).astype(np.float32)


def sound(form: str, **options: Any) -> bytes:
    file = io.BytesIO()
    soundfile.write(file, SPEECH[:4000], RATE, format=form, **options)
    return file.getvalue()


def video() -> bytes:
    av = pytest.importorskip("av")
    file = io.BytesIO()
    with av.open(file, "w", format="mp4") as container:
        stream = container.add_stream("aac", rate=RATE, layout="mono")
        frame = av.AudioFrame.from_ndarray(SPEECH[:4096].T, format="fltp", layout="mono")
        frame.sample_rate = RATE
        for packet in (*stream.encode(frame), *stream.encode(None)):
            container.mux(packet)
    return file.getvalue()


def archive() -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as opened:
        for name in ("Actor_01/a.wav", "Actor_02/b.wav"):
            opened.writestr(name, sound("WAV"))
    return file.getvalue()


def table(columns: tuple[str, ...], rows: list[tuple[object, ...]]) -> bytes:
    return pd.DataFrame(rows, columns=list(columns)).to_csv(index=False).encode()


def hear(path: Path) -> None:
    with recording(str(path)) as opened:
        for _ in opened.blocks:
            pass


def read_params(path: Path) -> None:
    read_settings(path, "split", SplitSettings)
    check_emotion_map(read_section(path, "labels"))
    for corpus in ("ravdess", "tess"):
        read_source(path, corpus)
    for encoder, training in (("image", "low"), ("speech", "all")):
        read_settings(path, f"{encoder}.spectrograms", protocol.settings(encoder).FrontendSettings)
        read_settings(path, f"{encoder}.backbone", protocol.pretrained(encoder).BackboneSettings)
        read_train_settings(path, encoder, training)


@dataclass(frozen=True)
class Kind:
    """A kind of file: a sound one, its name, and who reads it."""

    name: str
    content: Callable[[], bytes]
    read: Callable[[Path], object]


LABELS = [("a/1", "a", "1.wav", "a/s", "female", "sad", "sad", "", "hello", 1.5, "")]
SPLIT = [("a/1", "a", "a/s", "sad", "train"), ("a/2", "a", "a/t", "calm", "test")]
OWN = [("one.wav", "sad", "eva", "female"), ("two.wav", "happy", "tom", "male")]
KINDS = {
    "WAV, decoded": Kind("clip.wav", lambda: sound("WAV"), decode),
    "FLAC, decoded": Kind("clip.flac", lambda: sound("FLAC"), decode),
    **{
        f"{form}, heard": Kind("clip", lambda form=form, options=options: sound(form, **options), hear)  # type: ignore[misc]
        for form, options in {
            "WAV": {}, "RF64": {}, "AIFF": {}, "AU": {}, "CAF": {}, "W64": {}, "FLAC": {},
            "OGG": {"subtype": "VORBIS"}, "MP3": {},
        }.items()
    },
    "MP4, heard": Kind("clip", video, hear),
    "labels": Kind("labels.csv", lambda: table(LABEL_COLUMNS, LABELS), read_labels),
    "split": Kind("split.csv", lambda: table(SPLIT_COLUMNS, SPLIT), read_split),
    "own table": Kind(
        "clips.csv", lambda: table(("path", "emotion", "speaker", "sex"), OWN), lambda path: check(read_table(path), {})
    ),
    "own manifest": Kind("clips.csv", lambda: table(("clip", *own.LABELS[:3]), OWN), own.read_rows),
    "params": Kind("params.yaml", (ROOT / "params.yaml").read_bytes, read_params),
}  # fmt: skip


@pytest.mark.parametrize("kind", KINDS)
def test_a_damaged_file_is_read_or_refused_in_one_line(
    tmp_path: Path, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(params, "_READ", {})  # or later outputs would be refused for what was read here
    (folder := tmp_path / "in").mkdir()
    one = KINDS[kind]
    fuzz(one.content(), folder / one.name, one.read)


def test_a_damaged_manifest_is_read_or_refused_in_one_line(tmp_path: Path) -> None:
    (folder := tmp_path / "in").mkdir()
    write_manifest("tess", folder / "tess.csv")
    fuzz((folder / "tess.csv").read_bytes(), folder / "tess.csv", read_manifest)


def test_a_damaged_archive_stays_in_its_folder(tmp_path: Path) -> None:
    (folder := tmp_path / "in").mkdir()

    def read(path: Path) -> None:
        target = path.parent / "unpacked"
        target.mkdir(exist_ok=True)
        unpack(path, target)

    fuzz(archive(), folder / "archive.zip", read)


def test_a_damaged_shard_is_read_or_refused_in_one_line(tmp_path: Path) -> None:
    (folder := tmp_path / "in").mkdir()
    mels = {name: np.full((FRONTEND.n_mels, 20), 7, np.uint8) for name in ("a/1", "a/2")}
    write_shard(folder / "s.safetensors", Shard("image", mels, dict.fromkeys(mels, "0" * 64), FRONTEND))
    model = small_model()

    def read(path: Path) -> None:
        found = read_shards([path.parent])
        clip_logits(model, found.of(found.clips))

    fuzz((folder / "s.safetensors").read_bytes(), folder / "s.safetensors", read)


def test_a_damaged_model_is_read_or_refused_in_one_line(tmp_path: Path) -> None:
    (folder := tmp_path / "in").mkdir()
    save_model(folder / "low.safetensors", small_model())
    fuzz((folder / "low.safetensors").read_bytes(), folder / "low.safetensors", load_model)


def ask(path: Path) -> None:
    predictor = Predictor(path)
    predictor(SPEECH, RATE)
    predictor.description.to_json()
    list(predictor.stream([SPEECH], RATE))
    predictor._model(SPEECH[:, 0])  # also where no speech was found in the noise


@pytest.mark.parametrize("form", ["WAV", "FLAC", "OGG"])
def test_a_damaged_file_that_the_page_is_sent_is_answered_or_refused_in_one_line(tmp_path: Path, form: str) -> None:
    predictor = Predictor(export_tiny(tmp_path / "model", threshold=0.4))
    (folder := tmp_path / "in").mkdir()

    def send(path: Path) -> None:
        with path.open("rb", buffering=0) as file:
            json.dumps(answer(predictor, file, "clip", 60, lambda _: None), allow_nan=False)

    def read(path: Path) -> None:
        line = refusal(path, send)
        assert "/dev/fd" not in line, line
        assert len(line) < 2000, line

    fuzz(sound(form), folder / "sent", read)


def test_a_damaged_description_of_a_model_is_read_or_refused_in_one_line(tmp_path: Path) -> None:
    model = export_tiny(tmp_path / "in", threshold=0.4)
    description = description_path(model)
    fuzz(description.read_bytes(), description, lambda _: ask(model))


def test_a_damaged_network_is_read_or_refused_in_one_line(tmp_path: Path) -> None:
    model = export_tiny(tmp_path / "in")

    def read(path: Path) -> None:
        replace_network(path, path.read_bytes())
        ask(path)

    fuzz(tiny_files()["emotion.onnx"], model, read)


def test_a_description_with_wrong_values_is_read_or_refused_in_one_line(tmp_path: Path) -> None:
    model = export_tiny(tmp_path / "in", threshold=0.4)
    description = description_path(model)
    described = json.loads(description.read_text(encoding="utf-8"))
    fuzz_with(misspelt(described), lambda changed: description.write_text(json.dumps(changed)), model, ask)


def test_parameters_with_wrong_values_are_read_or_refused_in_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(params, "_READ", {})
    (path := tmp_path / "in/params.yaml").parent.mkdir()
    sound = yaml.safe_load((ROOT / "params.yaml").read_text(encoding="utf-8"))
    fuzz_with(misspelt(sound), lambda changed: path.write_text(yaml.safe_dump(changed)), path, read_params)


@pytest.mark.parametrize("kind", ["model", "shard"])
def test_metadata_with_wrong_values_are_read_or_refused_in_one_line(tmp_path: Path, kind: str) -> None:
    (path := tmp_path / "in" / "s.safetensors").parent.mkdir()
    if kind == "model":
        save_model(path, small_model())
    else:
        mels = {name: np.full((FRONTEND.n_mels, 20), 7, np.uint8) for name in ("a/1", "a/2")}
        write_shard(path, Shard("image", mels, dict.fromkeys(mels, "0" * 64), FRONTEND))
    arrays = load_file(path)
    with safe_open(path, framework="numpy") as file:
        described = json.loads(file.metadata()[METADATA_KEY])

    def write(changed: Any) -> None:
        save_file(arrays, path, {METADATA_KEY: json.dumps(changed)})

    def read(path: Path) -> None:
        if kind == "model":
            load_model(path)
        else:
            assert read_shard(path).keys.items()
            read_shards([path.parent])

    fuzz_with(misspelt(described), write, path, read)
