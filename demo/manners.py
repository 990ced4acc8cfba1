"""The demo's voices, and what each emotion does to them."""

from dataclasses import dataclass
from zlib import crc32

from demo.voice import Delivery


@dataclass(frozen=True)
class Speaker:
    """A voice of espeak-ng, its usual words a minute and pitch (0 to 100), and its level in dB."""

    voice: str
    rate_wpm: float
    pitch: float
    gain_db: float


@dataclass(frozen=True)
class Manner:
    """An emotion as a change of the usual delivery: `rate` is a factor, the others are added."""

    pitch: float
    pitch_range: float
    rate: float
    gain_db: float
    mark: str = "."  # bends the melody: a question rises


SPEAKERS = {
    # Odd actors are men, even ones women.
    "01": Speaker("en-us+m1", 165, 45, 0),
    "02": Speaker("en-us+f1", 170, 45, -2),
    "03": Speaker("en-us+m3", 155, 52, -4),
    "04": Speaker("en-us+f2", 160, 40, 1),
    "05": Speaker("en-us+m7", 175, 42, 1),
    "06": Speaker("en-us+f4", 165, 50, -3),
    "07": Speaker("en-us+m4", 160, 48, -1),
    "08": Speaker("en-us+f3", 170, 44, 0),
    "OAF": Speaker("en-us+linda", 150, 40, 0),
    "YAF": Speaker("en-us+f5", 170, 50, -1),
}
MANNERS = {
    "neutral": Manner(0, 0, 1.0, 0),
    "calm": Manner(-6, -15, 0.85, -8),
    "happy": Manner(16, 30, 1.08, 3),
    "sad": Manner(-14, -25, 0.70, -5),
    "angry": Manner(4, 22, 1.25, 9),
    "fearful": Manner(26, -18, 1.30, -3),
    "disgust": Manner(-20, 12, 0.80, 3),
    "surprised": Manner(32, 42, 0.92, 5, mark="?"),
}
USUAL_RANGE = 40.0
LEVEL_DB = -16.0  # leaves room for the loudest emotion


def deliver(take: str, speaker: Speaker, manner: Manner, strength: float) -> tuple[Delivery, float]:
    """Return how `speaker` speaks in `manner`, `strength` times as marked as usual, and the gain in dB.

    No two takes are alike: the name of the take decides the small rest.
    """
    chance = crc32(take.encode())
    wobble, hurry = chance % 7 - 3, chance // 7 % 7 - 3
    delivery = Delivery(
        rate_wpm=speaker.rate_wpm * (1 + strength * (manner.rate - 1)) * (1 + hurry / 100),
        pitch=_within(speaker.pitch + strength * manner.pitch + wobble),
        pitch_range=_within(USUAL_RANGE + strength * manner.pitch_range + wobble),
    )
    return delivery, LEVEL_DB + speaker.gain_db + strength * manner.gain_db + wobble / 3


def _within(setting: float) -> float:
    return min(max(setting, 0.0), 99.0)
