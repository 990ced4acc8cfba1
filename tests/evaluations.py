"""Made-up answers of two models on clips with real names, for the tests of scores, pictures and comparisons."""

import numpy as np
import pandas as pd

from speech_emotion.clips import EMOTIONS
from speech_emotion.scores.evaluation import Evaluation


def make_clips(actors: int = 4, tess_words: int = 0) -> pd.DataFrame:
    """RAVDESS clips of the last actors (60 each, neutral half as often), and TESS ones of OAF (7 a word, no calm)."""
    rows = [
        (f"ravdess/03-01-{code:02d}-{intensity:02d}-{statement:02d}-{repetition:02d}-{actor:02d}", emotion)
        for actor in range(25 - actors, 25)
        for code, emotion in enumerate(EMOTIONS, start=1)
        for intensity in ((1,) if emotion == "neutral" else (1, 2))
        for statement in (1, 2)
        for repetition in (1, 2)
    ]
    words = {"fearful": "fear", "surprised": "ps"}
    rows += [
        (f"tess/OAF_word{word:02d}_{words.get(emotion, emotion)}", emotion)
        for word in range(tess_words)
        for emotion in EMOTIONS
        if emotion != "calm"
    ]
    clips = pd.DataFrame(rows, columns=["clip", "emotion"]).sort_values("clip", ignore_index=True)
    clips["corpus"] = clips["clip"].str.split("/").str[0]
    actor = "ravdess/" + clips["clip"].str[-2:]
    clips["speaker"] = actor.where(clips["corpus"] == "ravdess", "tess/OAF")
    male = clips["clip"].str[-1].isin(list("13579"))
    clips["sex"] = np.where((clips["corpus"] == "ravdess") & male, "male", "female")
    strong = clips["clip"].str.split("-").str[3] == "02"
    clips["intensity"] = np.where(clips["corpus"] == "ravdess", np.where(strong, "strong", "normal"), "")
    return clips[["clip", "corpus", "speaker", "sex", "intensity", "emotion"]]


def make_evaluation(clips: pd.DataFrame, seed: int = 0, skill: float = 2.0, temperature: float = 1.5) -> Evaluation:
    """Noise plus `skill` on the actual emotion; the first model has half of the skill."""
    rng = np.random.default_rng(seed)
    right = np.eye(len(EMOTIONS))[[EMOTIONS.index(emotion) for emotion in clips["emotion"]]]
    noise = rng.normal(size=(2, *right.shape))
    first, last = (noise + np.array([skill / 2, skill])[:, None, None] * right).astype(np.float32)
    return Evaluation(clips=clips, first_logits=first, last_logits=last, temperature=temperature)
