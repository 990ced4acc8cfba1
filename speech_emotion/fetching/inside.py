"""Names that came from elsewhere, as paths that cannot leave their folder."""

from pathlib import Path, PurePosixPath

from speech_emotion.core.errors import PipelineError


def path_inside(folder: Path, name: str, origin: str) -> Path:
    """Return where the file that `origin` calls `name` goes below `folder`.

    Raises:
        PipelineError: `name` is empty, absolute, climbs with `..`, or is written for Windows.
    """
    parts = PurePosixPath(name).parts
    if not parts or name.startswith("/") or ".." in parts or any(sign in name for sign in "\\:\0"):
        raise PipelineError(f"{origin}: the name {name!r} may lead out of its folder; take the corpus from elsewhere")
    return folder.joinpath(*parts)
