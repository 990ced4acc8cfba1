"""Write what README and model card say about results, from `metrics/`: `python -m tools.report.write`.

No DVC stage: it shows the benchmark where that has run, and DVC has no dependency that may be absent. A test compares
both files with what this writes.
"""

import argparse
from collections.abc import Sequence
from pathlib import Path

from speech_emotion.core.command import run
from speech_emotion.core.errors import PipelineError
from speech_emotion.core.files import write_text
from speech_emotion.core.params import read_section, read_settings
from speech_emotion.scores.revisions import read_working_tree
from speech_emotion.splits.protocols import SplitSettings
from tools.report.benchmark_summary import read_benchmark
from tools.report.breakdown import described
from tools.report.model_card import model_card
from tools.report.results import Report, filled, results_section

PARAMS, BENCHMARK = Path("params.yaml"), Path("metrics/benchmark.json")
README, MODEL_CARD = Path("README.md"), Path("metrics/MODEL_CARD.md")


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
    report = read_report()
    try:
        readme = README.read_text(encoding="utf-8")
    except OSError as error:
        raise PipelineError(f"{README}: cannot be read ({error.strerror}); run in the project's root") from error
    return {README: filled(readme, results_section(report)), MODEL_CARD: model_card(report)}


def read_report() -> Report:
    """Return what params.yaml and `metrics/` hold."""
    results = read_working_tree()
    return Report(
        split=read_settings(PARAMS, "split", SplitSettings),
        image_size={stage: read_section(PARAMS, f"finetune_{stage}.image_size") for stage in ("low", "high")},
        backbone=f"{read_section(PARAMS, 'backbone.name')} (weights: {read_section(PARAMS, 'backbone.weights')})",
        metrics=results.metrics,
        clips=described(results.predictions),
        benchmark=read_benchmark(BENCHMARK),
    )


if __name__ == "__main__":
    run(main)
