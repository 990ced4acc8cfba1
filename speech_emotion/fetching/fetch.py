"""A corpus from wherever it can be had, checked clip by clip and laid out as published."""

import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import pooch

from speech_emotion.core.errors import PipelineError, listed
from speech_emotion.core.files import replacing
from speech_emotion.core.progress import tell
from speech_emotion.corpora.catalogue import Clip
from speech_emotion.fetching.archives import unpack
from speech_emotion.fetching.downloads import download
from speech_emotion.fetching.listings import list_files
from speech_emotion.fetching.manifest import Published
from speech_emotion.fetching.mirror import local_copy
from speech_emotion.fetching.recordings import find_recordings, identity
from speech_emotion.fetching.sources import Dataverse, LocalArchive, Source, Zenodo
from speech_emotion.fetching.verify import check_clips

# No output, so that DVC leaves what an interrupted download has already got.
DOWNLOADS = Path(".downloads")


def fetch(corpus: str, source: Source, manifest: Sequence[Published], target: Path) -> None:
    """Get `corpus` from SPEECH_CORPORA or from `source`, check it, and put it at `target`.

    Raises:
        PipelineError: the corpus cannot be had, is incomplete, or differs from `manifest`. `target` is as before.
    """
    try:
        with _folder_of(corpus, source) as folder:
            recordings = find_recordings(corpus, folder)
            clips = _match(corpus, recordings, manifest)
            resampled = check_clips(corpus, clips)
            _lay_out(clips, target)
    except OSError as error:
        raise PipelineError(
            f"{error.filename or corpus}: {error.strerror or error}; check path, space and permissions"
        ) from error
    tell(f"{corpus}: {len(clips)} clips, {resampled} of them resampled")
    _remove_downloads(corpus)


@contextmanager
def _folder_of(corpus: str, source: Source) -> Iterator[Path]:
    found = local_copy(corpus, source.file) or _official(corpus, source)
    tell(f"{corpus}: taken from {found}")
    if found.is_dir():
        yield found
        return
    DOWNLOADS.mkdir(exist_ok=True)
    for left in DOWNLOADS.glob(f"{corpus}.*"):  # of a run that was killed
        shutil.rmtree(left)
    with TemporaryDirectory(prefix=f"{corpus}.", dir=DOWNLOADS) as unpacked:
        unpack(found, Path(unpacked))
        yield Path(unpacked)


def _official(corpus: str, source: Source) -> Path:
    match source:
        case LocalArchive():
            return _checked_archive(source)
        case Zenodo():
            download(corpus, list_files(source), DOWNLOADS / corpus)
            return DOWNLOADS / corpus / source.file
        case Dataverse():
            download(corpus, list_files(source), DOWNLOADS / corpus)
            return DOWNLOADS / corpus


def _checked_archive(source: LocalArchive) -> Path:
    archive = Path(source.path)
    md5 = pooch.file_hash(str(archive), alg="md5")
    if md5 != source.md5:
        raise PipelineError(f"{archive}: has md5 {md5}, expected {source.md5}; restore it or correct params.yaml")
    return archive


def _match(corpus: str, recordings: Mapping[Clip, Path], manifest: Sequence[Published]) -> dict[Path, Published]:
    published = {identity(corpus, Path(row.clip).name): row for row in manifest}
    missing = [row.clip for clip, row in published.items() if clip not in recordings]
    surplus = [str(path) for clip, path in recordings.items() if clip not in published]
    for names, what in ((missing, "are missing"), (surplus, "are not in the manifest")):
        if names:
            raise PipelineError(f"{corpus}: {len(names)} clips {what}: {listed(names)}; get a complete copy")
    return {recordings[clip]: row for clip, row in published.items()}


def _lay_out(clips: Mapping[Path, Published], target: Path) -> None:
    with replacing(target) as folder:
        for path, published in clips.items():
            copy = folder / f"{published.clip}{path.suffix.lower()}"
            copy.parent.mkdir(parents=True, exist_ok=True)
            # A copy of the bytes: a link would let DVC's cache and the user's folder share a file.
            shutil.copyfile(path, copy)


def _remove_downloads(corpus: str) -> None:
    folder = DOWNLOADS / corpus
    if folder.is_dir():
        shutil.rmtree(folder)
        tell(f"{corpus}: removed {folder}, which is no longer needed")
