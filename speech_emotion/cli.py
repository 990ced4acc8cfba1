"""The command `speech-emotion`. Each subcommand imports what it needs when it runs, so that `--help` is instant."""

import argparse
import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from speech_emotion.app import arguments as app
from speech_emotion.core.command import INTERRUPTED, unforeseen
from speech_emotion.core.errors import PipelineError
from speech_emotion.own_voices import commands as own_voices
from speech_emotion.predict import arguments as predict

FAILED, ERROR = 1, 2
LABELS, SPECTROGRAMS = Path("data/labels.csv"), Path("data/spectrograms/image")


def main(argv: Sequence[str] | None = None) -> int:
    """Run one subcommand and return its exit code: 0, 1 where a check or a recording failed, 2 on any error, 130."""
    if sys.stderr is None:  # closed by the caller: the next file that is opened would be it
        sys.stderr = open(os.devnull, "w")  # noqa: SIM115, PTH123
    args = _parser().parse_args(argv)
    try:
        return int(args.run(args))
    except PipelineError as error:
        print(f"error: {error}", file=sys.stderr)
        return ERROR
    except ModuleNotFoundError as error:
        needs = f"{error.name} is not installed; pip install 'speech-emotion[{args.extra}]'"
        print(f"error: this command needs more than the base: {needs}", file=sys.stderr)
        return ERROR
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
        return INTERRUPTED
    except Exception as error:
        print(f"error: {unforeseen(error)}", file=sys.stderr)
        return ERROR


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="speech-emotion",
        description="Emotion in voices: ask about recordings, compare and look into the pipeline.",
    )
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    def add(name: str, run: Callable[[argparse.Namespace], int], text: str, extra: str = "train") -> Callable[..., Any]:
        command = commands.add_parser(name, help=text, description=text)
        command.set_defaults(run=run, extra=extra)
        return command.add_argument

    add("predict", _predict, "name the emotion in recordings", extra="picture")
    predict.add_arguments(commands.choices["predict"])
    add("app", _app, "open a page that listens to the microphone or takes a file", extra="app")
    app.add_arguments(commands.choices["app"])
    option = add(
        "completion",
        _completion,
        "print a script that completes this command's options in a shell",
        extra="completion",
    )
    option(
        "shell",
        choices=("bash", "zsh", "fish", "tcsh"),
        help="for example: speech-emotion completion bash >> ~/.bashrc",
    )
    option = add(
        "compare", _compare, "say whether the working tree's model is better than a revision's (paired bootstrap)"
    )
    option("revision", nargs="?", metavar="REV", help="default: main, or HEAD when main is checked out")
    option("--encoder", help="compare this one alone, e.g. image (default: all that both sides have)")
    style = commands.choices["compare"].add_mutually_exclusive_group()
    style.add_argument("--md", action="store_true", help="print Markdown")
    style.add_argument("--json", action="store_true", help="print JSON")
    worse = "exit with 1 if an unweighted average recall fell by more than POINTS (percentage points)"
    option("--fail-if-worse", type=_points, metavar="POINTS", help=worse)
    option = add(
        "export-images",
        _export_images,
        "write the cached spectrograms as 432 x 288 PNG pictures, a folder an emotion",
    )
    option("folder", type=Path, metavar="DIR", help="new, empty, or written by this command: replaced")
    option("--corpus", action="append", help="only this corpus, e.g. ravdess (may be given again)")
    own_voices.register(add)
    return parser


def _predict(args: argparse.Namespace) -> int:
    from speech_emotion.predict import command

    return command.run(args)


def _app(args: argparse.Namespace) -> int:
    from speech_emotion.app import server

    return server.run(args)


def _completion(args: argparse.Namespace) -> int:
    import shtab

    parser = _parser()
    [commands] = (one for one in parser._actions if isinstance(one, argparse._SubParsersAction))
    for action in (one for command in commands.choices.values() for one in command._actions):
        if action.type is Path or action.dest == "inputs":
            action.complete = shtab.FILE
    print(shtab.complete(parser, args.shell))
    return 0


def _compare(args: argparse.Namespace) -> int:
    from rich.console import Console

    from speech_emotion.scores import comparison_report, revisions
    from speech_emotion.scores.compare import compare

    revision = args.revision or revisions.base_revision()
    comparisons = [
        compare(revisions.read_revision(revision, encoder), revisions.read_working_tree(encoder))
        for encoder in ([args.encoder] if args.encoder else revisions.common_encoders(revision))
    ]
    if args.json:
        sys.stdout.write(comparison_report.to_json(comparisons))
    for comparison in [] if args.json else comparisons:
        if args.md:
            print(comparison_report.to_markdown(comparison))
        else:
            comparison_report.print_table(comparison, Console())
    # Rounded: a fall of exactly the limit passes, whatever the last binary digit says.
    falls = {comparison.encoder: -round(comparison.uar.points, 6) for comparison in comparisons}
    limit = args.fail_if_worse
    worse = {encoder: fall for encoder, fall in falls.items() if limit is not None and fall > limit}
    for encoder, fall in worse.items():
        print(f"worse: {encoder}'s UAR fell by {fall:.2f} points, more than {limit:g}", file=sys.stderr)
    return FAILED if worse else 0


def _export_images(args: argparse.Namespace) -> int:
    from speech_emotion.clips import read_labels
    from speech_emotion.scores import images
    from speech_emotion.shards import read_shards

    labels = images.of_corpora(read_labels(LABELS), args.corpus)
    mels = read_shards(SPECTROGRAMS / corpus for corpus in labels["corpus"].unique())
    cut = images.export_images(args.folder, labels, mels)
    print(
        f"{args.folder}: {len(labels)} pictures; {cut} clips are longer than {images.WINDOW_S} s, their end is cut off"
    )
    print(*images.licences(labels), sep="\n")
    return 0


def _points(text: str) -> float:
    points = float(text)
    if not 0 <= points <= 100:
        raise ValueError(text)
    return points


if __name__ == "__main__":
    sys.exit(main())
