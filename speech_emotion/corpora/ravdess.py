"""RAVDESS, the speech part: 24 actors, 8 emotions, 1,440 clips.

Livingstone & Russo 2018, "The Ryerson Audio-Visual Database of Emotional Speech and Song", PLoS ONE 13(5),
doi:10.1371/journal.pone.0196391.
"""

import re
from collections.abc import Mapping

from speech_emotion.core.errors import PipelineError
from speech_emotion.corpora.clip import Clip, Licence, require_known

LICENCE = Licence("RAVDESS: CC BY-NC-SA 4.0, Livingstone & Russo 2018, doi:10.1371/journal.pone.0196391", True)
ACTORS = tuple(range(1, 25))
INTENSITIES = {"01": "normal", "02": "strong"}
STATEMENTS = {"01": "Kids are talking by the door", "02": "Dogs are sitting by the door"}
# Fields of a name and their codes, in order.
CODES: Mapping[str, tuple[str, ...]] = {
    "modality": ("03",),
    "channel": ("01",),
    "emotion": tuple(f"{code:02d}" for code in range(1, 9)),
    "intensity": tuple(INTENSITIES),
    "statement": tuple(STATEMENTS),
    "repetition": ("01", "02"),
    "actor": tuple(f"{actor:02d}" for actor in ACTORS),
}
SONG_CHANNEL = "02"

# Actors tested in each fold; the next fold's actors validate, and after the last comes the first.
FOLDS: Mapping[str, tuple[tuple[int, ...], ...]] = {
    "luna_jimenez": (
        (2, 5, 14, 15, 16),
        (3, 6, 7, 13, 18),
        (10, 11, 12, 19, 20),
        (8, 17, 21, 23, 24),
        (1, 4, 9, 22),
    ),
    "emobox": (
        (1, 11, 20, 21),
        (4, 10, 12, 14),
        (8, 9, 19, 23),
        (3, 5, 7, 24),
        (2, 15, 16, 18),
        (6, 13, 17, 22),
    ),
}


def parse(stem: str) -> Clip:
    """Return what a name such as `03-01-06-01-02-01-12` says.

    Raises:
        PipelineError: the name is another one, a song's, or has a code that does not exist.
    """
    if not re.fullmatch(r"[0-9]{2}(-[0-9]{2}){6}", stem):
        raise PipelineError(f"ravdess/{stem}: is no RAVDESS name such as 03-01-06-01-02-01-12; take this file out")
    codes = dict(zip(CODES, stem.split("-"), strict=True))
    if codes["channel"] == SONG_CHANNEL:
        raise PipelineError(f"ravdess/{stem}: is a song (channel 02); take RAVDESS's speech archive (channel 01)")
    for field, code in codes.items():
        require_known(f"ravdess/{stem}", field, code, CODES[field])
    return Clip(
        clip=f"ravdess/{stem}",
        corpus="ravdess",
        speaker=f"ravdess/{codes['actor']}",
        sex="male" if int(codes["actor"]) % 2 else "female",
        source_emotion=codes["emotion"],
        intensity=INTENSITIES[codes["intensity"]],
        text=STATEMENTS[codes["statement"]],
        repetition=codes["repetition"],
    )
