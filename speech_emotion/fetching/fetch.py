"""A corpus from wherever it can be had, checked clip by clip and laid out as published."""

import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import pooch

from speech_emotion.core.errors import PipelineError, listed
from speech_emotion.core.files import replacing
from speech_emotion.core.progress import tell
from speech_emotion.corpora import own
from speech_emotion.corpora.catalogue import PUBLISHED
from speech_emotion.fetching.archives import unpack
from speech_emotion.fetching.downloads import download
from speech_emotion.fetching.listings import list_files
from speech_emotion.fetching.manifest import Published, read_manifest
from speech_emotion.fetching.mirror import local_copy
from speech_emotion.fetching.recordings import find_recordings
from speech_emotion.fetching.sources import Dataverse, LocalArchive, LocalFolder, Source, Zenodo
from speech_emotion.fetching.verify import check_clips

# No output, so that DVC leaves what an interrupted download has already got.
DOWNLOADS = Path(".downloads")


def fetch(corpus: str, source: Source, manifest: Path, target: Path) -> None:
    """Get `corpus` from SPEECH_CORPORA or from `source`, check it, and put it at `target`.

    A corpus of one's own gets its manifest beside its clips: their labels are in it.

    Raises:
        PipelineError: the corpus cannot be had, is incomplete, or differs from `manifest`. `target` is as before.
    """
    described = read_manifest(manifest)
    table = None if corpus in PUBLISHED else manifest
    if table:
        own.read_rows(table)
    try:
        with _folder_of(corpus, source) as folder:
            clips = _match(corpus, folder, {row.clip: row for row in described})
            resampled = check_clips(corpus, clips)
            _lay_out(clips, table, target)
    except OSError as error:
        raise PipelineError(
            f"{error.filename or corpus}: {error.strerror or error}; check path, space and permissions"
        ) from error
    tell(f"{corpus}: {len(clips)} clips, {len(clips) - resampled} with the published samples")
    if resampled:
        tell(f"{corpus}: {resampled} clips are resampled copies: only their durations could be checked")
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
        case LocalFolder():
            return Path(source.path)
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


def _match(corpus: str, folder: Path, manifest: Mapping[str, Published]) -> dict[Path, Published]:
    recordings = find_recordings(corpus, folder, manifest)
    missing = [clip for clip in manifest if clip not in recordings]
    surplus = [str(path) for clip, path in recordings.items() if clip not in manifest]
    for names, problem in ((missing, "are missing"), (surplus, "are not in the manifest")):
        if names:
            raise PipelineError(f"{corpus}: {len(names)} clips {problem}: {listed(names)}; get a complete copy")
    return {recordings[clip]: published for clip, published in manifest.items()}


def _lay_out(clips: Mapping[Path, Published], table: Path | None, target: Path) -> None:
    with replacing(target) as folder:
        copies = {path: folder / f"{published.clip}{path.suffix.lower()}" for path, published in clips.items()}
        if table:
            copies[table] = folder / own.TABLE
        for path, copy in copies.items():
            copy.parent.mkdir(parents=True, exist_ok=True)
            # A copy of the bytes: a link would let DVC's cache and the user's folder share a file.
            shutil.copyfile(path, copy)


def _remove_downloads(corpus: str) -> None:
    folder = DOWNLOADS / corpus
    if folder.is_dir():
        shutil.rmtree(folder)
        tell(f"{corpus}: removed {folder}, which is no longer needed")
