"""Where a corpus comes from, `params.corpora.<name>.source` as a dataclass for each kind, and the files it offers."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import quote

from speech_emotion.core.errors import PipelineError
from speech_emotion.core.params import Checked, Range, read_settings
from speech_emotion.fetching.web import read_json

GIT = "git"  # checksum of a blob, https://git-scm.com/book/en/v2/Git-Internals-Git-Objects


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
class GitHub(Checked):
    """The files below a `folder` of a Git repository on GitHub at a `commit`, of which the manifest names those wanted.

    `url` is the base of the API, `raw_url` that of the files. `file` names an archive of the repository that users are
    likely to have.
    """

    kind: str
    url: str
    raw_url: str
    repository: str
    commit: str
    folder: str
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


Source = Zenodo | Dataverse | GitHub | Local
KINDS: Mapping[str, type[Source]] = {
    "zenodo": Zenodo,
    "dataverse": Dataverse,
    "github": GitHub,
    "archive": Local,
    "folder": Local,
}


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
    if not isinstance(kind, str) or kind not in KINDS:
        raise PipelineError(f"{params}: {section}.kind is {kind!r}; make it one of {', '.join(KINDS)}")
    return read_settings(params, section, KINDS[kind])


@dataclass(frozen=True)
class PublishedFile:
    """A file as its source describes it."""

    name: str  # may hold folders, separated by /
    url: str
    checksum: str  # algorithm:hexadecimal, as pooch takes it, or git:hexadecimal of a blob
    size_bytes: int


def list_files(source: Zenodo | Dataverse | GitHub) -> list[PublishedFile]:
    """Return the archive of a Zenodo record, or ask an API for the files of a data set or of a repository.

    Raises:
        PipelineError: no answer, or one of another form.
    """
    if isinstance(source, Zenodo):
        url = f"{source.url}/records/{source.record}/files/{source.file}/content"
        return [PublishedFile(source.file, url, f"md5:{source.md5}", source.size_bytes)]
    if isinstance(source, GitHub):
        address = f"{source.url}/repos/{source.repository}/git/trees/{source.commit}?recursive=1"
        return _listed(address, lambda answer: _from_github(source, answer))
    address = f"{source.url}/datasets/:persistentId/?persistentId={source.doi}"
    return _listed(
        address, lambda answer: [_from_dataverse(source, entry) for entry in answer["data"]["latestVersion"]["files"]]
    )


def _listed(address: str, read: Callable[[Any], list[PublishedFile]]) -> list[PublishedFile]:
    try:
        files = read(read_json(address))
    except (KeyError, TypeError, AttributeError) as error:
        raise PipelineError(f"{address}: answers in an unknown form ({error!r}); check the address") from error
    if not files:
        raise PipelineError(f"{address}: lists no files; check the address")
    return files


def _from_github(source: GitHub, answer: dict[str, Any]) -> list[PublishedFile]:
    if answer["truncated"]:
        raise PipelineError(f"{source.repository}: has more files than GitHub lists; get an archive of it")
    folder = f"{source.folder}/"
    return [
        PublishedFile(
            name=entry["path"].removeprefix(folder),
            url=f"{source.raw_url}/{source.repository}/{source.commit}/{quote(entry['path'])}",
            checksum=f"{GIT}:{entry['sha']}",
            size_bytes=entry["size"],
        )
        for entry in answer["tree"]
        if entry["type"] == "blob" and entry["path"].startswith(folder)
    ]


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
