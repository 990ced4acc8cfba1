"""Write what README and model card say about results, from `metrics/`: `python -m tools.report.write`.

No DVC stage: it shows the benchmark where that has run, and DVC has no dependency that may be absent. A test compares
both files with what this writes. The words are in the templates beside this file.
"""

import argparse
from collections.abc import Sequence
from pathlib import Path

from speech_emotion.clips import EMOTIONS
from speech_emotion.core.command import run
from speech_emotion.core.errors import PipelineError
from speech_emotion.core.files import write_text
from speech_emotion.core.params import read_settings
from speech_emotion.scores.revisions import encoders, read_working_tree
from speech_emotion.splits.protocols import SplitSettings
from tools.report.figures import encoder_figures, own_corpora, read_benchmark, read_who_is_right
from tools.report.pages import render
from tools.report.protocol import protocol_in_words

PARAMS, BENCHMARK = Path("params.yaml"), Path("metrics/benchmark.json")
MANIFESTS = Path("data/manifests")
WHO_IS_RIGHT = Path("metrics/fusion/who_is_right.csv")
README, MODEL_CARD = Path("README.md"), Path("metrics/MODEL_CARD.md")
BEGIN, END = "<!-- begin results -->", "<!-- end results -->"


def main(argv: Sequence[str] | None = None) -> None:
    """Write the README's results section and the model card."""
    argparse.ArgumentParser(description=main.__doc__).parse_args(argv)
    for path, text in pages().items():
        write_text(path, text)
        print(f"{path}: written from metrics/")


def pages() -> dict[Path, str]:
    """Return both files' content by path.

    Raises:
        PipelineError: results are missing or damaged, or the README has no place for them.
    """
    figures = {
        "protocol": protocol_in_words(read_settings(PARAMS, "split", SplitSettings)),
        "encoders": [encoder_figures(read_working_tree(encoder), PARAMS) for encoder in encoders()],
        "corpora": own_corpora(PARAMS, MANIFESTS),
        "benchmark": read_benchmark(BENCHMARK),
        "who_is_right": read_who_is_right(WHO_IS_RIGHT),
        "emotions": EMOTIONS,
    }
    section, card = (render(Path(__file__).with_name(f"{name}.md.j2"), figures) for name in ("results", "model_card"))
    try:
        readme = README.read_text(encoding="utf-8")
    except OSError as error:
        raise PipelineError(f"{README}: cannot be read ({error.strerror}); run in the project's root") from error
    return {README: filled(readme, section), MODEL_CARD: card}


def filled(page: str, section: str) -> str:
    """Return `page` with `section` between the marks.

    Raises:
        PipelineError: the marks are not there once each, in order.
    """
    before, begin, rest = page.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end or BEGIN in after or END in before or END in after:
        raise PipelineError(f"README.md: needs the lines '{BEGIN}' and '{END}' once each, in this order; put them in")
    return f"{before}{BEGIN}\n{section}{END}{after}"


if __name__ == "__main__":
    run(main)
