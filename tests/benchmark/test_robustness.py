"""Known conditions do what they say, and a page says what they cost."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import soundfile
from scipy.signal import welch

from benchmark import degraded, robustness
from benchmark.answers import LAST, Answers, read_answers, write_answers
from benchmark.conditions import AS_RECORDED, CONDITIONS, Samples, Source, encoded
from benchmark.degraded import folder_name
from speech_emotion.clips import EMOTIONS
from speech_emotion.core.errors import PipelineError
from speech_emotion.shards import read_shard
from tests.benchmarks import made_up_system, published_labels
from tests.trainings import train_settings
from tests.workspace import ROOT

RATE = 16_000
CELLS = [f"luna_jimenez_{fold}" for fold in range(1, 6)]
LOGITS = list(EMOTIONS)


def noise(seconds: float = 2.0, seed: int = 0) -> Samples:
    return 0.1 * np.random.default_rng(seed).standard_normal(round(seconds * RATE))


def changed(name: str, samples: Samples) -> Samples:
    others = [np.sin(np.arange(RATE) * step / 10) for step in range(1, 7)]
    return CONDITIONS[name](samples, RATE, Source(np.random.default_rng(1), lambda: others))


def level_db(samples: Samples) -> float:
    return float(10 * np.log10(np.mean(samples**2)))


@pytest.mark.parametrize("name", CONDITIONS)
def test_a_condition_is_the_same_on_every_run_and_leaves_the_clip_alone(name: str) -> None:
    clip = noise()
    before = clip.copy()
    first = changed(name, clip)
    np.testing.assert_array_equal(first, changed(name, clip))
    np.testing.assert_array_equal(clip, before)
    assert np.isfinite(first).all()
    assert np.array_equal(first, clip) == (name == AS_RECORDED)


@pytest.mark.parametrize("decibels", [6, 20])
def test_levels_change_by_what_they_say_without_clipping(decibels: int) -> None:
    clip = noise()
    assert level_db(changed(f"{decibels} dB louder", clip)) - level_db(clip) == pytest.approx(decibels)
    assert level_db(changed(f"{decibels} dB softer", clip)) - level_db(clip) == pytest.approx(-decibels)
    assert np.abs(changed("20 dB louder", clip)).max() > 1


@pytest.mark.parametrize("kind", ["white noise", "babble"])
@pytest.mark.parametrize("snr_db", [20, 10, 5])
def test_noise_is_as_far_below_the_clip_as_it_says(kind: str, snr_db: int) -> None:
    clip = noise()
    added = changed(f"{kind}, {snr_db} dB", clip) - clip
    assert level_db(clip) - level_db(added) == pytest.approx(snr_db)


def test_a_telephone_passes_its_band_only() -> None:
    clip, heard = noise(8), changed("telephone", noise(8))
    assert len(heard) == len(clip)
    # Without both ends, where the line begins and stops at once.
    hertz, before = welch(clip[RATE:-RATE], RATE, nperseg=4096)
    gain_db = 10 * np.log10(welch(heard[RATE:-RATE], RATE, nperseg=4096)[1] / before)
    assert np.median(gain_db[(hertz > 500) & (hertz < 3000)]) == pytest.approx(0, abs=0.5)
    for outside in (hertz < 100, hertz > 4100):
        assert np.median(gain_db[outside]) < -30


def test_mp3_takes_32_kbit_a_second() -> None:
    clip = noise(30)
    assert 8 * len(encoded(clip / 2, RATE)) / 30 == pytest.approx(32_000, rel=0.02)
    assert abs(len(changed("MP3, 32 kbit/s", clip)) - len(clip)) < 0.2 * RATE


def test_a_clipped_clip_has_half_its_peak() -> None:
    clip = noise()
    assert np.abs(changed("clipped", clip)).max() == pytest.approx(np.abs(clip).max() / 2)


def test_silence_is_two_seconds_on_both_sides_and_faint() -> None:
    clip, heard = noise(), changed("silence around", noise())
    assert len(heard) == len(clip) + 4 * RATE
    assert level_db(heard[: 2 * RATE]) - level_db(clip) == pytest.approx(-60, abs=0.5)


def test_a_room_sounds_on_behind_the_clip() -> None:
    clip = np.zeros(RATE)
    clip[0] = 1.0
    heard = changed("room", clip)
    late = heard[1:]
    assert level_db(late[:1600]) - level_db(late[4800:6400]) == pytest.approx(30, abs=1.5), "60 dB in 0.6 s"
    assert 10 * np.log10(np.sum(late**2)) == pytest.approx(-3, abs=0.2)


def asked(answers: Answers, worse: float) -> Answers:
    """The same answers, and degraded ones: as recorded, and with as much less of what speaks for the actual emotion."""
    test = answers.track(LAST).query("part == 'test'")
    tables = []
    for name in CONDITIONS:
        right = np.eye(len(EMOTIONS))[[EMOTIONS.index(one) for one in test["emotion"]]]
        logits = test[LOGITS].to_numpy() - (name != AS_RECORDED) * worse * right
        table = test[["clip"]].assign(condition=folder_name(name), **dict(zip(LOGITS, logits.T, strict=True)))
        tables.append(table.sample(frac=1, random_state=0))  # in any order
    return replace(answers, degraded=pd.concat(tables, ignore_index=True))


def test_page_and_figures_say_which_goals_hold(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fewer = {name: CONDITIONS[name] for name in (AS_RECORDED, *robustness.GOALS)}
    monkeypatch.setattr(robustness, "CONDITIONS", fewer)  # intervals of each take a second
    some = published_labels().query("corpus == 'ravdess'").groupby("speaker").head(20)
    system = made_up_system(some, cells=CELLS, seeds=1)
    for name, worse in (("image", 0.0), ("speech", 3.0)):
        for (cell, seed), answers in system.items():
            write_answers(tmp_path / name / cell / str(seed), asked(answers, worse), {"low": train_settings()})
    robustness.main([str(tmp_path / one) for one in ("metrics", "image", "speech")])
    figures = json.loads((tmp_path / "metrics/robustness.json").read_text())
    assert list(figures["systems"]) == ["image", "speech", "fusion"]
    assert figures["systems"]["image"]["telephone"]["gap"] == 0
    assert figures["systems"]["speech"]["telephone"]["gap"] < -0.2
    assert {one["met"] for one in figures["goals"]["image"].values()} == {True}
    assert {one["met"] for one in figures["goals"]["speech"].values()} == {False}
    page = (tmp_path / "metrics/robustness.md").read_text()
    assert "| image | telephone | 3.0 | 0.0 | yes |" in page or "| image | telephone | 3.0 | -0.0 | yes |" in page
    assert all(line.count("|") == 6 for line in page.splitlines() if line.startswith("| "))


def test_cells_that_were_not_asked_are_absent_and_a_missing_clip_is_named(tmp_path: Path) -> None:
    system = made_up_system(published_labels(), cells=CELLS[:1], seeds=1)
    with pytest.raises(PipelineError, match="no cell of luna_jimenez has degraded answers"):
        robustness.robustness({"image": system})
    full = {one: asked(answers, 1.0) for one, answers in system.items()}
    assert list(robustness.robustness({"image": full, "speech": system})["systems"]) == ["image"]
    only = next(iter(full.values()))
    assert only.degraded is not None
    with pytest.raises(PipelineError, match="was not asked about under `telephone`"):
        robustness.under(replace(only, degraded=only.degraded[only.degraded["condition"] != "telephone"]), "telephone")
    write_answers(tmp_path / "cell", only, {"low": train_settings()})
    assert read_answers(tmp_path / "cell").degraded is not None


def test_stage_writes_a_shard_a_condition_with_every_clip(tmp_path: Path) -> None:
    labels = published_labels().query("corpus == 'ravdess'").groupby("speaker").head(1).head(8)
    for seed, path in enumerate(labels["path"]):
        (tmp_path / "raw" / path).parent.mkdir(parents=True, exist_ok=True)
        soundfile.write(tmp_path / "raw" / path, noise(1, seed), RATE, format="WAV")
    labels.assign(duration_s=1.0).to_csv(tmp_path / "labels.csv", index=False)
    folders = [str(tmp_path / one) for one in ("labels.csv", "raw", "degraded")]
    degraded.main(["ravdess", *folders, "image", "speech", "--jobs", "1", "--params", str(ROOT / "params.yaml")])
    for encoder in ("image", "speech"):
        shards = {path.stem: read_shard(path) for path in (tmp_path / "degraded" / encoder).iterdir()}
        assert set(shards) == {folder_name(name) for name in CONDITIONS}
        assert all(set(shard.mels) == set(labels["clip"]) for shard in shards.values())
