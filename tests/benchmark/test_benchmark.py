"""The benchmark's cells: who is trained on and tested, what the DAG says, what a cell's training gets to see."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch

from benchmark.answers import Answers, read_answers, read_made_from, write_answers
from benchmark.cells import CELLS, NEW_VOICES, PROTOCOLS, UNSEEN
from benchmark.nested import Recipe, nested_answers
from benchmark.run import CELLS_YAML, commands
from benchmark.views import VIEWS
from speech_emotion.core.errors import PipelineError
from speech_emotion.core.params import read_settings
from speech_emotion.encoders.image.network import body_state, build_network
from speech_emotion.model.weights import save_tensors
from speech_emotion.splits.leaks import refuse_leaks
from speech_emotion.splits.protocols import SPEAKER_PROTOCOLS, SplitSettings, split_clips
from speech_emotion.training.fine_tune import describe, fine_tune, refit
from speech_emotion.training.fine_tune import fine_tune as training
from tests.benchmarks import COPY, ORIGINAL, published_labels
from tests.pipeline import Stage, import_closure, read_stages
from tests.trainings import BACKBONE, MEL, PARAMS, easy_mels, easy_split, train_settings
from tests.workspace import ROOT

STAGES = read_stages(CELLS_YAML)
each_stage = pytest.mark.parametrize("stage", STAGES.values(), ids=STAGES)
each_cell = pytest.mark.parametrize("name", CELLS)


@pytest.fixture(scope="module")
def labels() -> pd.DataFrame:
    return published_labels()


def test_cells_are_the_folds_and_directions_of_four_protocols() -> None:
    counts = {protocol: len(names) for protocol, names in PROTOCOLS.items()}
    assert counts == {"random": 1, "luna_jimenez": 5, "emobox": 6, "tess_swap": 2}
    assert list(STAGES) == [*(f"cell@{name}" for name in CELLS), "pool"]


def test_unseen_actors_are_those_that_the_ablation_leaves_out(labels: pd.DataFrame) -> None:
    assert read_settings(PARAMS, "split", SplitSettings).speakers.test == UNSEEN
    for protocol in NEW_VOICES:
        splits = [split_clips(labels, CELLS[name].split_settings) for name in PROTOCOLS[protocol]]
        tested = pd.concat([split[split["part"] == "test"] for split in splits])
        assert set(UNSEEN) < set(labels.set_index("clip")["speaker"][tested["clip"]])


@each_cell
def test_no_voice_and_no_copy_of_a_recording_crosses(name: str, labels: pd.DataFrame) -> None:
    split = split_clips(labels, CELLS[name].split_settings)
    refuse_leaks(labels, split, by_speaker=CELLS[name].protocol in SPEAKER_PROTOCOLS)
    clips = labels.merge(split[["clip", "part"]], on="clip").set_index("clip")
    clips["recording"] = clips["duplicate_of"].where(clips["duplicate_of"] != "", clips.index)
    speakers, recordings = (
        {part: set(rows) for part, rows in clips.groupby("part")[column]} for column in ("speaker", "recording")
    )
    for one, other in (("train", "valid"), ("train", "test"), ("valid", "test")):
        assert not recordings[one] & recordings[other]
        if name != "random":
            assert not speakers[one] & speakers[other]
    assert clips.loc[COPY, "part"] == clips.loc[ORIGINAL, "part"]
    assert len(clips) == 4240


@pytest.mark.parametrize(
    ("protocol", "tested"),
    [("random", 848), ("luna_jimenez", 1440), ("emobox", 1440), ("tess_swap", 2800)],
)
def test_each_clip_is_tested_once_over_the_cells_of_a_protocol(
    protocol: str, tested: int, labels: pd.DataFrame
) -> None:
    splits = [split_clips(labels, CELLS[name].split_settings) for name in PROTOCOLS[protocol]]
    clips = pd.concat([split.loc[split["part"] == "test", "clip"] for split in splits])
    assert (len(clips), clips.nunique()) == (tested, tested)


@pytest.fixture
def recipe(tmp_path: Path) -> Recipe:
    torch.manual_seed(0)
    start = tmp_path / "start.safetensors"
    save_tensors(start, body_state(build_network(BACKBONE)), f'{{"name": "{BACKBONE}"}}')
    settings = {"frozen_epochs": 0, "epochs": 1}
    return Recipe(start, train_settings(**settings), train_settings(image_size=48, **settings), crops=2)


def test_inner_run_trains_on_train_refit_on_valid_too_and_neither_sees_a_test_clip(
    recipe: Recipe, monkeypatch: pytest.MonkeyPatch
) -> None:
    split, seen = easy_split(), []
    part_clips = training.part_clips

    def spying(rows: pd.DataFrame, part: str, *rest: object) -> object:
        seen.append(set(rows.loc[rows["part"] == part, "clip"]))
        return part_clips(rows, part, *rest)

    monkeypatch.setattr(training, "part_clips", spying)
    nested_answers(recipe, split, easy_mels(split), MEL, label="test")
    parts = {part: set(rows) for part, rows in split.groupby("part")["clip"]}
    inner = [parts["train"], parts["valid"]]  # trained on, scored
    assert seen == [*inner, *inner, parts["train"] | parts["valid"], parts["train"] | parts["valid"]]


def test_temperatures_do_not_depend_on_the_test_clips(recipe: Recipe) -> None:
    split, emotions = easy_split(), easy_split()
    mels = dict(easy_mels(split))
    logits, temperatures = nested_answers(recipe, split, mels, MEL, label="test")
    tested = split["part"] == "test"
    emotions.loc[tested, "emotion"] = "calm"
    for clip in split.loc[tested, "clip"]:
        mels[clip] = mels[clip][::-1]
    other_logits, other_temperatures = nested_answers(recipe, emotions, mels, MEL, label="test")
    assert other_temperatures == temperatures
    assert set(temperatures) == set(logits) == set(VIEWS)
    assert all(logits[view].shape == (tested.sum(), 8) for view in VIEWS)
    assert all(not np.array_equal(other_logits[view], logits[view]) for view in VIEWS)


def test_missing_spectrogram_is_named_before_anything_is_trained(recipe: Recipe) -> None:
    split = easy_split()
    mels = {clip: mel for clip, mel in easy_mels(split).items() if clip != split["clip"].iloc[-1]}
    with pytest.raises(PipelineError, match=rf"{split['clip'].iloc[-1]}: has no spectrogram \(1 clips"):
        nested_answers(recipe, split, mels, MEL, label="test")


def test_refit_is_the_training_of_fine_tune_on_more_clips() -> None:
    split, settings = easy_split(), train_settings(frozen_epochs=1, epochs=1)
    mels, description = easy_mels(split), describe(BACKBONE, settings, MEL, {})
    # The same clips to train on; that fine_tune looks at others in between changes no weight.
    joined = split.assign(part=split["part"].map({"train": "train", "valid": "train", "test": "valid"}))
    networks = []
    for train, parts in ((refit, split), (fine_tune, joined), (fine_tune, split)):
        torch.manual_seed(0)
        networks.append(build_network(BACKBONE))
        train(networks[-1], description, settings, parts, mels, label="test")
    refitted, fine_tuned, with_less = (network.state_dict() for network in networks)
    assert all(torch.equal(refitted[name], fine_tuned[name]) for name in refitted)
    assert not all(torch.equal(refitted[name], with_less[name]) for name in refitted)
    assert not networks[0].training


def test_answers_come_back_as_they_were(tmp_path: Path) -> None:
    clips = pd.DataFrame({"clip": ["ravdess/b", "ravdess/a"], "emotion": ["sad", "calm"]})
    rng = np.random.default_rng(0)
    answers = Answers(
        clips=clips.set_axis([7, 3]),  # rows of a larger table
        logits={view: rng.normal(size=(2, 8)).astype(np.float32) for view in VIEWS},
        temperatures=dict(zip(VIEWS, (1.25, 0.5, 2.0, 1.0, 1.5), strict=True)),
        made_from={"crops": 4, "data": {"labels": "0" * 32}},
    )
    write_answers(tmp_path / "cell", answers)
    back = read_answers(tmp_path / "cell", VIEWS)
    assert back.clips.equals(clips)
    assert (back.temperatures, back.made_from) == (answers.temperatures, answers.made_from)
    for view in VIEWS:
        np.testing.assert_allclose(back.logits[view], answers.logits[view], atol=5.1e-7)
    assert read_made_from(tmp_path / "cell") == answers.made_from
    assert read_made_from(tmp_path / "none") == {}


@pytest.mark.parametrize(
    ("file", "old", "new", "complaint"),
    [
        ("answers.csv", "\nravdess/a,calm,high,", "\nravdess/a,sad,high,", "view high has no or other clips"),
        ("answers.csv", "surprised", "surprise", "are no answers"),
        ("answers.csv", ",high_crops", ",more_crops", "view high_crops has no or other clips"),
        ("cell.json", "high_crops", "crops", "has views .*crops.*; expected .*high_crops"),
        ("cell.json", "{", "", "is no description of a cell"),
    ],
)
def test_damaged_answers_are_refused(tmp_path: Path, file: str, old: str, new: str, complaint: str) -> None:
    clips = pd.DataFrame({"clip": ["ravdess/a", "ravdess/b"], "emotion": ["calm", "sad"]})
    logits = {view: np.zeros((2, 8)) for view in VIEWS}
    write_answers(tmp_path / "cell", Answers(clips, logits, dict.fromkeys(VIEWS, 1.0), {"crops": 4}))
    path = tmp_path / "cell" / file
    assert old in path.read_text()
    path.write_text(path.read_text().replace(old, new))
    with pytest.raises(PipelineError, match=complaint):
        read_answers(tmp_path / "cell", VIEWS)


@each_stage
def test_deps_are_the_script_and_all_that_it_imports(stage: Stage) -> None:
    code = sorted(path for path in stage.deps if path.endswith(".py"))
    assert code == sorted(import_closure(ROOT, stage.script))


@each_stage
def test_inputs_and_outputs_are_the_arguments_of_the_command(stage: Stage) -> None:
    assert list(stage.deps) == sorted(set(stage.deps))
    assert stage.inputs | set(stage.outs) == stage.paths


def test_pool_waits_for_every_cell() -> None:
    written = {path for name in CELLS for path in STAGES[f"cell@{name}"].outs}
    assert written < STAGES["pool"].inputs


def test_commands_are_those_of_the_dag() -> None:
    for name, command in commands(CELLS_YAML, "cell").items():
        assert STAGES[f"cell@{name}"].cmd.split() == ["python", "-m", *command]
        assert command[:2] == ["benchmark.cell", name]
