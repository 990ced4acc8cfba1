"""Every protocol's parts, and what stops a split."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from speech_emotion.clips import LABEL_COLUMNS, PARTS, SPLIT_COLUMNS
from speech_emotion.core.errors import PipelineError
from speech_emotion.core.files import write_csv
from speech_emotion.core.params import read_section, read_settings
from speech_emotion.corpora.ravdess import FOLDS
from speech_emotion.splits.leaks import refuse_leaks
from speech_emotion.splits.protocols import SPEAKER_PROTOCOLS, SpeakerLists, SplitSettings, split_clips
from stages.split import main
from tests.published import ROOT, published_clips

SETTINGS = read_settings(ROOT / "params.yaml", "split", SplitSettings)
ACTORS = {f"ravdess/{actor:02d}" for actor in range(1, 25)}
VOICES = {"tess/OAF", "tess/YAF"}
COPY, ORIGINAL = "ravdess/03-01-03-01-02-02-07", "ravdess/03-01-03-01-02-01-07"
SPEAKER_SPLITS = [
    ("speakers", 1, "OAF"),
    *((protocol, fold, "OAF") for protocol, folds in FOLDS.items() for fold in range(1, len(folds) + 1)),
    ("tess_swap", 1, "OAF"),
    ("tess_swap", 1, "YAF"),
]


@pytest.fixture(scope="module")
def labels() -> pd.DataFrame:
    """All published clips."""
    table = pd.DataFrame([vars(clip) for corpus in ("ravdess", "tess") for clip in published_clips(corpus)])
    words = {
        word: emotion
        for corpus in read_section(ROOT / "params.yaml", "labels").values()
        for word, emotion in corpus.items()
    }
    table["emotion"] = table["source_emotion"].map(words)
    table["duplicate_of"] = table["clip"].map({COPY: ORIGINAL}).fillna("")
    return table.sort_values(["corpus", "clip"], ignore_index=True).reindex(columns=list(LABEL_COLUMNS), fill_value="")


def settings_of(protocol: str, fold: int, voice: str) -> SplitSettings:
    return replace(SETTINGS, protocol=protocol, fold=fold, tested_voice=voice)


def speakers_of(split: pd.DataFrame, part: str) -> set[str]:
    return set(split.query("part == @part")["speaker"])


def actors(*numbers: int) -> set[str]:
    return {f"ravdess/{number:02d}" for number in numbers}


@pytest.mark.parametrize(
    ("protocol", "fold", "voice", "valid", "test"),
    [
        ("speakers", 1, "OAF", actors(16, 17, 19, 20), actors(21, 22, 23, 24)),
        ("luna_jimenez", 1, "OAF", actors(3, 6, 7, 13, 18), actors(2, 5, 14, 15, 16)),
        ("luna_jimenez", 4, "OAF", actors(1, 4, 9, 22), actors(8, 17, 21, 23, 24)),
        ("luna_jimenez", 5, "OAF", actors(2, 5, 14, 15, 16), actors(1, 4, 9, 22)),
        ("emobox", 1, "OAF", actors(4, 10, 12, 14), actors(1, 11, 20, 21)),
        ("emobox", 6, "OAF", actors(1, 11, 20, 21), actors(6, 13, 17, 22)),
        ("tess_swap", 1, "OAF", actors(16, 17, 19, 20), {"tess/OAF"}),
        ("tess_swap", 1, "YAF", actors(16, 17, 19, 20), {"tess/YAF"}),
    ],
)
def test_who_validates_and_who_is_tested(
    protocol: str, fold: int, voice: str, valid: set[str], test: set[str], labels: pd.DataFrame
) -> None:
    split = split_clips(labels, settings_of(protocol, fold, voice))
    assert speakers_of(split, "valid") == valid
    assert speakers_of(split, "test") == test
    assert speakers_of(split, "train") == (ACTORS | VOICES) - valid - test


@pytest.mark.parametrize(("protocol", "fold", "voice"), SPEAKER_SPLITS)
def test_no_speaker_is_in_two_parts(protocol: str, fold: int, voice: str, labels: pd.DataFrame) -> None:
    split = split_clips(labels, settings_of(protocol, fold, voice))
    assert tuple(split.columns) == SPLIT_COLUMNS
    assert split.drop(columns="part").equals(labels[list(SPLIT_COLUMNS[:-1])])
    assert set(split["part"]) == set(PARTS)
    assert split.groupby("speaker")["part"].nunique().max() == 1
    refuse_leaks(labels, split, by_speaker=True)


@pytest.mark.parametrize(("protocol", "folds"), [("luna_jimenez", 5), ("emobox", 6)])
def test_every_actor_is_tested_once_over_the_folds(protocol: str, folds: int, labels: pd.DataFrame) -> None:
    splits = [split_clips(labels, settings_of(protocol, fold, "OAF")) for fold in range(1, folds + 1)]
    tested = [speaker for split in splits for speaker in sorted(speakers_of(split, "test"))]
    assert sorted(tested) == sorted(ACTORS)
    assert all(speakers_of(split, "train") >= VOICES for split in splits)


def test_random_is_numpys_permutation(labels: pd.DataFrame) -> None:
    clips = sorted(labels["clip"])
    drawn = [clips[place] for place in np.random.default_rng(42).permutation(4240)]
    # The 848 first are 20 % of 4,240, the next 424 are 10 %; the copy goes with its original.
    expected = (
        dict.fromkeys(drawn, "train") | dict.fromkeys(drawn[:848], "test") | dict.fromkeys(drawn[848:1272], "valid")
    )
    expected[COPY] = expected[ORIGINAL]
    shuffled = labels.sample(frac=1, random_state=0)
    split = split_clips(shuffled, replace(SETTINGS, protocol="random"))
    assert dict(zip(split["clip"], split["part"], strict=True)) == expected
    assert split["clip"].tolist() == clips
    refuse_leaks(labels, split, by_speaker=False)


def test_copies_stay_together_whatever_the_seed(labels: pd.DataFrame) -> None:
    drawn_apart = 0
    for seed in range(20):
        settings = replace(SETTINGS, protocol="random", seed=seed)
        part = split_clips(labels, settings).set_index("clip")["part"]
        assert part[COPY] == part[ORIGINAL]
        alone = split_clips(labels.assign(duplicate_of=""), settings).set_index("clip")["part"]
        assert part[ORIGINAL] == alone[ORIGINAL]
        drawn_apart += alone[COPY] != alone[ORIGINAL]
    # Chance alone does part them, so that the test above can fail.
    assert drawn_apart > 0


def test_another_seed_draws_other_clips(labels: pd.DataFrame) -> None:
    first, second = (split_clips(labels, replace(SETTINGS, protocol="random", seed=seed)) for seed in (42, 43))
    assert not first.equals(second)


@pytest.mark.parametrize(
    ("changed", "says"),
    [
        ({"protocol": "loso"}, r"split\.protocol 'loso' does not exist; take one of speakers, .*, tess_swap, random"),
        ({"protocol": "luna_jimenez", "fold": 6}, r"split\.fold 6 does not exist; luna_jimenez has folds 1 to 5"),
        ({"protocol": "tess_swap", "tested_voice": "oaf"}, r"tested_voice 'oaf' does not exist; take OAF or YAF"),
    ],
)
def test_what_does_not_exist_is_refused_with_what_does(
    changed: dict[str, object], says: str, labels: pd.DataFrame
) -> None:
    with pytest.raises(PipelineError, match=says):
        split_clips(labels, replace(SETTINGS, **changed))


@pytest.mark.parametrize(
    ("train", "valid", "test", "says"),
    [
        (("a/1",), ("a/2",), (), "a/3 is in no list; add it to train, valid or test"),
        (("a/1", "a/3"), ("a/2", "a/3"), (), "a/3 is listed twice; keep one"),
        (("a/1", "a/1"), ("a/2",), ("a/3",), "a/1 is listed twice; keep one"),
        (("a/1",), ("a/2",), ("a/3", "a/4"), "names a/4, but no clip of the labels is theirs"),
    ],
)
def test_the_lists_hold_every_speaker_once(
    train: tuple[str, ...], valid: tuple[str, ...], test: tuple[str, ...], says: str
) -> None:
    settings = replace(SETTINGS, speakers=SpeakerLists(train, valid, test))
    with pytest.raises(PipelineError, match=says):
        split_clips(small_labels(), settings)


@pytest.mark.parametrize("protocol", ["luna_jimenez", "emobox"])
def test_folds_want_all_actors(protocol: str, labels: pd.DataFrame) -> None:
    fewer = labels[~labels["speaker"].isin(["ravdess/18", "ravdess/24"])]
    with pytest.raises(PipelineError, match=f"^{protocol} names ravdess/18, ravdess/24, but no clip"):
        split_clips(fewer, replace(SETTINGS, protocol=protocol))


def test_swapping_voices_wants_both(labels: pd.DataFrame) -> None:
    with pytest.raises(PipelineError, match=r"^tess_swap names tess/YAF, but no clip"):
        split_clips(labels[labels["speaker"] != "tess/YAF"], replace(SETTINGS, protocol="tess_swap"))


def small_labels() -> pd.DataFrame:
    """Speakers 1 to 3 with two clips each; speaker 2's second clip is a copy of speaker 1's first."""
    clips = [f"a/{speaker}{take}" for speaker in (1, 2, 3) for take in "xy"]
    speakers = [clip[:3] for clip in clips]
    copies = ["a/1x" if clip == "a/2y" else "" for clip in clips]
    return pd.DataFrame(
        {"clip": clips, "corpus": "a", "speaker": speakers, "emotion": "sad", "duplicate_of": copies}
    ).reindex(columns=list(LABEL_COLUMNS), fill_value="")


@pytest.mark.parametrize(
    ("parts", "by_speaker", "says"),
    [
        ("train train train train valid test", True, r"leaks: speaker a/3 is in valid and test; move all"),
        ("train train valid valid test test", False, r"leaks: recording a/1x, a/2y is in train and valid; move copies"),
        ("train train valid valid test test", True, r"leaks: recording a/1x, a/2y is in train and valid; move copies"),
        ("train valid test train valid valid", True, r"leaks: speaker a/1 is in train and valid"),
        ("train train train train valid valid", True, r"no clip is in test; "),
        ("test test test test valid valid", True, r"no clip is in train; "),
        ("train train train train test test", True, r"no clip is in valid; "),
    ],
)
def test_leaks_are_found_however_the_split_was_made(parts: str, by_speaker: bool, says: str) -> None:
    labels = small_labels()
    split = labels[["clip", "emotion"]].assign(part=parts.split())
    with pytest.raises(PipelineError, match=says):
        refuse_leaks(labels, split, by_speaker=by_speaker)


def test_a_speaker_in_two_parts_is_no_leak_of_a_random_split() -> None:
    labels = small_labels()
    split = labels[["clip", "emotion"]].assign(part=["train", "valid", "test", "train", "valid", "valid"])
    refuse_leaks(labels, split, by_speaker=False)


def test_the_stage_writes_the_split_and_counts_it(
    labels: pd.DataFrame, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_csv(tmp_path / "labels.csv", labels.assign(duration_s=1.0))
    command = [str(tmp_path / "labels.csv"), str(tmp_path / "split.csv"), "--params", str(ROOT / "params.yaml")]
    main(command)
    assert [line.split() for line in capsys.readouterr().out.splitlines()[2:]] == [
        ["train", "960", "2800", "3760"],
        ["valid", "240", "0", "240"],
        ["test", "240", "0", "240"],
    ]
    first = (tmp_path / "split.csv").read_bytes()
    assert first.decode().splitlines()[:2] == [
        "clip,corpus,speaker,emotion,part",
        "ravdess/03-01-01-01-01-01-01,ravdess,ravdess/01,neutral,train",
    ]
    main(command)
    assert (tmp_path / "split.csv").read_bytes() == first


def test_a_leak_stops_the_stage_and_leaves_no_split(tmp_path: Path) -> None:
    write_csv(tmp_path / "labels.csv", small_labels().assign(duration_s=1.0))
    lists = "{train: [a/1], valid: [a/2], test: [a/3]}"
    params = tmp_path / "params.yaml"
    params.write_text(f"split: {{protocol: speakers, fold: 1, tested_voice: OAF, seed: 1, speakers: {lists}}}")
    with pytest.raises(PipelineError, match="leaks: recording a/1x, a/2y"):
        main([str(tmp_path / "labels.csv"), str(tmp_path / "split.csv"), "--params", str(params)])
    assert not (tmp_path / "split.csv").exists()


def test_random_alone_does_not_part_speakers() -> None:
    assert set(SPEAKER_PROTOCOLS) == {"speakers", "luna_jimenez", "emobox", "tess_swap"}
