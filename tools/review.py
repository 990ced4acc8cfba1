"""What changed between a revision and the working tree, as Markdown for a review."""

import argparse
import subprocess
import sys
from collections.abc import Sequence

from speech_emotion.core.command import run
from speech_emotion.core.errors import PipelineError
from speech_emotion.scores.compare import compare
from speech_emotion.scores.comparison_report import to_markdown
from speech_emotion.scores.revisions import read_revision, read_working_tree

HEADER_LINES = 2


def review(revision: str) -> str:
    """Return the changed parameters and metrics, and the verdict of `compare` (or why there is none).

    Raises:
        PipelineError: DVC fails, for instance because there is no such revision.
    """
    sections = {
        "Parameters": _diff("params", revision),
        "Metrics": _diff("metrics", revision),
        "Is the difference real?": _verdict(revision),
    }
    return "\n".join(f"## {title}\n\n{text.strip()}\n" for title, text in sections.items())


def _diff(what: str, revision: str) -> str:
    command = (sys.executable, "-m", "dvc", what, "diff", revision, "--md")
    ended = subprocess.run(command, capture_output=True, text=True)
    if ended.returncode:
        raise PipelineError(f"`dvc {what} diff {revision}` ended with {ended.returncode}: {ended.stderr.strip()}")
    changes = ended.stdout.strip().splitlines()[HEADER_LINES:]
    return ended.stdout if changes else "No change."


def _verdict(revision: str) -> str:
    try:
        return to_markdown(compare(read_revision(revision), read_working_tree()))
    except PipelineError as error:
        # The rest of the review holds: the first results of a repository have nothing to be compared with.
        return f"Not compared: {error}"


def main(argv: Sequence[str] | None = None) -> None:
    """Compare the working tree with a revision."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("revision")
    sys.stdout.write(review(parser.parse_args(argv).revision))


if __name__ == "__main__":
    run(main)
