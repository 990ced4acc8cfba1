"""The benchmark's cells: who is trained on and tested, what a cell's training gets to see."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
import yaml

from benchmark import released
from benchmark.answers import ADAPTED, FIRST, LAST, Answers, read_answers, write_answers
from benchmark.cells import CELLS, DEVELOPMENT_CELLS, NEW_VOICES, PROTOCOLS, STRANGERS, TRANSFER_CELLS, UNSEEN
from benchmark.nested import nested_answers
from speech_emotion.clips import EMOTIONS
from speech_emotion.core.errors import PipelineError
from speech_emotion.core.params import read_settings
from speech_emotion.encoders.image.network import body_state, build
from speech_emotion.model.provenance import data_files, file_md5s, load_trained
from speech_emotion.model.weights import save_tensors
from speech_emotion.shards import Mels, Shard, shard_paths, write_shard
from speech_emotion.splits.protocols import SplitSettings
from speech_emotion.training import fine_tune
from speech_emotion.training.settings import TrainSettings
from tests.benchmarks import COPY, ORIGINAL, published_labels
from tests.trainings import BACKBONE, PARAMS, SMALL, easy_mels, easy_split, train_settings


@pytest.fixture(scope="module")
def labels() -> pd.DataFrame:
    return published_labels()


def test_cells_are_the_folds_directions_and_left_out_corpora_of_the_protocols() -> None:
    counts = {protocol: len(names) for protocol, names in PROTOCOLS.items()}
    assert counts == {
        "random": 1, "luna_jimenez": 5, "emobox": 6, "tess_swap": 2,
        "luna_jimenez_nemo": 5, "cross_corpus_nemo": 1, "cross_corpus_ravdess": 1, "cross_corpus_tess": 1,
    }  # fmt: skip


@pytest.mark.parametrize("name", CELLS)
def test_no_voice_and_no_copy_of_a_recording_crosses(name: str, labels: pd.DataFrame) -> None:
    split = CELLS[name].split(labels)
    clips = split.merge(labels[["clip", "duplicate_of"]], on="clip").set_index("clip")
    clips["recording"] = clips["duplicate_of"].where(clips["duplicate_of"] != "", clips.index)
    speakers, recordings = (
        {part: set(rows) for part, rows in clips.groupby("part")[column]} for column in ("speaker", "recording")
    )
    for one, other in (("train", "valid"), ("train", "test"), ("valid", "test")):
        assert not recordings[one] & recordings[other]
        if name != "random":
            assert not speakers[one] & speakers[other]
    assert clips.loc[COPY, "part"] == clips.loc[ORIGINAL, "part"]
    assert len(clips) == {2: 4240, 3: 5141}[len(CELLS[name].corpora)]


def test_a_corpus_that_is_left_out_is_tested_whole_and_another_validates(labels: pd.DataFrame) -> None:
    for name in STRANGERS:
        parts = CELLS[name].split(labels).groupby("part")["corpus"].agg(set)
        assert [len(corpora) for corpora in parts] == [1, 1, 1]
        assert set.union(*parts) == {"ravdess", "tess", "nemo"}
        assert parts["test"] == {name.removeprefix("cross_corpus_")}
    with pytest.raises(PipelineError, match="cross_corpus: no clip is of nemo; give their labels and spectrograms"):
        CELLS[STRANGERS[0]].split(labels[labels["corpus"] != "nemo"])


def test_one_corpus_teaches_and_another_is_asked_about(labels: pd.DataFrame) -> None:
    for name, cell in TRANSFER_CELLS.items():
        taught, asked = name.split("_")[1:]
        parts = cell.split(labels).groupby("part")["corpus"].agg(set)
        assert parts.to_dict() == {"train": {taught}, "test": {asked}}


def test_nemo_in_training_changes_nothing_of_who_is_tested(labels: pd.DataFrame) -> None:
    for fold in range(1, 6):
        without, with_nemo = (CELLS[f"{name}_{fold}"].split(labels) for name in ("luna_jimenez", "luna_jimenez_nemo"))
        nemo = with_nemo["corpus"] == "nemo"
        assert set(with_nemo.loc[nemo, "part"]) == {"train"}
        pd.testing.assert_frame_equal(with_nemo[~nemo].reset_index(drop=True), without)


@pytest.mark.parametrize(
    ("protocol", "tested"),
    [
        ("random", 848),
        ("luna_jimenez", 1440),
        ("emobox", 1440),
        ("tess_swap", 2800),
        ("luna_jimenez_nemo", 1440),
        ("cross_corpus_nemo", 901),
        ("cross_corpus_ravdess", 1440),
        ("cross_corpus_tess", 2800),
    ],
)
def test_each_clip_is_tested_once_over_the_cells_of_a_protocol(
    protocol: str, tested: int, labels: pd.DataFrame
) -> None:
    splits = [CELLS[name].split(labels) for name in PROTOCOLS[protocol]]
    clips = pd.concat([split[split["part"] == "test"] for split in splits])
    assert (len(clips), clips["clip"].nunique()) == (tested, tested)
    if protocol in NEW_VOICES:
        assert set(UNSEEN) < set(clips["speaker"])


def test_the_ablation_tests_each_development_actor_once_and_nobody_who_is_reported(labels: pd.DataFrame) -> None:
    lists, tested = read_settings(PARAMS, "split", SplitSettings).speakers, []
    assert lists.test == UNSEEN
    for cell in DEVELOPMENT_CELLS.values():
        split = cell.split(labels)
        voices = {part: set(rows) for part, rows in split.groupby("part")["speaker"]}
        assert not voices["train"] & voices["test"]
        assert not (voices["train"] | voices["test"]) & set(UNSEEN)
        assert {"tess/OAF", "tess/YAF"} < voices["train"]
        assert {int(voice[-2:]) % 2 for voice in voices["test"]} == {0, 1}, "men and women"
        tested += sorted(voices["test"])
    assert sorted(tested) == sorted(voice for voice in (*lists.train, *lists.valid) if voice.startswith("ravdess"))


@pytest.fixture
def start(tmp_path: Path) -> Path:
    torch.manual_seed(0)
    path = tmp_path / "start.safetensors"
    save_tensors(path, body_state(build(BACKBONE)), f'{{"encoder": "image", "name": "{BACKBONE}"}}')
    return path


def trainings() -> dict[str, TrainSettings]:
    once = {"frozen_epochs": 0, "epochs": 1}
    return {"low": train_settings(**once), "high": train_settings(image_size=48, **once)}


def test_inner_run_trains_on_train_refit_on_valid_too_and_neither_sees_a_test_clip(
    start: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    split, seen, known = easy_split(), [], []
    loaders = fine_tune.loaders

    def spying(rows: pd.DataFrame, mels: Mels, *rest: object, scored: bool) -> object:
        seen.append((set(rows.loc[rows["part"] == "train", "clip"]), scored))
        known.append(set(mels.clips))
        return loaders(rows, mels, *rest, scored=scored)

    monkeypatch.setattr(fine_tune, "loaders", spying)
    nested_answers(start, trainings(), split, easy_mels(split), label="test")
    parts = {part: set(rows) for part, rows in split.groupby("part")["clip"]}
    inner, whole = (parts["train"], False), (parts["train"] | parts["valid"], False)
    assert seen == [inner, inner, whole, whole]
    assert all(clips == parts["train"] | parts["valid"] for clips in known)


def test_answers_about_the_valid_part_do_not_depend_on_the_test_clips(start: Path) -> None:
    split, other = easy_split(), easy_split()
    mels, tested = easy_mels(split), split["part"] == "test"
    other.loc[tested, "emotion"] = "calm"
    turned = {clip: mels.clips[clip][::-1].copy() for clip in split.loc[tested, "clip"]}
    found = nested_answers(start, trainings(), split, mels, label="test").clips
    changed = nested_answers(
        start, trainings(), other, Mels("image", mels.settings, {**mels.clips, **turned}), label="test"
    ).clips
    valid = found["part"] == "valid"
    assert found[valid].equals(changed[valid])
    assert set(found.loc[valid, "track"]) == {FIRST, LAST, ADAPTED}
    for track in (FIRST, LAST, ADAPTED):
        logits = [rows.loc[~valid & (rows["track"] == track), list(EMOTIONS)].to_numpy() for rows in (found, changed)]
        assert logits[0].shape == (tested.sum(), 8)
        assert not np.array_equal(*logits)


def test_one_training_without_a_valid_part_is_asked_about_the_test_part_alone(start: Path) -> None:
    split = easy_split().replace({"part": {"valid": "train"}})
    answers = nested_answers(start, {"low": trainings()["low"]}, split, easy_mels(split), label="test")
    assert set(answers.clips["part"]) == {"test"}
    assert set(answers.clips["track"]) == {LAST, ADAPTED}
    assert set(answers.enrolment["clip"]) == set(split.loc[split["part"] == "test", "clip"])


def test_the_last_refit_is_asked_about_degraded_clips(start: Path) -> None:
    split = easy_split()
    mels, test = easy_mels(split), split.loc[split["part"] == "test", "clip"]
    turned = Mels("image", mels.settings, {clip: mels.clips[clip][::-1].copy() for clip in test})
    answers = nested_answers(start, trainings(), split, mels, label="test", degraded={"as": mels, "turned": turned})
    degraded, clean = answers.degraded, answers.track(LAST)
    assert degraded is not None
    assert degraded.groupby("condition")["clip"].agg(set).to_dict() == {"as": set(test), "turned": set(test)}
    clean = clean[clean["part"] == "test"].set_index("clip")[list(EMOTIONS)]
    for condition, same in (("as", True), ("turned", False)):
        logits = degraded[degraded["condition"] == condition].set_index("clip").loc[clean.index, list(EMOTIONS)]
        assert np.allclose(logits, clean, atol=1e-4) == same


def test_the_model_that_is_handed_out_learns_every_clip_and_names_its_data(start: Path, tmp_path: Path) -> None:
    split = easy_split()
    for speaker, rows in split.groupby("speaker"):
        corpus, name = str(speaker).split("/")
        chosen = easy_mels(split).only(rows["clip"])
        folder = tmp_path / "shards" / corpus
        folder.mkdir(parents=True, exist_ok=True)
        write_shard(
            folder / f"{name}.safetensors",
            Shard("image", chosen.clips, dict.fromkeys(rows["clip"], ""), chosen.settings),
        )
    labels = published_labels()
    labels[labels["clip"].isin(split["clip"])].assign(duration_s=1.0).to_csv(tmp_path / "labels.csv", index=False)
    params = yaml.safe_load(PARAMS.read_text())
    for section in ("training", "low", "high"):
        params["image"][section] |= {key: value for key, value in SMALL.items() if key in params["image"][section]}
    params["image"]["low"]["epochs"] = params["image"]["high"]["epochs"] = 1
    (tmp_path / "params.yaml").write_text(yaml.safe_dump(params))
    (tmp_path / "rows.yaml").write_text("image: {base: {}, rows: {cross_corpus_tess: {}}}")
    out = tmp_path / "split.csv", tmp_path / "released.safetensors"
    shards = tmp_path / "shards/ravdess"
    arguments = ["image", "0", tmp_path / "rows.yaml", start, *out, shards, "--labels", tmp_path / "labels.csv"]
    released.main([*map(str, arguments), "--params", str(tmp_path / "params.yaml")])
    table = pd.read_csv(out[0])
    assert set(table["part"]) == {"train"}
    assert set(table["clip"]) == set(split.loc[split["corpus"] == "ravdess", "clip"])
    md5s = file_md5s(data_files(out[0], shard_paths([shards])))
    assert load_trained(out[1], md5s).description.training.shares == {}


def test_missing_spectrogram_is_named_before_anything_is_trained(start: Path) -> None:
    split = easy_split()
    mels = easy_mels(split).only(split["clip"][:-1])
    with pytest.raises(PipelineError, match=rf"{split['clip'].iloc[-1]}: has no spectrogram \(1 clips"):
        nested_answers(start, trainings(), split, mels, label="test")


def test_answers_come_back_as_they_were_and_damaged_ones_are_refused(tmp_path: Path) -> None:
    clips = pd.DataFrame(
        [["ravdess/b", "ravdess", "ravdess/01", "sad", "test", LAST, *np.arange(8) / 7]],
        columns=["clip", "corpus", "speaker", "emotion", "part", "track", *EMOTIONS],
    )
    enrolment = pd.DataFrame({"clip": ["ravdess/b"], "enrolled": [5], "draw": [0], "predicted": ["calm"]})
    write_answers(tmp_path / "cell", Answers(clips, enrolment), {})
    back = read_answers(tmp_path / "cell")
    pd.testing.assert_frame_equal(back.clips, clips, atol=5.1e-7)
    assert back.drawn()[["enrolled", "predicted", "actual"]].to_numpy().tolist() == [[5, "calm", "sad"]]
    path = tmp_path / "cell" / "answers.csv"
    path.write_text(path.read_text().replace("surprised", "surprise"))
    with pytest.raises(PipelineError, match="holds no answers of a cell"):
        read_answers(tmp_path / "cell")
