"""What a complete copy of a corpus holds: every combination of speaker, emotion, text and so on, once."""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from itertools import product

from speech_emotion.corpora import RAVDESS_CODES, RAVDESS_INTENSITIES, RAVDESS_STATEMENTS, TESS_EMOTIONS, Clip
from speech_emotion.errors import PipelineError, listed


@dataclass(frozen=True)
class RavdessDesign:
    """How many of each RAVDESS holds; neutral has no strong intensity."""

    speakers: int
    emotions: int
    intensities: int
    statements: int
    repetitions: int


@dataclass(frozen=True)
class TessDesign:
    """How many of each TESS holds."""

    speakers: int
    emotions: int
    words: int


Design = RavdessDesign | TessDesign
Combination = tuple[str, ...]


@dataclass(frozen=True)
class _Scheme:
    design: type[RavdessDesign] | type[TessDesign]
    fields: Mapping[str, str]  # field of the design -> field of Clip
    published: Mapping[str, tuple[str, ...]]  # every level of a factor that the published corpus has
    name: Callable[[Combination], str]  # the combination as a clip id


def design_type(corpus: str) -> type[RavdessDesign] | type[TessDesign]:
    """Return the dataclass of `params.corpora.<corpus>.design`.

    Raises:
        PipelineError: `corpus` has no naming scheme.
    """
    if corpus not in SCHEMES:
        raise PipelineError(f"corpus '{corpus}' has no known design; name it one of {', '.join(SCHEMES)}")
    return SCHEMES[corpus].design


def check_design(clips: Sequence[Clip], design: Design) -> None:
    """Check that `clips` of one corpus are every combination that `design` counts, each of them once.

    Raises:
        PipelineError: names what is missing or surplus, or the factor that has too few levels.
    """
    corpus, scheme = next(pair for pair in SCHEMES.items() if pair[1].design is type(design))
    counts = asdict(design)
    levels = [_levels(scheme, factor, count, clips) for factor, count in counts.items()]
    problems = [
        f"{len(found)} {factor} found, {count} expected"
        for found, (factor, count) in zip(levels, counts.items(), strict=True)
        if len(found) < count
    ]
    expected = {combination for combination in product(*levels) if not _is_strong_neutral(combination)}
    problems += _differences(scheme, expected, clips)
    if problems:
        raise PipelineError(
            f"{corpus}: {'; '.join(problems)}; get a complete copy, or describe yours in corpora.{corpus}.design"
        )


def _levels(scheme: _Scheme, factor: str, count: int, clips: Sequence[Clip]) -> list[str]:
    # A smaller corpus may have any speakers or words: those that most clips have, so that a stray name is surplus.
    if count == len(scheme.published.get(factor, ())):
        return list(scheme.published[factor])
    found = Counter(sorted(getattr(clip, scheme.fields[factor]) for clip in clips))
    return [level for level, _ in found.most_common(count)]


def _is_strong_neutral(combination: Combination) -> bool:
    return combination[1:3] == ("01", "strong")


def _differences(scheme: _Scheme, expected: set[Combination], clips: Sequence[Clip]) -> Iterator[str]:
    found: dict[Combination, list[str]] = {}
    for clip in clips:
        combination = tuple(getattr(clip, field) for field in scheme.fields.values())
        found.setdefault(combination, []).append(clip.clip)
    missing = [scheme.name(combination) for combination in expected - found.keys()]
    surplus = [clip for key, same in found.items() for clip in sorted(same)[1 if key in expected else 0 :]]
    for what, names in (("missing", missing), ("surplus", surplus)):
        if names:
            yield f"{len(names)} {what}: {listed(sorted(names))}"


def _ravdess_name(combination: Combination) -> str:
    speaker, emotion, intensity, text, repetition = combination
    corpus, actor = speaker.split("/")
    codes = (_code(RAVDESS_INTENSITIES, intensity), _code(RAVDESS_STATEMENTS, text))
    return f"{corpus}/{'-'.join(('03', '01', emotion, *codes, repetition, actor))}"


def _code(meanings: Mapping[str, str], meaning: str) -> str:
    return next(code for code, known in meanings.items() if known == meaning)


def _tess_name(combination: Combination) -> str:
    speaker, emotion, word = combination
    return f"{speaker}_{word}_{emotion}"


SCHEMES: Mapping[str, _Scheme] = {
    "ravdess": _Scheme(
        RavdessDesign,
        {
            "speakers": "speaker",
            "emotions": "source_emotion",
            "intensities": "intensity",
            "statements": "text",
            "repetitions": "repetition",
        },
        {
            "speakers": tuple(f"ravdess/{actor}" for actor in RAVDESS_CODES["actor"]),
            "emotions": RAVDESS_CODES["emotion"],
            "intensities": tuple(RAVDESS_INTENSITIES.values()),
            "statements": tuple(RAVDESS_STATEMENTS.values()),
            "repetitions": RAVDESS_CODES["repetition"],
        },
        _ravdess_name,
    ),
    "tess": _Scheme(
        TessDesign,
        {"speakers": "speaker", "emotions": "source_emotion", "words": "text"},
        {"speakers": ("tess/OAF", "tess/YAF"), "emotions": TESS_EMOTIONS},
        _tess_name,
    ),
}
