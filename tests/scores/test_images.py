from dataclasses import replace
from pathlib import Path

import matplotlib
import numpy as np
import pandas as pd
import pytest
from PIL import Image

from speech_emotion import cli
from speech_emotion.clips import EMOTIONS, LABEL_COLUMNS
from speech_emotion.core.errors import PipelineError
from speech_emotion.core.files import write_csv
from speech_emotion.scores.images import HEIGHT_PX, WIDTH_PX, draw, export_images
from speech_emotion.shards import Mels, Shard, write_shard
from tests.evaluations import make_clips
from tests.small_corpora import contents
from tests.sounds import SETTINGS

FRAMES = 150  # 1.5 s
MEL = np.random.default_rng(0).integers(0, 256, (SETTINGS.n_mels, FRAMES), np.uint8)
SILENT = (0, 0, 3)  # magma at the floor


def pixels(mel: np.ndarray, frames_per_s: float = 100) -> np.ndarray:
    """Return the picture of `mel` as uint8 `[height, width, 3]`."""
    settings = replace(SETTINGS, hop_samples=round(SETTINGS.sample_rate_hz / frames_per_s))
    return np.asarray(draw(mel, settings).convert("RGB"))


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> pd.DataFrame:
    """Labels and shards of one RAVDESS actor and one TESS word in the working directory; returns the labels."""
    monkeypatch.chdir(tmp_path)
    clips = make_clips(actors=1, tess_words=1)
    for speaker, rows in clips.groupby("speaker"):
        shard = Shard("image", dict.fromkeys(rows["clip"], MEL), dict.fromkeys(rows["clip"], "key"), SETTINGS)
        write_shard(Path(f"data/spectrograms/image/{speaker}.safetensors"), shard)
    write_csv(Path("data/labels.csv"), clips.reindex(columns=LABEL_COLUMNS, fill_value="").assign(duration_s=1.5))
    return clips


def export(*arguments: str) -> int:
    return cli.main(["export-images", *arguments])


def test_every_clip_is_a_picture_in_its_emotions_folder(
    project: pd.DataFrame, capsys: pytest.CaptureFixture[str]
) -> None:
    assert export("pictures") == 0
    rows = project[["emotion", "clip"]].itertuples(index=False)
    expected = {f"{emotion}/{clip.replace('/', '_')}.png" for emotion, clip in rows}
    assert "angry/tess_OAF_word00_angry.png" in expected
    assert len(expected) == 67
    assert set(contents(Path("pictures"))) == expected | {"README.txt"}
    assert {path.name for path in Path("pictures").iterdir() if path.is_dir()} == set(EMOTIONS)
    for name in expected:
        with Image.open(Path("pictures") / name) as picture:
            assert (picture.format, picture.size) == ("PNG", (432, 288))
    printed = capsys.readouterr().out
    assert "pictures: 67 pictures; 0 clips are longer" in printed
    for said in (printed, Path("pictures/README.txt").read_text()):
        assert "TESS: CC BY-NC-ND 4.0" in said
        assert "do not share" in said


def test_one_corpus_alone_has_all_eight_folders_and_its_own_licence(
    project: pd.DataFrame, capsys: pytest.CaptureFixture[str]
) -> None:
    assert export("pictures", "--corpus", "tess") == 0
    assert {path.name for path in Path("pictures").iterdir() if path.is_dir()} == set(EMOTIONS)
    assert len(list(Path("pictures").rglob("*.png"))) == 7
    assert export("pictures", "--corpus", "ravdess") == 0
    assert len(list(Path("pictures").rglob("*.png"))) == 60
    assert "TESS" not in Path("pictures/README.txt").read_text()
    assert export("pictures", "--corpus", "tess", "--corpus", "ravdess") == 0
    assert len(list(Path("pictures").rglob("*.png"))) == 67
    capsys.readouterr()
    assert export("pictures", "--corpus", "emodb") == 2
    assert "corpus 'emodb': has no clips in the labels; name one of ravdess, tess" in capsys.readouterr().err


def test_a_rerun_replaces_and_repeats_every_byte(project: pd.DataFrame) -> None:
    export("pictures")
    before = contents(Path("pictures"))
    Path("pictures/happy/old.png").touch()
    export("pictures")
    assert contents(Path("pictures")) == before


def test_an_empty_folder_is_taken(project: pd.DataFrame) -> None:
    Path("pictures").mkdir()
    assert export("pictures/") == 0


@pytest.mark.parametrize("theirs", ["pictures/happy/holiday.png", "pictures/README.txt", "pictures"])
def test_what_is_not_ours_is_left_alone(project: pd.DataFrame, theirs: str, capsys: pytest.CaptureFixture[str]) -> None:
    Path(theirs).parent.mkdir(parents=True, exist_ok=True)
    Path(theirs).write_text("theirs")
    assert export("pictures") == 2
    assert "error: pictures: " in capsys.readouterr().err
    assert Path(theirs).read_text() == "theirs"


def test_the_working_directory_is_no_place_for_pictures(project: pd.DataFrame) -> None:
    before = contents(Path())
    assert export(".") == 2
    assert contents(Path()) == before


def test_a_folder_that_cannot_be_made_is_named(project: pd.DataFrame, capsys: pytest.CaptureFixture[str]) -> None:
    Path("file").touch()
    assert export("file/pictures") == 2
    assert "error: file/pictures: cannot be written (" in capsys.readouterr().err


def test_without_labels_or_spectrograms_the_way_out_is_told(
    project: pd.DataFrame, capsys: pytest.CaptureFixture[str]
) -> None:
    Path("data/spectrograms/image/tess/OAF.safetensors").unlink()
    assert export("pictures") == 2
    assert "tess: holds no spectrograms; run `dvc repro`" in capsys.readouterr().err
    Path("data/labels.csv").unlink()
    assert export("pictures") == 2
    assert "labels.csv: cannot be read" in capsys.readouterr().err
    assert not Path("pictures").exists()


def test_a_clip_without_a_spectrogram_is_named_and_nothing_is_written(tmp_path: Path) -> None:
    clips = make_clips(actors=1)
    with pytest.raises(PipelineError, match=r"ravdess/03-.*: has no spectrogram \(60 clips have none\)"):
        export_images(tmp_path / "pictures", clips, Mels("image", SETTINGS, {}))
    assert not (tmp_path / "pictures").exists()


def test_low_frequencies_are_at_the_bottom_and_time_starts_at_the_left() -> None:
    mel = np.zeros((SETTINGS.n_mels, FRAMES), np.uint8)
    mel[:8, :10] = 255
    picture = pixels(mel)
    bright = np.argwhere(picture.sum(axis=2) > 500)
    rows, columns = bright[:, 0], bright[:, 1]
    assert rows.min() > 0.9 * HEIGHT_PX
    assert (rows.max(), columns.min(), columns.max()) == (HEIGHT_PX - 1, 0, 9)


def test_colours_are_those_of_a_perceptual_map() -> None:
    levels = np.tile(np.arange(FRAMES, dtype=np.uint8), (SETTINGS.n_mels, 1))
    expected = matplotlib.colormaps["magma"](np.arange(FRAMES), bytes=True)[:, :3]
    np.testing.assert_array_equal(pixels(levels)[HEIGHT_PX // 2, :FRAMES], expected)


@pytest.mark.parametrize(("frames_per_s", "width"), [(100, 150), (50, 300), (200, 75)])
def test_a_second_is_100_pixels_whatever_the_hop(frames_per_s: float, width: int) -> None:
    picture = pixels(np.full((SETTINGS.n_mels, FRAMES), 255, np.uint8), frames_per_s)
    assert (picture[:, :width].sum(axis=2) > 500).all()
    assert (picture[:, width:] == SILENT).all()


def test_a_longer_clip_is_cut_off_not_squeezed(tmp_path: Path) -> None:
    longer = np.concatenate([MEL] * 3, axis=1)  # 4.5 s
    np.testing.assert_array_equal(pixels(longer), pixels(longer[:, :WIDTH_PX]))
    clips = make_clips(actors=1).head(2)
    mels = dict(zip(clips["clip"], (longer, longer[:, :WIDTH_PX]), strict=True))
    assert export_images(tmp_path / "pictures", clips, Mels("image", SETTINGS, mels)) == 1


def test_a_clip_of_one_frame_is_a_picture() -> None:
    assert pixels(MEL[:, :1]).shape == (HEIGHT_PX, WIDTH_PX, 3)
