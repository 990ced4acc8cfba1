"""What the API of a corpus's official source says can be downloaded."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from speech_emotion.core.errors import PipelineError, listed
from speech_emotion.fetching.sources import Dataverse, Zenodo
from speech_emotion.fetching.web import read_json


@dataclass(frozen=True)
class PublishedFile:
    """A file as its API describes it."""

    name: str  # may hold folders, separated by /
    url: str
    checksum: str  # algorithm:hexadecimal, as pooch takes it
    size_bytes: int


def list_files(source: Zenodo | Dataverse) -> list[PublishedFile]:
    """Ask the API of `source` what it offers.

    Raises:
        PipelineError: no answer, an answer of another form, or one that contradicts `params.yaml`.
    """
    if isinstance(source, Zenodo):
        address = f"{source.url}/records/{source.record}"
        read = _read_zenodo(source, address)
    else:
        address = f"{source.url}/datasets/:persistentId/?persistentId={source.doi}"
        read = _read_dataverse(source, address)
    try:
        files = list(read)
    except (KeyError, TypeError, AttributeError) as error:
        raise PipelineError(f"{address}: answers in an unknown form ({error!r}); check the address") from error
    if not files:
        raise PipelineError(f"{address}: lists no files; check the address")
    return files


def _read_zenodo(source: Zenodo, address: str) -> Iterator[PublishedFile]:
    entries = {entry["key"]: entry for entry in read_json(address)["files"]}
    if source.file not in entries:
        raise PipelineError(f"{address}: has no file {source.file} (it has {listed(sorted(entries))}); correct `file`")
    entry = entries[source.file]
    offered, expected = (entry["size"], entry["checksum"]), (source.size_bytes, f"md5:{source.md5}")
    if offered != expected:
        raise PipelineError(
            f"{address}: offers {source.file} with {offered[0]} bytes and {offered[1]}, params.yaml expects"
            f" {expected[0]} bytes and {expected[1]}; correct whichever is wrong"
        )
    yield PublishedFile(source.file, entry["links"]["self"], expected[1], source.size_bytes)


def _read_dataverse(source: Dataverse, address: str) -> Iterator[PublishedFile]:
    for entry in read_json(address)["data"]["latestVersion"]["files"]:
        file = entry["dataFile"]
        folder = entry.get("directoryLabel", "")
        yield PublishedFile(
            name=f"{folder}/{file['filename']}" if folder else file["filename"],
            url=f"{source.url}/access/datafile/{file['id']}",
            checksum=_dataverse_checksum(file),
            size_bytes=file["filesize"],
        )


def _dataverse_checksum(file: dict[str, Any]) -> str:
    if "md5" in file:
        return f"md5:{file['md5']}"
    # An installation may be set to another algorithm than MD5, spelt SHA-1, SHA-256 or SHA-512.
    return f"{file['checksum']['type'].replace('-', '').lower()}:{file['checksum']['value']}"
