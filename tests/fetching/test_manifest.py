"""Descriptions of clips: the same from samples, from WAV and from FLAC, and read back as they were written."""

from dataclasses import asdict
from pathlib import Path

import numpy as np
import pytest
import soundfile

from speech_emotion.core.errors import PipelineError
from speech_emotion.fetching.manifest import describe, main, read_manifest
from speech_emotion.fetching.verify import check_clips
from tests.own_corpus import CLIPS, CORPUS, write_own_corpus
from tests.published import ROOT
from tests.small_corpora import tones, write_corpus, write_manifest


@pytest.mark.parametrize("suffix", [".wav", ".flac"])
@pytest.mark.parametrize("corpus", ["ravdess", "tess"])
def test_files_are_described_as_their_samples(tmp_path: Path, corpus: str, suffix: str) -> None:
    rows = [clip.published(name) for name, clip in sorted(tones(corpus).items())]
    described = describe(corpus, write_corpus(corpus, tmp_path / corpus, suffix))
    assert sorted(described, key=lambda row: str(row["clip"])) == [asdict(row) for row in rows]
    write_manifest(corpus, tmp_path / "manifest.csv")
    assert read_manifest(tmp_path / "manifest.csv") == rows


def test_the_published_manifests_are_whole() -> None:
    sizes = {path.stem: len(read_manifest(path)) for path in (ROOT / "data" / "manifests").iterdir()}
    assert sizes == {"ravdess": 1440, "tess": 2800, "nemo": 901}


def test_more_than_16_bits_pass_their_own_description(tmp_path: Path) -> None:
    samples = np.random.default_rng(0).uniform(-1, 1, 8000)
    soundfile.write(tmp_path / "a.wav", samples, 8000, subtype="PCM_24")
    (tmp_path / "mine.csv").write_text("path,emotion\na.wav,sad\n")
    main([str(tmp_path), str(tmp_path / "manifests" / "mine.csv")])
    (row,) = read_manifest(tmp_path / "manifests" / "mine.csv")
    assert check_clips("mine", {tmp_path / "a.wav": row}) == 0


def test_a_clip_that_cannot_be_decoded_is_named(tmp_path: Path) -> None:
    folder = write_own_corpus(tmp_path)
    assert len(describe(CORPUS, folder)) == CLIPS
    broken = folder / "men" / "tom" / "Wut.1.wav"
    broken.write_bytes(b"no audio")
    with pytest.raises(PipelineError, match=r"tom/Wut\.1\.wav: cannot be decoded"):
        main([str(folder), str(tmp_path / f"{CORPUS}.csv")])
