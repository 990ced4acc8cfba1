"""The demo's two corpora as lists of recordings, under the published names with their quirks."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product

from speech_emotion.clips import EMOTIONS

TEXT = "Dogs are sitting by the door"
ACTORS = ("01", "02", "03", "04", "05", "06", "07", "08")
WORDS = ("back", "bite", "chain", "dog", "food", "gun", "house", "learn", "moon", "phone", "rush", "youth")
TESS_EMOTIONS = {
    "angry": "angry",
    "disgust": "disgust",
    "fear": "fearful",
    "happy": "happy",
    "neutral": "neutral",
    "ps": "surprised",
    "sad": "sad",
}
STRONG = 1.35  # how much more marked than normal intensity

SAME_TAKE = {"03-01-03-01-02-02-07": "03-01-03-01-02-01-07"}  # two names, one recording
STEREO = ("03-01-08-01-02-02-01", "03-01-02-01-02-02-05")
TYPOS = {"OAF_bite_neutral": "OA_bite_neutral"}
RATES_HZ = {"OAF_food_fear": 96000}
TESS_TOP = "TESS Toronto emotional speech set data"
TESS_FOLDERS = {
    ("OAF", "fear"): "OAF_Fear",
    ("OAF", "ps"): "OAF_Pleasant_surprise",
    ("OAF", "sad"): "OAF_Sad",
    ("YAF", "ps"): "YAF_pleasant_surprised",
}


@dataclass(frozen=True)
class Recording:
    """One file of a corpus; equal takes are the same samples."""

    name: str  # path in the archive, without suffix
    take: str
    speaker: str
    emotion: str
    strength: float
    text: str
    sample_rate: int  # Hz
    channels: int
    padding_s: float  # silence at both ends


def ravdess() -> Iterator[Recording]:
    """Yield 30 recordings an actor: one sentence, 2 intensities and 2 repetitions (neutral has no strong one)."""
    for actor, emotion, intensity, repetition in product(ACTORS, EMOTIONS, ("01", "02"), ("01", "02")):
        if (emotion, intensity) == ("neutral", "02"):
            continue
        stem = f"03-01-{EMOTIONS.index(emotion) + 1:02d}-{intensity}-02-{repetition}-{actor}"
        yield Recording(
            name=f"Actor_{actor}/{stem}",
            take=SAME_TAKE.get(stem, stem),
            speaker=actor,
            emotion=emotion,
            strength=STRONG if intensity == "02" else 1.0,
            text=TEXT,
            sample_rate=16000,
            channels=2 if stem in STEREO else 1,
            padding_s=0.4,
        )


def tess() -> Iterator[Recording]:
    """Yield 84 recordings a voice: 12 words in 7 emotions."""
    for speaker, source_emotion, word in product(("OAF", "YAF"), TESS_EMOTIONS, WORDS):
        stem = f"{speaker}_{word}_{source_emotion}"
        folder = TESS_FOLDERS.get((speaker, source_emotion), f"{speaker}_{source_emotion}")
        yield Recording(
            name=f"{TESS_TOP}/{folder}/{TYPOS.get(stem, stem)}",
            take=stem,
            speaker=speaker,
            emotion=TESS_EMOTIONS[source_emotion],
            strength=1.0,
            text=f"Say the word {word}",
            sample_rate=RATES_HZ.get(stem, 24414),
            channels=1,
            padding_s=0.1,
        )
