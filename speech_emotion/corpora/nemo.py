"""nEMO: 9 Polish actors, 90 sentences, 6 emotions, 4,481 clips, of which this project's manifest names 901.

Christop 2024, "nEMO: Dataset of Emotional Speech in Polish", LREC-COLING, aclanthology.org/2024.lrec-main.1059.
"""

import re

from speech_emotion.core.errors import PipelineError
from speech_emotion.corpora.clip import Clip, Licence, require_known

LICENCE = Licence("nEMO: CC BY-NC-SA 4.0, Christop 2024, aclanthology.org/2024.lrec-main.1059", True)
EMOTIONS = ("anger", "fear", "happiness", "neutral", "sadness", "surprised")
SEX = {
    **dict.fromkeys(("EB0", "IC0", "KD0", "MK0"), "female"),
    **dict.fromkeys(("KS0", "MP0", "SM0", "TP0", "WR0"), "male"),
}


def parse(stem: str) -> Clip:
    """Return what a name such as `EB0_anger_18` says; `text` is the number of the sentence.

    Raises:
        PipelineError: the name is another one, or has a speaker or an emotion that does not exist.
    """
    if not re.fullmatch(r"[A-Z]{2}0_[a-z]+_[0-9]+", stem):
        raise PipelineError(f"nemo/{stem}: is no nEMO name such as EB0_anger_18; take this file out")
    speaker, emotion, sentence = stem.split("_")
    require_known(f"nemo/{stem}", "speaker", speaker, SEX)
    require_known(f"nemo/{stem}", "emotion", emotion, EMOTIONS)
    return Clip(
        clip=f"nemo/{stem}",
        corpus="nemo",
        speaker=f"nemo/{speaker}",
        sex=SEX[speaker],
        source_emotion=emotion,
        intensity="",
        text=sentence,
    )
