"""A corpus made at the microphone: emotion and sentence are shown, recorded, played back, written with their row."""

import csv
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from io import StringIO
from itertools import product
from pathlib import Path

import numpy as np
import soundfile

from speech_emotion.clips import EMOTIONS
from speech_emotion.core.errors import PipelineError
from speech_emotion.core.files import replacing, write_text
from speech_emotion.own_voices.microphone import Sound, Waveform

TABLE = "clips.csv"
COLUMNS = ("path", "emotion", "speaker", "sex", "intensity", "text")
SENTENCES = ("The train leaves at half past nine.", "My keys are on the kitchen table.")
SPEAKER = re.compile(r"\w[\w -]*")
SILENT_DB = -55.0  # root mean square; below it, nothing was said or the microphone is off
KEEP, AGAIN, STOP = "", "r", "q"
Ask = Callable[[str], str]


@dataclass(frozen=True)
class Session:
    """Who speaks, what, and how long each clip is."""

    speaker: str
    sex: str
    sentences: Sequence[str]
    emotions: Sequence[str]
    duration_s: float


def record(folder: Path, session: Session, sound: Sound, ask: Ask) -> int:
    """Record what `folder` lacks of `session`, clip by clip, and return how many were written.

    A clip and its row are written when it is kept, so that a session can be stopped and gone on with at any time.

    Args:
        folder: gets `SPEAKER/EMOTION_N.wav` and `clips.csv`.
        session: what is to be recorded.
        sound: records and plays.
        ask: shows a line and returns what was typed.

    Raises:
        PipelineError: the speaker's name is no file's, an emotion is none of the eight, or the table has other columns.
    """
    _refuse_wrong(session)
    rows = _read_rows(folder / TABLE)
    wanted = [(path, one) for path, one in _wanted(session) if path not in {row["path"] for row in rows}]
    for count, (path, (sentence, emotion)) in enumerate(wanted):
        print(f"\n{count + 1} of {len(wanted)}   {emotion.upper()}   {sentence}")
        waveform = _take(session.duration_s, sound, ask)
        if waveform is None:
            return count
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        with replacing(folder / path) as temporary:
            soundfile.write(temporary, waveform, sound.sample_rate, subtype="PCM_16", format="WAV")
        said = (path, emotion, session.speaker, session.sex, "", sentence)
        rows.append(dict(zip(COLUMNS, said, strict=True)))
        _write_rows(folder / TABLE, rows)
    return len(wanted)


def _wanted(session: Session) -> Iterator[tuple[str, tuple[str, str]]]:
    for (number, sentence), emotion in product(enumerate(session.sentences, 1), session.emotions):
        yield f"{session.speaker}/{emotion}_{number}.wav", (sentence, emotion)


def _take(duration_s: float, sound: Sound, ask: Ask) -> Waveform | None:
    """Return what is kept, or None where the session is to stop."""
    while ask(f"Enter: record {duration_s:g} s, {STOP}: stop > ").strip().lower() != STOP:
        waveform = sound.record(duration_s)
        level_db = 10 * np.log10(max(float(np.square(waveform).mean()), 1e-10))
        if level_db < SILENT_DB:
            print(f"nothing was heard ({level_db:.0f} dB): is the microphone on?")
            continue
        sound.play(waveform)
        answer = ask(f"{level_db:.0f} dB. Enter: keep, {AGAIN}: record again, {STOP}: stop > ").strip().lower()
        if answer == KEEP:
            return waveform
        if answer == STOP:
            return None
    return None


def _refuse_wrong(session: Session) -> None:
    if not SPEAKER.fullmatch(session.speaker):
        raise PipelineError(f"speaker {session.speaker!r}: becomes a folder's name; take letters, digits, - and _")
    if foreign := [emotion for emotion in session.emotions if emotion not in EMOTIONS]:
        raise PipelineError(f"emotion {foreign[0]!r}: is unknown; take some of {', '.join(EMOTIONS)}")


def _read_rows(table: Path) -> list[dict[str, str]]:
    if not table.exists():
        return []
    with table.open(encoding="utf-8", newline="") as lines:
        reader = csv.DictReader(lines)
        if tuple(reader.fieldnames or ()) != COLUMNS:
            raise PipelineError(f"{table}: has other columns than {', '.join(COLUMNS)}; name another folder")
        return list(reader)


def _write_rows(table: Path, rows: Sequence[dict[str, str]]) -> None:
    text = StringIO(newline="")
    writer = csv.DictWriter(text, COLUMNS, lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    write_text(table, text.getvalue())
