"""TESS, the Toronto emotional speech set: 2 voices, 200 words, 7 emotions, 2,800 clips.

Pichora-Fuller & Dupuis 2020, doi:10.5683/SP2/E8H2MF.
"""

from speech_emotion.core.errors import PipelineError
from speech_emotion.corpora.clip import Clip, Licence, require_known

LICENCE = Licence(
    "TESS: CC BY-NC-ND 4.0, doi:10.5683/SP2/E8H2MF; do not share its pictures, they are derived from it", False
)
VOICES = ("OAF", "YAF")
EMOTIONS = ("angry", "disgust", "fear", "happy", "neutral", "ps", "sad")
# OA_bite_neutral is published with this slip: it is OAF's only clip of that word and emotion.
SPEAKERS = {voice: voice for voice in VOICES} | {"OA": "OAF"}


def parse(stem: str) -> Clip:
    """Return what a name such as `OAF_back_angry` says.

    Raises:
        PipelineError: the name is another one, or has a speaker or an emotion that does not exist.
    """
    parts = stem.split("_")
    if len(parts) != 3 or not all(parts):
        raise PipelineError(f"tess/{stem}: is no TESS name such as OAF_back_angry; take this file out")
    # Spelling varies in case; the id keeps the file's own. The last word decides: folder names are unreliable.
    speaker, word, emotion = parts[0].upper(), parts[1].lower(), parts[2].lower()
    require_known(f"tess/{stem}", "speaker", speaker, SPEAKERS)
    require_known(f"tess/{stem}", "emotion", emotion, EMOTIONS)
    return Clip(
        clip=f"tess/{stem}",
        corpus="tess",
        speaker=f"tess/{SPEAKERS[speaker]}",
        sex="female",
        source_emotion=emotion,
        intensity="",
        text=word,
    )
