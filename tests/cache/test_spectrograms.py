import errno
import os
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import soundfile

from speech_emotion import array_files
from speech_emotion.cache.spectrograms import Counts, cache_spectrograms
from speech_emotion.core.errors import PipelineError
from speech_emotion.core.files import NotWrittenError
from speech_emotion.encoders.image.settings import FrontendSettings
from speech_emotion.shards import Shard, read_shard, read_shards, shard_paths
from stages import spectrograms as stage
from tests.published import real_corpora
from tests.small_corpora import contents, tone, write_clip, write_corpus
from tests.sounds import ROOT, SETTINGS

TONE = "YAF_fear/YAF_food_fear.wav"


@pytest.fixture
def raw(tmp_path: Path) -> Path:
    return write_corpus("tess", tmp_path / "raw")


@pytest.fixture
def target(tmp_path: Path) -> Path:
    return tmp_path / "spectrograms"


def cache(raw: Path, target: Path, settings: FrontendSettings = SETTINGS, *, jobs: int = 1) -> Counts:
    """Run the stage's work with what lies at `target` as the last commit."""
    committed = [read_shard(path) for path in sorted(target.glob("*"))]
    return cache_spectrograms("image", "tess", raw, target, settings, committed=committed, jobs=jobs)


def test_a_shard_a_speaker_holds_a_log_mel_a_clip(raw: Path, target: Path) -> None:
    assert str(cache(raw, target)) == "0 reused, 8 computed, 0 dropped"
    assert [path.name for path in shard_paths([target])] == ["OAF.safetensors", "YAF.safetensors"]
    shard = read_shard(target / "OAF.safetensors")
    # OA is no third speaker.
    clips = ["tess/OAF_bite_fear", "tess/OAF_food_fear", "tess/OAF_food_neutral", "tess/OA_bite_neutral"]
    assert list(shard.mels) == list(shard.keys) == clips
    assert {mel.shape for mel in shard.mels.values()} == {(SETTINGS.n_mels, 11)}  # 0.1 s
    assert shard.settings == SETTINGS


def test_stereo_and_48_khz_give_what_mono_gives(tmp_path: Path) -> None:
    name = "Actor_01/03-01-01-01-01-01-01.wav"
    for folder, channels in (("mono", 1), ("stereo", 2)):
        write_clip(tmp_path / folder / name, tone(440, 48000, channels=channels))
        cache_spectrograms(
            "image", "ravdess", tmp_path / folder, tmp_path / f"{folder}_mels", SETTINGS, committed=[], jobs=1
        )
    mono, stereo = (read_shards([tmp_path / f"{folder}_mels"]).clips for folder in ("mono", "stereo"))
    np.testing.assert_array_equal(mono["ravdess/03-01-01-01-01-01-01"], stereo["ravdess/03-01-01-01-01-01-01"])


def test_one_process_and_two_give_the_same_bytes(raw: Path, tmp_path: Path) -> None:
    cache(raw, tmp_path / "one", jobs=1)
    cache(raw, tmp_path / "two", jobs=2)
    assert contents(tmp_path / "one") == contents(tmp_path / "two")


def test_nothing_is_computed_twice_and_the_bytes_stay(raw: Path, target: Path) -> None:
    cache(raw, target)
    before = contents(target)
    assert cache(raw, target) == Counts(reused=8, computed=0, dropped=0)
    assert contents(target) == before


def test_reused_log_mels_are_those_of_the_commit(raw: Path, target: Path) -> None:
    """Reuse is no recomputation: what the commit holds under a key is taken as it is."""
    cache(raw, target)
    committed = [blank(read_shard(path)) for path in shard_paths([target])]
    cache_spectrograms("image", "tess", raw, target, SETTINGS, committed=committed, jobs=1)
    assert not any(mel.any() for mel in read_shards([target]).clips.values())


def blank(shard: Shard) -> Shard:
    return replace(shard, mels={clip: np.zeros_like(mel) for clip, mel in shard.mels.items()})


def test_a_changed_clip_alone_is_computed(raw: Path, target: Path) -> None:
    cache(raw, target)
    before = dict(read_shards([target]).clips)
    write_clip(raw / TONE, tone(2000, 24414))
    assert cache(raw, target) == Counts(reused=7, computed=1, dropped=0)
    after = read_shards([target]).clips
    assert changed(before, after) == ["tess/YAF_food_fear"]


def changed(before: Mapping[str, np.ndarray], after: Mapping[str, np.ndarray]) -> list[str]:
    return [clip for clip in before if not np.array_equal(before[clip], after[clip])]


def test_a_new_speaker_leaves_the_other_shards_bytes_alone(raw: Path, target: Path) -> None:
    for path in raw.glob("YAF*/*"):
        path.rename(path.with_suffix(".later"))
    cache(raw, target)
    before = contents(target)
    for path in raw.glob("YAF*/*"):
        path.rename(path.with_suffix(".wav"))
    assert cache(raw, target) == Counts(reused=4, computed=4, dropped=0)
    assert contents(target).items() >= before.items()


def test_a_renamed_clip_is_reused_under_its_new_name(raw: Path, target: Path) -> None:
    cache(raw, target)
    before = dict(read_shards([target]).clips)
    (raw / TONE).rename(raw / "YAF_fear/YAF_back_fear.wav")
    assert cache(raw, target) == Counts(reused=8, computed=0, dropped=1)
    after = read_shards([target]).clips
    np.testing.assert_array_equal(after["tess/YAF_back_fear"], before["tess/YAF_food_fear"])
    assert "tess/YAF_food_fear" not in after


def test_the_same_samples_in_another_container_are_reused(raw: Path, target: Path) -> None:
    cache(raw, target)
    before = contents(target)
    samples, sample_rate = soundfile.read(raw / TONE, dtype="int16")
    soundfile.write((raw / TONE).with_suffix(".flac"), samples, sample_rate)
    (raw / TONE).unlink()
    assert cache(raw, target) == Counts(reused=8, computed=0, dropped=0)
    assert contents(target) == before


def test_a_deleted_clip_is_dropped(raw: Path, target: Path) -> None:
    cache(raw, target)
    (raw / TONE).unlink()
    assert cache(raw, target) == Counts(reused=7, computed=0, dropped=1)
    assert "tess/YAF_food_fear" not in read_shards([target]).clips


def test_other_settings_compute_everything(raw: Path, target: Path) -> None:
    cache(raw, target)
    other = replace(SETTINGS, hop_samples=320)
    assert cache(raw, target, other) == Counts(reused=0, computed=8, dropped=0)
    assert read_shards([target]).settings == other


@pytest.mark.parametrize("jobs", [1, 2])
def test_a_broken_clip_stops_with_its_name_and_the_old_output_stays(raw: Path, target: Path, jobs: int) -> None:
    cache(raw, target)
    before = contents(target)
    (raw / TONE).write_bytes((raw / TONE).read_bytes()[:20])
    with pytest.raises(PipelineError, match=r"YAF_food_fear\.wav: cannot be decoded"):
        cache(raw, target, jobs=jobs)
    assert contents(target) == before
    assert {path.name for path in target.parent.iterdir()} == {"raw", "spectrograms"}


@pytest.mark.parametrize("jobs", [1, 2])
def test_a_disk_that_is_full_between_two_clips_stops_and_the_old_output_stays(
    raw: Path, target: Path, jobs: int, monkeypatch: pytest.MonkeyPatch, recwarn: pytest.WarningsRecorder
) -> None:
    cache(raw, target)
    before = contents(target)

    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(array_files.shutil, "copyfileobj", full)
    with pytest.raises(NotWrittenError, match=r"spectrograms/OAF.safetensors: cannot be written .*; make space"):
        cache(raw, target, jobs=jobs)
    assert contents(target) == before
    assert {path.name for path in target.parent.iterdir()} == {"raw", "spectrograms"}
    assert not recwarn


@pytest.mark.parametrize(
    ("name", "complaint"),
    [
        (os.fsdecode(b"YAF_fear/YAF_b\xe9te_fear.wav"), "has a name in another encoding than UTF-8; rename it"),
        ("YAF_fear/speech.wav", r"tess/speech: is no TESS name"),
        ("YAF_fear/YAF_food_fear.flac", r"tess/YAF_food_fear: is there twice, .*\.flac and .*\.wav; take one out"),
        ("more/YAF_food_fear.wav", r"tess/YAF_food_fear: is there twice"),
    ],
)
def test_clips_that_would_be_mistaken_are_refused_before_any_work(
    raw: Path, target: Path, name: str, complaint: str
) -> None:
    write_clip(raw / name, tone(440, 24414))
    with pytest.raises(PipelineError, match=complaint):
        cache(raw, target)
    assert not target.exists()


def test_a_folder_without_audio_is_named(tmp_path: Path, target: Path) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(PipelineError, match=r"empty: holds no clips; run `dvc repro fetch@tess`"):
        cache(tmp_path / "empty", target)


def test_the_stage_says_what_it_did(
    raw: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    stage.main(["image", "tess", "raw", "mels", "--params", str(ROOT / "params.yaml"), "--jobs", "1"])
    first, last = capsys.readouterr().out.splitlines()
    assert first.startswith("mels: not all of it can be reused: ")
    assert last == "spectrograms@image-tess: 0 reused, 8 computed, 0 dropped"
    assert read_shards([Path("mels")]).settings == SETTINGS


def test_the_96_khz_clip_keeps_its_pitch(tmp_path: Path) -> None:
    mel = {}
    for sample_rate in (24414, 96000):
        write_clip(tmp_path / f"{sample_rate}/OAF_Fear/OAF_food_fear.wav", tone(1000, sample_rate, duration_s=0.5))
        cache(tmp_path / str(sample_rate), tmp_path / f"{sample_rate}_mels")
        mel[sample_rate] = read_shards([tmp_path / f"{sample_rate}_mels"]).clips["tess/OAF_food_fear"]
    assert set(mel[24414][:, 10:-10].argmax(axis=0)) == set(mel[96000][:, 10:-10].argmax(axis=0))


def test_real_clips_and_their_quirks_go_through(tmp_path: Path, target: Path) -> None:
    for path in sorted((real_corpora() / "tess").rglob("*_food_fear.*")) + sorted(
        (real_corpora() / "tess").rglob("OA_bite_neutral.*")
    ):
        (tmp_path / "real").mkdir(exist_ok=True)
        (tmp_path / "real" / path.name).symlink_to(path)
    cache(tmp_path / "real", target)
    frames = {clip: mel.shape[1] for clip, mel in read_shards([target]).clips.items()}
    assert set(frames) == {"tess/OAF_food_fear", "tess/YAF_food_fear", "tess/OA_bite_neutral"}
    assert all(100 < count < 300 for count in frames.values())
