"""Complete copies pass; what is missing or surplus is named."""

from dataclasses import replace

import pytest

from speech_emotion.corpora import Clip, parse_clip
from speech_emotion.errors import PipelineError
from speech_emotion.fetching.design import RavdessDesign, TessDesign, check_design, design_type
from tests.published import published_clips

RAVDESS = RavdessDesign(speakers=24, emotions=8, intensities=2, statements=2, repetitions=2)
TESS = TessDesign(speakers=2, emotions=7, words=200)


@pytest.fixture(scope="module")
def ravdess() -> list[Clip]:
    return published_clips("ravdess")


@pytest.fixture(scope="module")
def tess() -> list[Clip]:
    return published_clips("tess")


def test_the_published_corpora_are_complete(ravdess: list[Clip], tess: list[Clip]) -> None:
    check_design(ravdess, RAVDESS)
    check_design(tess, TESS)


def test_a_smaller_corpus_passes_its_own_design(ravdess: list[Clip], tess: list[Clip]) -> None:
    actors = [clip for clip in ravdess if clip.speaker in ("ravdess/07", "ravdess/08", "ravdess/21")]
    check_design(actors, replace(RAVDESS, speakers=3))
    words = [clip for clip in tess if clip.text in ("back", "youth")]
    check_design(words, replace(TESS, words=2))


def test_missing_clips_are_named_as_published(ravdess: list[Clip], tess: list[Clip]) -> None:
    lost = "ravdess/03-01-05-02-01-02-18"
    with pytest.raises(PipelineError, match=f"^ravdess: 1 missing: {lost}; get a complete copy"):
        check_design([clip for clip in ravdess if clip.clip != lost], RAVDESS)
    # The published slip is found by what it is: a neutral "bite" of OAF.
    with pytest.raises(PipelineError, match=r"^tess: 1 missing: tess/OAF_bite_neutral; "):
        check_design([clip for clip in tess if clip.clip != "tess/OA_bite_neutral"], TESS)


def test_a_whole_actor_that_is_missing_is_named(ravdess: list[Clip]) -> None:
    with pytest.raises(PipelineError, match=r"60 missing: (ravdess/[0-9-]+-18, ){4}ravdess/[0-9-]+-18 and 55 more; "):
        check_design([clip for clip in ravdess if clip.speaker != "ravdess/18"], RAVDESS)


def test_a_word_that_is_missing_altogether_is_counted(tess: list[Clip]) -> None:
    with pytest.raises(PipelineError, match="tess: 199 words found, 200 expected"):
        check_design([clip for clip in tess if clip.text != "mouse"], TESS)


@pytest.mark.parametrize(
    ("corpus", "stem", "named"),
    [
        ("ravdess", "03-01-01-02-01-01-01", "03-01-01-02-01-01-01"),  # neutral has no strong intensity
        ("ravdess", "03-01-05-01-01-01-01", "03-01-05-01-01-01-01"),  # a second file of the same name
        ("tess", "OAF_mousse_happy", "OAF_mousse_happy"),  # a word too many
        ("tess", "OAF_bite_neutral", "OA_bite_neutral"),  # both spellings of one clip
    ],
)
def test_surplus_clips_are_named(corpus: str, stem: str, named: str, ravdess: list[Clip], tess: list[Clip]) -> None:
    clips, design = (ravdess, RAVDESS) if corpus == "ravdess" else (tess, TESS)
    with pytest.raises(PipelineError, match=f"^{corpus}: 1 surplus: {corpus}/{named}; "):
        check_design([*clips, parse_clip(corpus, stem)], design)


def test_missing_and_surplus_are_told_together(tess: list[Clip]) -> None:
    clips = [clip for clip in tess if clip.clip != "tess/YAF_dog_sad"] + [parse_clip("tess", "YAF_dogg_sad")]
    with pytest.raises(PipelineError, match="1 missing: tess/YAF_dog_sad; 1 surplus: tess/YAF_dogg_sad; "):
        check_design(clips, TESS)


def test_nothing_at_all_is_no_corpus() -> None:
    with pytest.raises(PipelineError, match=r"1440 missing: .* and 1435 more"):
        check_design([], RAVDESS)


def test_each_corpus_has_its_design() -> None:
    assert (design_type("ravdess"), design_type("tess")) == (RavdessDesign, TessDesign)
    with pytest.raises(PipelineError, match="corpus 'emodb' has no known design"):
        design_type("emodb")
