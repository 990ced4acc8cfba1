"""Where a corpus comes from, `params.corpora.<name>.source` as a dataclass for each kind, and the files it offers."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

from speech_emotion.core.errors import PipelineError
from speech_emotion.core.params import Checked, Range, read_settings
from speech_emotion.fetching.web import read_json


@dataclass(frozen=True)
class Zenodo(Checked):
    """One archive of a Zenodo record; `url` is the base of the API."""

    kind: str
    url: str
    record: str
    file: str
    size_bytes: Annotated[int, Range(1, 2**50)]
    md5: str


@dataclass(frozen=True)
class Dataverse(Checked):
    """A Dataverse data set of one file a clip; `url` is the base of the API.

    `file` names an archive of the same clips that users are likely to have.
    """

    kind: str
    url: str
    doi: str
    file: str


@dataclass(frozen=True)
class Local(Checked):
    """A folder of clips or an archive on this machine; a relative `path` counts from the project's root."""

    kind: str
    path: str
    md5: str | None = None  # of an archive

    @property
    def file(self) -> str:
        """The name of the folder or the archive."""
        return Path(self.path).name


Source = Zenodo | Dataverse | Local
KINDS: Mapping[str, type[Source]] = {"zenodo": Zenodo, "dataverse": Dataverse, "archive": Local, "folder": Local}


@dataclass(frozen=True)
class _Corpus(Checked):
    source: dict[str, Any]


def read_source(params: Path, corpus: str) -> Source:
    """Return `corpora.<corpus>.source` of the parameter file `params`.

    Raises:
        PipelineError: the section is missing, of an unknown kind, or has not exactly the keys of its kind.
    """
    section = f"corpora.{corpus}.source"
    kind = read_settings(params, f"corpora.{corpus}", _Corpus).source.get("kind", "missing")
    if kind not in KINDS:
        raise PipelineError(f"{params}: {section}.kind is {kind!r}; make it one of {', '.join(KINDS)}")
    return read_settings(params, section, KINDS[kind])


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
        # MD5 or, as an installation may be set, SHA-1, SHA-256, SHA-512.
        checksum=f"{file['checksum']['type'].replace('-', '').lower()}:{file['checksum']['value']}",
        size_bytes=file["filesize"],
    )
