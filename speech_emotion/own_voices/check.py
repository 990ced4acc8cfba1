"""What would go wrong with a table of clips: each problem with the clips that have it."""

from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from difflib import get_close_matches
from itertools import chain

import pandas as pd
from joblib import Parallel, delayed

from speech_emotion.clips import EMOTIONS, PARTS
from speech_emotion.core.errors import PipelineError
from speech_emotion.corpora.clip_files import clip_name, corpus_files, is_audio
from speech_emotion.corpora.own import FOREIGN, NOBODY
from speech_emotion.own_voices.parts import parts_of
from speech_emotion.own_voices.recording import Recording, read_recording
from speech_emotion.own_voices.table import OwnTable, Row

SHORT_S, LONG_S = 0.3, 30.0  # less says little; Whisper's encoder hears no more
QUIET_DB, CLIPPED_SHARE = -55.0, 0.01
FEW = 10  # clips of an emotion
SEGMENT_S = 0.1  # an end that far before the file's is another one


@dataclass(frozen=True)
class Problem:
    """`what` is wrong, with the names that show it; it `fails` a stage, or is only to be known."""

    what: str
    names: tuple[str, ...]
    fails: bool


@dataclass(frozen=True)
class Checked:
    """A table, what its files hold by their row (those that can be read), and its problems, the worst first."""

    table: OwnTable
    recordings: Mapping[Row, Recording]
    problems: tuple[Problem, ...]

    @property
    def fails(self) -> bool:
        """Whether a stage would fail."""
        return any(problem.fails for problem in self.problems)


def check(table: OwnTable, labels: Mapping[str, str]) -> Checked:
    """Read every file of `table` and return what is wrong with it.

    Args:
        table: as it was read.
        labels: the table's own words -> one of the eight emotions, where they are others.

    Raises:
        PipelineError: `labels` name something that is no emotion.
    """
    if foreign := sorted(set(labels.values()) - set(EMOTIONS)):
        raise PipelineError(
            f"emotion '{foreign[0]}' is unknown{_similar(foreign[0])}; take one of {', '.join(EMOTIONS)}"
        )
    # Threads: libsndfile and hashlib work without the interpreter's lock.
    read = Parallel(n_jobs=-1, prefer="threads")(delayed(read_recording)(row.file) for row in table.rows)
    found = dict(zip(table.rows, read, strict=True))
    recordings = {row: one for row, one in found.items() if isinstance(one, Recording)}
    problems = chain(
        _of_table(table, labels),
        _of_files({row.path: one for row, one in found.items() if isinstance(one, str)}),
        _of_speakers(table.rows),
        _of_copies(recordings, labels),
        _of_sound(recordings),
        _of_counts(table.rows, labels),
    )
    return Checked(table, recordings, tuple(sorted(problems, key=lambda problem: not problem.fails)))


def unknown_words(rows: Sequence[Row], labels: Mapping[str, str]) -> dict[str, str]:
    """Return the words that are no emotion and that `labels` do not map, each with the most similar emotion or ""."""
    words = sorted({row.emotion for row in rows} - {""} - set(labels) - set(EMOTIONS))
    return {word: _closest(word) for word in words}


def _of_table(table: OwnTable, labels: Mapping[str, str]) -> Iterator[Problem]:
    rows, names = table.rows, table.names()
    yield from _problem("rows have no emotion; add it, or take them out", [_at(row) for row in rows if not row.emotion])
    unknown = [f"{word}{_similar(word)}" for word in unknown_words(rows, labels)]
    yield from _problem("label words are none of the eight emotions; map them with --label WORD=EMOTION", unknown)
    twice = [name for name, count in Counter(names).items() if count > 1]
    yield from _problem("clips have several rows; keep one a clip", twice)
    there = {clip_name(file.relative_to(table.folder)) for file in corpus_files(table.folder) if is_audio(file)}
    without = sorted(there - set(names))
    yield from _problem("recordings beside them have no row; add rows, or move them elsewhere", without)
    other = sorted({row.sex for row in rows} - {"", "female", "male"})
    yield from _problem("words for sex are neither female nor male; scores by sex will have them", other, fails=False)
    yield from _problem("columns are ignored", table.ignored, fails=False)


def _of_files(broken: Mapping[str, str]) -> Iterator[Problem]:
    yield from _problem(
        "files cannot be used; mend them, or take their rows out", [f"{p} {w}" for p, w in broken.items()]
    )


def _of_speakers(rows: Sequence[Row]) -> Iterator[Problem]:
    names = sorted({row.speaker for row in rows})
    wrong = [name for name in names if FOREIGN.search(name)]
    yield from _problem("speakers become names of files; leave out / \\ : and a first .", wrong)
    foreign = [f"{_at(row)}: {row.part}" for row in rows if row.part not in ("", *PARTS)]
    yield from _problem(f"rows have a part that is none of {', '.join(PARTS)}", foreign)
    told = sum(bool(row.part) for row in rows)
    if 0 < told < len(rows):
        yield from _problem("rows have no part, where others have one", [_at(row) for row in rows if not row.part])
    parts = {name: sorted({row.part for row in rows if row.speaker == name}) for name in names}
    leaking = [f"{name or NOBODY} in {' and '.join(its)}" for name, its in parts.items() if len(its) > 1]
    yield from _problem("speakers are in two parts; give all clips of a speaker one part", leaking)
    nobody = [_at(row) for row in rows if not row.speaker]
    yield from _problem("rows have no speaker: they count as one voice, and go to one part", nobody, fails=False)


def _of_copies(recordings: Mapping[Row, Recording], labels: Mapping[str, str]) -> Iterator[Problem]:
    groups: dict[bytes, list[Row]] = defaultdict(list)
    for row, recording in recordings.items():
        groups[recording.digest].append(row)
    copies = [rows for rows in groups.values() if len({row.file for row in rows}) > 1]
    part = {speaker: name for name, speakers in parts_of(list(recordings)).items() for speaker in speakers}

    def named(chosen: Iterator[list[Row]]) -> list[str]:
        return [" = ".join(row.path for row in rows) for rows in chosen]

    leaks = named(rows for rows in copies if len({part.get(row.speaker or NOBODY) for row in rows}) > 1)
    yield from _problem("recordings are the same under speakers of different parts; keep one of each", leaks)
    torn = named(rows for rows in copies if len({labels.get(row.emotion, row.emotion) for row in rows}) > 1)
    yield from _problem("recordings are the same under different emotions; keep the right one", torn)
    yield from _problem("recordings are there several times", named(iter(copies)), fails=False)


def _of_sound(recordings: Mapping[Row, Recording]) -> Iterator[Problem]:
    parts = [row.path for row, one in recordings.items() if _is_segment(row, one)]
    yield from _problem("rows are about a part of a file; write each part to a file of its own", parts)
    odd: dict[str, Callable[[Recording], bool]] = {
        f"clips are shorter than {SHORT_S} s": lambda one: one.duration_s < SHORT_S,
        f"clips are longer than {LONG_S:g} s: the speech encoder hears the middle": lambda one: one.duration_s > LONG_S,
        f"clips are quieter than {QUIET_DB:g} dB": lambda one: one.level_db < QUIET_DB,
        f"clips have over {CLIPPED_SHARE:.0%} of their samples at full scale": lambda one: one.clipped > CLIPPED_SHARE,
    }
    for what, is_odd in odd.items():
        yield from _problem(what, [row.path for row, one in recordings.items() if is_odd(one)], fails=False)


def _of_counts(rows: Sequence[Row], labels: Mapping[str, str]) -> Iterator[Problem]:
    counts = Counter(labels.get(row.emotion, row.emotion) for row in rows)
    few = [f"{emotion} {counts[emotion]}" for emotion in EMOTIONS if 0 < counts[emotion] < FEW]
    yield from _problem(f"emotions have fewer than {FEW} clips", few, fails=False)
    absent = [emotion for emotion in EMOTIONS if not counts[emotion] and not unknown_words(rows, labels)]
    yield from _problem("of the eight emotions have no clip", absent, fails=False)


def _is_segment(row: Row, recording: Recording) -> bool:
    start_s, end_s = _seconds(row.start, 0), _seconds(row.end, recording.duration_s)
    return start_s > 0 or end_s < recording.duration_s - SEGMENT_S


def _seconds(written: str, absent: float) -> float:
    """Return a time such as `0 days 00:00:01.5`, as audformat writes it, or `1.5`, in s."""
    with suppress(ValueError):
        return float(written)
    time = pd.to_timedelta(written or None, errors="coerce")
    return absent if pd.isna(time) else float(time.total_seconds())


def _problem(what: str, names: Collection[str], *, fails: bool = True) -> Iterator[Problem]:
    if names:
        yield Problem(f"{len(names)} {what}", tuple(names), fails)


def _at(row: Row) -> str:
    return f"line {row.line}"


def _closest(word: str) -> str:
    return next(iter(get_close_matches(word.lower(), EMOTIONS, n=1, cutoff=0.5)), "")


def _similar(word: str) -> str:
    return f" (is it {_closest(word)}?)" if _closest(word) else ""
