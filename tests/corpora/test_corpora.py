"""File names as the corpora publish them."""

import pytest

from speech_emotion.core.errors import PipelineError
from speech_emotion.corpora.catalogue import PUBLISHED, licence
from speech_emotion.corpora.clip import Clip
from tests.published import published_clips

KIDS, DOGS = "Kids are talking by the door", "Dogs are sitting by the door"


@pytest.mark.parametrize(
    ("stem", "speaker", "sex", "source_emotion", "intensity", "text", "repetition"),
    [
        ("03-01-06-01-02-01-12", "ravdess/12", "female", "06", "normal", DOGS, "01"),
        ("03-01-01-01-01-02-01", "ravdess/01", "male", "01", "normal", KIDS, "02"),
        ("03-01-08-02-01-01-24", "ravdess/24", "female", "08", "strong", KIDS, "01"),
        ("03-01-03-01-02-02-07", "ravdess/07", "male", "03", "normal", DOGS, "02"),
        ("OAF_back_angry", "tess/OAF", "female", "angry", "", "back", ""),
        ("YAF_youth_ps", "tess/YAF", "female", "ps", "", "youth", ""),
        ("OAF_food_fear", "tess/OAF", "female", "fear", "", "food", ""),
        # The word "calm" is no emotion of TESS: the last word decides.
        ("OAF_calm_disgust", "tess/OAF", "female", "disgust", "", "calm", ""),
        # Published with a slip in the speaker's name.
        ("OA_bite_neutral", "tess/OAF", "female", "neutral", "", "bite", ""),
        # Other spellings of the same names keep their own id.
        ("yaf_Mouse_Happy", "tess/YAF", "female", "happy", "", "mouse", ""),
        ("EB0_anger_18", "nemo/EB0", "female", "anger", "", "18", ""),
        ("WR0_surprised_64", "nemo/WR0", "male", "surprised", "", "64", ""),
    ],
)
def test_a_published_name_says_who_speaks_and_how(
    stem: str, speaker: str, sex: str, source_emotion: str, intensity: str, text: str, repetition: str
) -> None:
    corpus = speaker.split("/")[0]
    expected = Clip(f"{corpus}/{stem}", corpus, speaker, sex, source_emotion, intensity, text, repetition)
    assert PUBLISHED[corpus].parse(stem) == expected


@pytest.mark.parametrize(
    ("corpus", "stem", "says"),
    [
        ("ravdess", "03-02-06-01-02-01-12", r"is a song \(channel 02\); take RAVDESS's speech archive"),
        ("ravdess", "01-02-06-01-02-01-12", "is a song"),
        ("ravdess", "02-01-06-01-02-01-12", r"modality 02 is unknown \(known: 03\)"),
        ("ravdess", "03-03-06-01-02-01-12", "channel 03 is unknown"),
        ("ravdess", "03-01-09-01-02-01-12", r"emotion 09 is unknown \(known: 01, .*, 08\)"),
        ("ravdess", "03-01-06-03-02-01-12", "intensity 03 is unknown"),
        ("ravdess", "03-01-06-01-03-01-12", "statement 03 is unknown"),
        ("ravdess", "03-01-06-01-02-03-12", "repetition 03 is unknown"),
        ("ravdess", "03-01-06-01-02-01-25", "actor 25 is unknown"),
        ("ravdess", "03-01-06-01-02-01-00", "actor 00 is unknown"),
        ("ravdess", "03-01-06-01-02-01", "is no RAVDESS name"),
        ("ravdess", "03-01-06-01-02-01-12-01", "is no RAVDESS name"),
        ("ravdess", "03-01-06-01-02-01-1²", "is no RAVDESS name"),
        ("ravdess", "OAF_back_angry", "is no RAVDESS name"),
        ("tess", "MAF_back_angry", "speaker MAF is unknown"),
        ("tess", "OAF_back_fearful", "emotion fearful is unknown"),
        ("tess", "OAF_angry", "is no TESS name"),
        ("tess", "OAF__angry", "is no TESS name"),
        ("tess", "03-01-06-01-02-01-12", "is no TESS name"),
        ("nemo", "EB1_anger_18", "is no nEMO name"),
        ("nemo", "XX0_anger_18", "speaker XX0 is unknown"),
        ("nemo", "EB0_angry_18", "emotion angry is unknown"),
    ],
)
def test_a_foreign_name_is_refused_by_name(corpus: str, stem: str, says: str) -> None:
    with pytest.raises(PipelineError, match=f"^{corpus}/{stem}: {says}"):
        PUBLISHED[corpus].parse(stem)


def test_what_may_be_shared() -> None:
    assert licence("ravdess").shareable
    assert not licence("tess").shareable
    assert not licence("mine").shareable  # as long as nobody says so


@pytest.mark.parametrize(("corpus", "clips", "speakers"), [("ravdess", 1440, 24), ("tess", 2800, 2), ("nemo", 901, 9)])
def test_all_published_names_are_read(corpus: str, clips: int, speakers: int) -> None:
    published = published_clips(corpus)
    assert len({clip.clip for clip in published}) == clips
    assert len({clip.speaker for clip in published}) == speakers
