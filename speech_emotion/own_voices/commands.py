"""The commands `check-corpus`, `add-corpus`, `remove-corpus` and `record`."""

import argparse
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from speech_emotion.core.errors import PipelineError

Add = Callable[..., Callable[..., Any]]
FAILED = 1


def register(add: Add) -> None:
    """Add the commands to the command line: `add` takes name, function and help, and returns what adds an argument."""
    for name, run, text in (
        ("check-corpus", _check, "say what would go wrong with a table of clips: path, emotion[, speaker, sex, ...]"),
        ("add-corpus", _add, "add a folder of clips with a table as a corpus of the pipeline"),
        ("remove-corpus", _remove, "take out a corpus that add-corpus added"),
    ):
        argument = add(name, run, text)
        if name != "check-corpus":
            argument("name", metavar="NAME", help="of the corpus: small letters, digits and _")
        if name != "remove-corpus":
            argument("table", type=Path, metavar="CSV", help="beside the clips, in UTF-8; see docs/own_voices.md")
            argument(
                "--label",
                action="append",
                default=[],
                metavar="WORD=EMOTION",
                help="what a word of the table means, e.g. anger=angry (may be given again)",
            )
    argument = add("record", _record, "record a corpus at the microphone: clips and their table", extra="record")
    argument("folder", type=Path, metavar="DIR", help="new, or one that this command began: it goes on there")
    argument("--speaker", required=True, help="who speaks, e.g. eva")
    argument("--sex", choices=("female", "male"), default="", help="of the speaker, for scores by sex")
    argument("--sentence", action="append", metavar="TEXT", help="what is said (may be given again; default: two)")
    argument("--emotion", action="append", metavar="EMOTION", help="only this one (may be given again; default: all 8)")
    argument("--seconds", type=float, default=3.0, help="of each clip (default: 3)")


def _check(args: argparse.Namespace) -> int:
    from rich.console import Console

    from speech_emotion.own_voices.check import check, unknown_words
    from speech_emotion.own_voices.report import print_check
    from speech_emotion.own_voices.table import read_table

    table, labels = read_table(args.table), _labels(args.label)
    checked = check(table, labels)
    print_check(checked, labels, Console())
    if unknown := unknown_words(table.rows, labels):
        print("add", *(f"--label {word}={emotion or '?'}" for word, emotion in unknown.items()))
    return FAILED if checked.fails else 0


def _add(args: argparse.Namespace) -> int:
    from speech_emotion.own_voices.add import add_corpus
    from speech_emotion.own_voices.check import check
    from speech_emotion.own_voices.table import read_table

    table, labels = read_table(args.table), _labels(args.label)
    parts = add_corpus(args.name, check(table, labels), labels)
    print(f"{args.name}: {len(table.rows)} clips, in data/manifests/{args.name}.csv, params.yaml and dvc.yaml")
    for part, speakers in parts.items():
        print(f"{part}: {', '.join(speakers) or 'nobody'}")
    print("`dvc repro` takes it through all stages; `split.speakers` in params.yaml moves speakers to other parts")
    return 0


def _remove(args: argparse.Namespace) -> int:
    from speech_emotion.own_voices.add import remove_corpus

    remove_corpus(args.name)
    print(f"{args.name}: taken out of data/manifests, params.yaml and dvc.yaml; `dvc repro` trains without it")
    print(f"what the stages made of it is left: data/raw/{args.name}, data/spectrograms/*/{args.name}")
    return 0


def _record(args: argparse.Namespace) -> int:
    from speech_emotion.clips import EMOTIONS
    from speech_emotion.own_voices.microphone import Microphone
    from speech_emotion.own_voices.record import SENTENCES, TABLE, Session, record

    session = Session(args.speaker, args.sex, args.sentence or SENTENCES, args.emotion or EMOTIONS, args.seconds)
    written = record(args.folder, session, Microphone(), input)
    print(f"{args.folder}: {written} clips more; next: speech-emotion check-corpus {args.folder / TABLE}")
    return 0


def _labels(pairs: Sequence[str]) -> dict[str, str]:
    """Return `WORD=EMOTION` as a mapping.

    Raises:
        PipelineError: one has another form.
    """
    words = [pair.rpartition("=") for pair in pairs]
    if wrong := [pair for pair, (word, _, emotion) in zip(pairs, words, strict=True) if not word or not emotion]:
        raise PipelineError(f"--label {wrong[0]}: is not WORD=EMOTION, such as anger=angry")
    return {word: emotion for word, _, emotion in words}
