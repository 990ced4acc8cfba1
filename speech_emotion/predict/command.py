"""The command `speech-emotion predict`: answers on standard output, what is wrong on standard error."""

import argparse
import io
import os
import signal
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import numpy as np

from speech_emotion.core.command import unforeseen
from speech_emotion.core.errors import PipelineError
from speech_emotion.predict import formats, timeline
from speech_emotion.predict.arguments import TIMELINE_ONLY
from speech_emotion.predict.inputs import find
from speech_emotion.predict.messages import Messages
from speech_emotion.predict.prediction import Moment, Prediction
from speech_emotion.predict.predictor import Predictor
from speech_emotion.predict.reading import Recording, Samples, recording
from speech_emotion.predict.session import cores
from speech_emotion.predict.sketch import Sketch

ANSWERED, SOME_FAILED = 0, 1
HEAD_ENDED = 128 + signal.SIGPIPE
ENROLLING_PAYS = 5  # clips


def run(args: argparse.Namespace) -> int:
    """Answer about `args.inputs` and return the exit code.

    Raises:
        PipelineError: options do not go together, there is no model, or a place cannot be written to.
        ModuleNotFoundError: a picture is asked for, and matplotlib is not installed.
    """
    _refuse_misfits(args)
    inputs = find(args.inputs)
    messages = Messages(len(inputs.recordings))
    for problem in inputs.problems:
        messages.problem(problem)
    for note in inputs.notes:
        messages.note(note)
    if (args.srt or args.audacity or args.picture) and len(inputs.recordings) > 1:
        raise PipelineError(f"--srt, --audacity and --picture are for one recording, not {len(inputs.recordings)}")
    try:
        if inputs.recordings:
            _answer_all(args, inputs.recordings, messages)
    except BrokenPipeError:
        return HEAD_ENDED
    finally:
        messages.clear()
    return SOME_FAILED if messages.failed else ANSWERED


def _refuse_misfits(args: argparse.Namespace) -> None:
    if sys.stdout is None:
        raise PipelineError("standard output: is closed; let it lead somewhere")
    if args.enrol and not args.enrol.is_dir():
        raise PipelineError(f"--enrol {args.enrol}: is no folder; name one with clips of the voice")
    if not args.timeline and (given := [name for name in TIMELINE_ONLY if getattr(args, name)]):
        raise PipelineError(f"--{given[0]} shows a recording over time; add --timeline")
    if args.picture:
        from speech_emotion.predict import picture  # before the work: matplotlib may be missing

        picture.require_writable(args.picture)


def _answer_all(args: argparse.Namespace, names: Sequence[str], messages: Messages) -> None:
    predictor = Predictor(args.model, threads=cores())
    if args.enrol:
        predictor = _adapted(predictor, args.enrol, messages)
    if args.picture:
        _draw(args.picture, names[0], predictor, messages)
    elif args.timeline:
        _print(_timeline_style(args)(_moments(names, predictor, messages)), messages)
    else:
        _print(_clip_style(args, names)(_answers(names, predictor, messages)), messages)


def _clip_style(args: argparse.Namespace, names: Sequence[str]) -> Callable[[formats.Answers], Iterator[str]]:
    if args.json:
        return formats.as_json
    if args.csv:
        return formats.as_csv
    return formats.as_table(names, args.top) if sys.stdout.isatty() else formats.as_lines(args.top)


def _timeline_style(args: argparse.Namespace) -> Callable[[timeline.NamedMoments], Iterator[str]]:
    styles = {
        "json": timeline.as_json,
        "csv": timeline.as_csv,
        "srt": timeline.as_srt,
        "audacity": timeline.as_audacity,
    }
    chosen = [style for name, style in styles.items() if getattr(args, name)]
    return chosen[0] if chosen else timeline.as_table if sys.stdout.isatty() else timeline.as_lines


def _answers(names: Sequence[str], predictor: Predictor, messages: Messages) -> Iterator[tuple[str, Prediction]]:
    for name in names:
        with _complaining(name, messages):
            with recording(name) as sound:
                answer = timeline.answer(predictor, sound)
            yield name, answer
        messages.advance()


def _moments(names: Sequence[str], predictor: Predictor, messages: Messages) -> Iterator[tuple[str, Moment]]:
    for name in names:
        with _complaining(name, messages), recording(name) as sound:
            for moment in _reaching(timeline.moments(predictor, sound), sound, messages):
                yield name, moment
        messages.advance()


def _draw(path: Path, name: str, predictor: Predictor, messages: Messages) -> None:
    from speech_emotion.predict import picture

    with _complaining(name, messages):
        with recording(name) as sound:
            sketch = Sketch(sound)
            watched = replace(sound, blocks=sketch.watch(sound.blocks))
            segments = list(timeline.segments(_reaching(timeline.moments(predictor, watched), sound, messages)))
        picture.draw(path, formats.printable(name), sketch, segments)


def _reaching(moments: Iterable[Moment], sound: Recording, messages: Messages) -> Iterator[Moment]:
    for moment in moments:
        messages.reach(moment.end_s / sound.duration_s)
        yield moment


@contextmanager
def _complaining(name: str, messages: Messages) -> Iterator[None]:
    """Say what is wrong with one recording, so that the others are answered."""
    try:
        yield
    except PipelineError as error:
        messages.problem(error)
    except Exception as error:
        messages.problem(PipelineError(f"{name}: {unforeseen(error)}"))


def _adapted(predictor: Predictor, folder: Path, messages: Messages) -> Predictor:
    found = find([str(folder)])
    for problem in found.problems:
        messages.problem(problem)
    predictor = predictor.adapted(_clips(found.recordings, messages))
    if (count := len(found.recordings)) < ENROLLING_PAYS:
        messages.note(f"--enrol {folder}: has {count} clips; adapting to a voice pays from about {ENROLLING_PAYS}")
    return predictor


def _clips(names: Sequence[str], messages: Messages) -> Iterator[tuple[Samples, int]]:
    for name in names:
        with _complaining(name, messages), recording(name) as sound:
            yield np.concatenate(list(sound.blocks)), sound.sample_rate


def _print(lines: Iterable[str], messages: Messages) -> None:
    if isinstance(sys.stdout, io.TextIOWrapper):  # a terminal may know fewer letters than a name has
        sys.stdout.reconfigure(errors="backslashreplace")
    for line in lines:
        messages.clear()
        try:
            print(line, flush=True)
        except OSError as error:
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # or Python would try again at its end
            if isinstance(error, BrokenPipeError):
                raise
            raise PipelineError(f"standard output: cannot be written ({error.strerror}); make space there") from error
