"""Where a corpus officially comes from: `params.corpora.<name>.source` as one dataclass a kind."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from speech_emotion.core.errors import PipelineError
from speech_emotion.core.params import read_settings


@dataclass(frozen=True)
class Zenodo:
    """One archive of a Zenodo record; `url` is the base of the API."""

    kind: str
    url: str
    record: str
    file: str
    size_bytes: int
    md5: str


@dataclass(frozen=True)
class Dataverse:
    """A Dataverse data set of one file a clip; `url` is the base of the API.

    `file` names an archive of the same clips that users are likely to have.
    """

    kind: str
    url: str
    doi: str
    file: str


@dataclass(frozen=True)
class Local:
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
class _Corpus:
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
