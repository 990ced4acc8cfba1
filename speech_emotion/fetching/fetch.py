"""A corpus from wherever it can be had, checked clip by clip and laid out as published."""

import filecmp
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path, PurePath
from tempfile import TemporaryDirectory

import pooch

from speech_emotion.core.errors import PipelineError, listed
from speech_emotion.core.files import replacing
from speech_emotion.core.params import refuse_changed
from speech_emotion.core.progress import tell
from speech_emotion.corpora import own
from speech_emotion.corpora.catalogue import PUBLISHED
from speech_emotion.corpora.clip_files import is_audio
from speech_emotion.fetching.archives import unpack
from speech_emotion.fetching.downloads import download
from speech_emotion.fetching.kept import keep_own
from speech_emotion.fetching.manifest import Published, read_manifest
from speech_emotion.fetching.mirror import local_copy
from speech_emotion.fetching.recordings import find_recordings, names_of
from speech_emotion.fetching.sources import GitHub, Local, Source, Zenodo, list_files
from speech_emotion.fetching.verify import check_clips

# No output, so that DVC leaves what an interrupted download has already got.
DOWNLOADS = Path(".downloads")


def fetch(corpus: str, source: Source, manifest: Path, target: Path) -> None:
    """Get `corpus` from SPEECH_CORPORA or from `source`, check it, and put it at `target`.

    A complete corpus at `target` is not downloaded again. Other files there are kept beside it, unless DVC's cache has
    them. A corpus of one's own gets its manifest beside its clips: their labels are in it.

    Raises:
        PipelineError: the corpus cannot be had, is incomplete, or differs from `manifest`. `target` is as before.
    """
    described = {row.clip: row for row in read_manifest(manifest)}
    table = None if corpus in PUBLISHED else manifest
    if table:
        own.read_rows(table)
    try:
        with _folder_of(corpus, source, described, target) as folder:
            clips = _match(corpus, folder, described, some=isinstance(source, GitHub))
            resampled = check_clips(corpus, clips)
            _lay_out(clips, table, target)
            refuse_changed()  # also where the folder was right as it is
    except OSError as error:
        raise PipelineError(
            f"{error.filename or corpus}: {error.strerror or error}; check path, space and permissions"
        ) from error
    tell(f"{corpus}: {len(clips)} clips, {len(clips) - resampled} of them sample for sample as in {manifest}")
    if resampled:
        tell(f"{corpus}: {resampled} are copies at another sample rate, with the published duration and fingerprint")
    if (DOWNLOADS / corpus).is_dir():
        shutil.rmtree(DOWNLOADS / corpus)


@contextmanager
def _folder_of(corpus: str, source: Source, manifest: Mapping[str, Published], target: Path) -> Iterator[Path]:
    found = local_copy(corpus, source.file) or _official(corpus, source, manifest, target)
    tell(f"{corpus}: taken from {found}")
    if found.is_dir():
        yield found
        return
    (DOWNLOADS / corpus).mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(dir=DOWNLOADS / corpus) as unpacked:
        unpack(found, Path(unpacked))
        yield Path(unpacked)


def _official(corpus: str, source: Source, manifest: Mapping[str, Published], target: Path) -> Path:
    if isinstance(source, Local):
        return _checked(source)
    if target.exists() and _is_complete(corpus, target, manifest):
        return target
    files = list_files(source)
    if isinstance(source, GitHub):
        recordings = {file: PurePath(file.name) for file in files if is_audio(PurePath(file.name))}
        files = [file for file, name in names_of(corpus, recordings, manifest).items() if name in manifest]
    download(corpus, files, DOWNLOADS / corpus)
    return DOWNLOADS / corpus / source.file if isinstance(source, Zenodo) else DOWNLOADS / corpus


def _checked(source: Local) -> Path:
    path = Path(source.path)
    if source.md5 and (md5 := pooch.file_hash(str(path), alg="md5")) != source.md5:
        raise PipelineError(f"{path}: has md5 {md5}, expected {source.md5}; restore it or correct params.yaml")
    return path


def _is_complete(corpus: str, folder: Path, manifest: Mapping[str, Published]) -> bool:
    try:
        check_clips(corpus, _match(corpus, folder, manifest))
    except PipelineError as problem:
        tell(f"{corpus}: {folder} is not taken ({str(problem).splitlines()[0]})")
        return False
    return True


def _match(
    corpus: str, folder: Path, manifest: Mapping[str, Published], *, some: bool = False
) -> dict[Path, Published]:
    """Return the clips of `manifest` by their files below `folder`, which may have more clips where it names `some`."""
    recordings = find_recordings(corpus, folder, manifest)
    if some and (others := recordings.keys() - manifest.keys()):
        tell(f"{corpus}: left out {len(others)} clips that the manifest does not name")
        recordings = {name: path for name, path in recordings.items() if name in manifest}
    for names, problem in (
        (manifest.keys() - recordings.keys(), "are missing: {}; get a complete copy"),
        (recordings.keys() - manifest.keys(), "are not in the manifest: {}; take them out, or describe them there"),
    ):
        if names:
            raise PipelineError(f"{corpus}: {len(names)} clips {problem.format(listed(sorted(names)))}")
    return {recordings[clip]: published for clip, published in manifest.items()}


def _lay_out(clips: Mapping[Path, Published], table: Path | None, target: Path) -> None:
    copies = {Path(f"{published.clip}{path.suffix.lower()}"): path for path, published in clips.items()}
    if table:
        copies[Path(own.TABLE)] = table
    if not target.is_symlink() and _holds(target, copies):
        return
    with replacing(target) as folder:
        for name, path in copies.items():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            # A copy of the bytes: a link would let DVC's cache and the user's folder share a file.
            shutil.copyfile(path, folder / name)
        keep_own(target)


def _holds(folder: Path, files: Mapping[Path, Path]) -> bool:
    """Return whether `folder` holds copies of `files`, by their names there, and nothing else."""
    found = {path.relative_to(folder) for path in folder.rglob("*") if path.is_symlink() or not path.is_dir()}
    return found == files.keys() and all(
        not (folder / name).is_symlink() and filecmp.cmp(folder / name, path, shallow=False)
        for name, path in files.items()
    )
