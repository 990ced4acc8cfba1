"""`params.corpora.<name>.source`: the project's own, and every way to get one wrong."""

from pathlib import Path

import pytest
import yaml

from speech_emotion.core.errors import PipelineError
from speech_emotion.fetching.sources import Dataverse, Local, Zenodo, read_source
from tests.published import ROOT

ARCHIVE = {"kind": "archive", "path": "demo/tess.zip", "md5": "00"}


def params(folder: Path, source: object, **more: object) -> Path:
    path = folder / "params.yaml"
    path.write_text(yaml.safe_dump({"corpora": {"tess": {"source": source} | more}}))
    return path


def test_the_project_names_the_official_sources() -> None:
    ravdess = read_source(ROOT / "params.yaml", "ravdess")
    assert isinstance(ravdess, Zenodo)
    assert (ravdess.record, ravdess.file) == ("1188976", "Audio_Speech_Actors_01-24.zip")
    assert (ravdess.size_bytes, ravdess.md5) == (208_468_073, "bc696df654c87fed845eb13823edef8a")
    tess = read_source(ROOT / "params.yaml", "tess")
    assert isinstance(tess, Dataverse)
    assert tess.doi == "doi:10.5683/SP2/E8H2MF"


def test_a_local_archive(tmp_path: Path) -> None:
    source = read_source(params(tmp_path, ARCHIVE), "tess")
    assert source == Local("archive", "demo/tess.zip", "00")
    assert source.file == "tess.zip"


def test_a_local_folder(tmp_path: Path) -> None:
    source = {"kind": "folder", "path": "../recordings"}
    assert read_source(params(tmp_path, source), "tess") == Local("folder", "../recordings")


@pytest.mark.parametrize(
    ("source", "complaint"),
    [
        (
            {"kind": "ftp"},
            "corpora.tess.source.kind is 'ftp'; make it one of zenodo, dataverse, github, archive, folder",
        ),
        ({"path": "a.zip"}, "corpora.tess.source.kind is 'missing'"),
        ({"kind": "archive"}, 'missing value for field "path"'),
        (ARCHIVE | {"mirror": "b.zip"}, 'can not match "mirror"'),
        (ARCHIVE | {"md5": 7}, 'wrong value type for field "md5"'),
    ],
)
def test_what_a_source_cannot_be(tmp_path: Path, source: object, complaint: str) -> None:
    with pytest.raises(PipelineError) as caught:
        read_source(params(tmp_path, source), "tess")
    assert complaint in str(caught.value)


def test_a_corpus_has_no_other_keys(tmp_path: Path) -> None:
    with pytest.raises(PipelineError, match='can not match "sauce"'):
        read_source(params(tmp_path, ARCHIVE, sauce={}), "tess")
