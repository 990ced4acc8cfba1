"""Downloads from a real server on loopback that speaks both APIs: complete, resumed, or refused with one line."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from speech_emotion.core.errors import PipelineError
from speech_emotion.fetching import web
from speech_emotion.fetching.downloads import download
from speech_emotion.fetching.sources import Dataverse, PublishedFile, Zenodo, list_files
from tests.corpus_server import CUT, CorpusServer, without_waits
from tests.small_corpora import contents

DOI = "doi:10.1/TONES"
FILES = {"OAF_Fear/OAF_back_fear.wav": b"one" * 1000, "OAF_back_sad.wav": b"two" * 1000, "README.txt": b"three"}
ARCHIVE = b"zip" * 100_000


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[CorpusServer]:
    without_waits(monkeypatch)
    with CorpusServer() as running:
        yield running


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "downloads"


def dataverse(server: CorpusServer) -> Dataverse:
    return Dataverse("dataverse", server.url, DOI, "tess.zip")


def zenodo(server: CorpusServer) -> Zenodo:
    return Zenodo("zenodo", server.url, "7", "speech.zip", len(ARCHIVE), "86bebaa9864e1638345fa6de2ca79a1e")


def failure(files: list[PublishedFile], folder: Path) -> str:
    with pytest.raises(PipelineError) as caught:
        download("tess", files, folder)
    return str(caught.value)


def test_a_data_set_comes_with_its_folders(server: CorpusServer, folder: Path) -> None:
    server.publish_dataverse(DOI, FILES)
    download("tess", list_files(dataverse(server)), folder)
    assert contents(folder) == FILES


def test_an_archive_comes_from_its_record(server: CorpusServer, folder: Path) -> None:
    server.publish_zenodo("7", "speech.zip", ARCHIVE)
    download("ravdess", list_files(zenodo(server)), folder)
    assert contents(folder) == {"speech.zip": ARCHIVE}


def test_complete_files_are_not_requested_again(server: CorpusServer, folder: Path) -> None:
    paths = server.publish_dataverse(DOI, FILES)
    lost = paths["OAF_back_sad.wav"]
    server.faults[lost] = [404]
    server.waits[lost] = lambda: (folder / "README.txt").exists() and len(list(folder.rglob("*.wav"))) == 1
    files = list_files(dataverse(server))
    assert "OAF_back_sad.wav from" in failure(files, folder)
    server.waits.clear()
    before = {path: server.requests[path] for path in paths.values()}
    (folder / "README.txt").write_bytes(b"damaged since")
    download("tess", files, folder)
    assert contents(folder) == FILES
    assert server.requests[paths["OAF_Fear/OAF_back_fear.wav"]] == before[paths["OAF_Fear/OAF_back_fear.wav"]] == 1
    assert server.requests[lost] == before[lost] + 1
    assert server.requests[paths["README.txt"]] == before[paths["README.txt"]] + 1


@pytest.mark.parametrize("fault", [CUT, 429, 500, 503])
def test_what_may_pass_is_tried_again(server: CorpusServer, folder: Path, fault: int) -> None:
    path = server.publish_zenodo("7", "speech.zip", ARCHIVE)
    server.faults[path] = [fault] * web.RETRIES
    download("ravdess", list_files(zenodo(server)), folder)
    assert contents(folder) == {"speech.zip": ARCHIVE}
    assert server.requests[path] == web.RETRIES + 1


def test_a_connection_that_is_always_cut(server: CorpusServer, folder: Path) -> None:
    path = server.publish_zenodo("7", "speech.zip", ARCHIVE)
    server.faults[path] = [CUT] * (web.RETRIES + 1)
    found = failure(list_files(zenodo(server)), folder)
    assert found.startswith(f"speech.zip from {server.url}/records/7/files/speech.zip/content: the connection was cut")
    assert "run again to go on where it stopped, or set SPEECH_CORPORA" in found
    assert contents(folder) == {}


def test_a_missing_file_is_asked_for_once(server: CorpusServer, folder: Path) -> None:
    path = server.publish_zenodo("7", "speech.zip", ARCHIVE)
    files = list_files(zenodo(server))
    del server.files[path]
    assert "the server answered 404 Not Found" in failure(files, folder)
    assert server.requests[path] == 1


def test_a_missing_data_set(server: CorpusServer) -> None:
    with pytest.raises(PipelineError, match=r"persistentId=doi:10\.1/TONES: the server answered 404 Not Found"):
        list_files(dataverse(server))


@pytest.mark.parametrize("other", [ARCHIVE[::-1], ARCHIVE + b"x", ARCHIVE[:-1]])
def test_another_file_than_announced(server: CorpusServer, folder: Path, other: bytes) -> None:
    path = server.publish_zenodo("7", "speech.zip", ARCHIVE)
    files = list_files(zenodo(server))
    server.files[path] = other
    assert "what came has not the checksum md5:" in failure(files, folder)
    assert contents(folder) == {}


def test_offline(monkeypatch: pytest.MonkeyPatch) -> None:
    without_waits(monkeypatch)
    with CorpusServer() as closed:
        pass
    with pytest.raises(PipelineError, match="no connection or no answer; are you offline, or is the address wrong"):
        list_files(dataverse(closed))


def test_an_address_that_is_none() -> None:
    with pytest.raises(PipelineError, match="cannot be requested"):
        list_files(Dataverse("dataverse", "borealisdata", DOI, "tess.zip"))


@pytest.mark.parametrize("answer", [b"<html>", b"[]", b'{"data": {}}', b'{"data": {"latestVersion": {"files": []}}}'])
def test_an_answer_of_another_form(server: CorpusServer, answer: bytes) -> None:
    server.files[f"/api/datasets/:persistentId/?persistentId={DOI}"] = answer
    with pytest.raises(PipelineError, match=r"is no JSON|in an unknown form|lists no files"):
        list_files(dataverse(server))


@pytest.mark.parametrize("name", ["../OAF_back_sad.wav", "/tmp/OAF_back_sad.wav"])
def test_a_name_that_leaves_the_folder(server: CorpusServer, folder: Path, name: str) -> None:
    server.publish_dataverse(DOI, {name: b"x"})
    assert "may lead out of its folder" in failure(list_files(dataverse(server)), folder)
    assert not folder.exists()


def test_checksums_of_another_algorithm(server: CorpusServer, folder: Path) -> None:
    server.publish_dataverse(DOI, {"OAF_back_sad.wav": b"two"})
    path = f"/api/datasets/:persistentId/?persistentId={DOI}"
    answer = json.loads(server.files[path])
    file = answer["data"]["latestVersion"]["files"][0]["dataFile"]
    file["checksum"] = {"type": "SHA-1", "value": "ad782ecdac770fc6eb9a62e44f90873fb97fb26b"}
    server.files[path] = json.dumps(answer).encode()
    download("tess", list_files(dataverse(server)), folder)
    assert contents(folder) == {"OAF_back_sad.wav": b"two"}
