"""Local copies of the corpora: what the environment variable SPEECH_CORPORA points to."""

import os
from pathlib import Path

from speech_emotion.core.errors import PipelineError, listed
from speech_emotion.core.progress import tell
from speech_emotion.corpora.clip_files import corpus_files, is_audio

VARIABLE = "SPEECH_CORPORA"


def local_copy(corpus: str, archive: str) -> Path | None:
    """Return the folder or the zip archive of `corpus` in SPEECH_CORPORA, None without one.

    A folder of recordings goes before archives, and among several the one that is called `archive`.

    Raises:
        PipelineError: SPEECH_CORPORA is no folder, or holds several archives to choose from.
    """
    configured = os.environ.get(VARIABLE)
    if not configured:
        return None
    root = Path(configured)
    if not root.is_dir():
        raise PipelineError(f"{VARIABLE}={configured}: is no folder; correct or unset it")
    folder = root / corpus
    files = corpus_files(folder)
    if any(map(is_audio, files)):
        return folder
    named = [path for path in (folder / archive, root / f"{corpus}.zip", root / archive) if path.is_file()]
    archives = named[:1] or [path for path in files if path.suffix.lower() == ".zip"]
    if len(archives) > 1:
        names = listed([str(path) for path in archives])
        raise PipelineError(f"{corpus}: which archive is it: {names}? leave one of them there")
    if not archives:
        tell(f"{corpus}: {VARIABLE}={configured} holds neither {corpus}/ with clips nor an archive of it")
    return archives[0] if archives else None
