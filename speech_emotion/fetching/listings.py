"""Files that a corpus's official source offers."""

from dataclasses import dataclass
from typing import Any

from speech_emotion.core.errors import PipelineError
from speech_emotion.fetching.sources import Dataverse, Zenodo
from speech_emotion.fetching.web import read_json


@dataclass(frozen=True)
class PublishedFile:
    """A file as its source describes it."""

    name: str  # may hold folders, separated by /
    url: str
    checksum: str  # algorithm:hexadecimal, as pooch takes it
    size_bytes: int


def list_files(source: Zenodo | Dataverse) -> list[PublishedFile]:
    """Return the archive of a Zenodo record, or ask a Dataverse for the files of a data set.

    Raises:
        PipelineError: no answer, or one of another form.
    """
    if isinstance(source, Zenodo):
        url = f"{source.url}/records/{source.record}/files/{source.file}/content"
        return [PublishedFile(source.file, url, f"md5:{source.md5}", source.size_bytes)]
    address = f"{source.url}/datasets/:persistentId/?persistentId={source.doi}"
    try:
        files = [_from_dataverse(source, entry) for entry in read_json(address)["data"]["latestVersion"]["files"]]
    except (KeyError, TypeError, AttributeError) as error:
        raise PipelineError(f"{address}: answers in an unknown form ({error!r}); check the address") from error
    if not files:
        raise PipelineError(f"{address}: lists no files; check the address")
    return files


def _from_dataverse(source: Dataverse, entry: dict[str, Any]) -> PublishedFile:
    file = entry["dataFile"]
    folder = entry.get("directoryLabel", "")
    return PublishedFile(
        name=f"{folder}/{file['filename']}" if folder else file["filename"],
        url=f"{source.url}/access/datafile/{file['id']}",
        checksum=_checksum(file),
        size_bytes=file["filesize"],
    )


def _checksum(file: dict[str, Any]) -> str:
    if "md5" in file:
        return f"md5:{file['md5']}"
    # An installation may be set to another algorithm than MD5, spelt SHA-1, SHA-256 or SHA-512.
    return f"{file['checksum']['type'].replace('-', '').lower()}:{file['checksum']['value']}"
