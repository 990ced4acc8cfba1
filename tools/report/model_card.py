"""`metrics/MODEL_CARD.md`: what the model is for, and how well it does (Mitchell et al. 2019, arXiv:1810.03993)."""

import pandas as pd

from speech_emotion.clips import EMOTIONS
from tools.report.benchmark_summary import PAGE, benchmark_table, leak_gap_sentence
from tools.report.breakdown import mistakes, rates
from tools.report.markdown import percent, table, with_interval
from tools.report.protocol import protocol_in_words
from tools.report.results import Report, interval_over, models_table

MISTAKES_SHOWN = 8
WHAT_IT_IS = """\
# Model card

Names the emotion in a recorded voice, with a confidence: {emotions}.
It is {backbone}, fine-tuned on log-mel spectrograms of acted speech at {low} and then at {high} pixels."""
NOT_FOR = """\
## What it must not be used for

It learned how actors play emotions on request, in North American English, in a quiet room. It does not know what
anybody feels.

- Not for decisions about people: hiring, teaching, health, credit, policing, insurance, attention or lie detection.
- Not for voices unlike those in training: no children, no other languages or accents, no spontaneous speech, no noise,
  no telephone. TESS has two voices, both of women.
- Not without telling the speaker. Emotion recognition of people at work and in schools is forbidden in places.

It may serve to study how such models work and fail, to teach, and as a baseline."""
DATA = """\
## Data and licences

| corpus | clips | speakers | licence |
| --- | ---: | --- | --- |
| RAVDESS, speech, audio only (Livingstone & Russo 2018, doi:10.5281/zenodo.1188976) | 1,440 | 24 actors, 12 women, 12 men; two sentences | CC BY-NC-SA 4.0 |
| TESS (Pichora-Fuller & Dupuis 2020, doi:10.5683/SP2/E8H2MF) | 2,800 | two women, of 26 and 64 years; 200 words | CC BY-NC-ND 4.0 |

The code is under the MIT licence. The trained weights come from both corpora; we read their licences to the effect
that the weights are for non-commercial use only, and that no audio and no spectrograms of TESS may be passed on.
"Calm" is RAVDESS's alone; TESS's "pleasant surprise" counts as surprised."""  # noqa: E501 (a table's rows)


def model_card(report: Report) -> str:
    """Return the card; it says what was measured on the test clips of the split in `params.yaml`."""
    about = WHAT_IT_IS.format(emotions=", ".join(EMOTIONS), backbone=report.backbone, **report.image_size)
    parts = [about, NOT_FOR, DATA, _figures(report), _groups(report), _emotions(report), _mistakes(report)]
    return "\n\n".join([*parts, _calibration(report), *_benchmark(report)]) + "\n"


def _figures(report: Report) -> str:
    return (
        f"## Figures\n\n{protocol_in_words(report.split)} Brackets hold 95 % bootstrap intervals "
        f"({interval_over(report)}); UAR is the unweighted average recall.\n\n{models_table(report)}"
    )


def _groups(report: Report) -> str:
    clips = report.clips
    groups = {
        "normal intensity (RAVDESS)": clips[clips["intensity"] == "normal"],
        "strong intensity (RAVDESS; neutral has none)": clips[clips["intensity"] == "strong"],
        "women": clips[clips["sex"] == "female"],
        "men": clips[clips["sex"] == "male"],
    }
    rows = [_group_row(name, group) for name, group in groups.items() if len(group)]
    return f"## By intensity and sex\n\n{table(('clips of', 'test clips', 'voices', 'accuracy, %', 'UAR, %'), rows)}"


def _group_row(name: str, clips: pd.DataFrame) -> list[str]:
    scores = rates(clips)
    counts = [f"{len(clips):,}", str(clips["speaker"].nunique())]
    return [name, *counts, *(with_interval(scores, score) for score in ("accuracy", "uar"))]


def _emotions(report: Report) -> str:
    counts = report.clips["actual"].value_counts()
    rows = [
        [emotion, f"{counts[emotion]:,}", with_interval(scores, "recall")]
        for emotion, scores in rates(report.clips)["recalls"].items()
    ]
    return f"## By emotion\n\n{table(('emotion', 'test clips', 'recall, %'), rows)}"


def _mistakes(report: Report) -> str:
    rows = [
        [row.actual, row.predicted, f"{row.clips:,}", percent(row.share)]
        for row in mistakes(report.clips).head(MISTAKES_SHOWN).itertuples()
    ]
    header = ("actual", "predicted", "test clips", "of the actual emotion's, %")
    return f"## What it takes for what\n\n{table(header, rows)}\n\nAll of it: [confusion matrix](confusion.png)."


def _calibration(report: Report) -> str:
    after, before = (percent(report.metrics[name]) for name in ("ece", "ece_raw"))
    return (
        "## Confidence\n\n"
        f"The expected calibration error is {after} % with the temperature that was fitted on the valid part, and "
        f"{before} % without ([reliability diagram](reliability.png)). It holds for clips like the tested ones: away "
        "from them a high confidence means nothing."
    )


def _benchmark(report: Report) -> list[str]:
    if not report.benchmark:
        return []
    introduction = (
        "## Other protocols\n\nThe same recipe, trained anew for each split. Compare rows of one protocol only; "
        f"[the full table]({PAGE}) says what is loose about each figure."
    )
    parts = [introduction, benchmark_table(report.benchmark), leak_gap_sentence(report.benchmark)]
    return [part for part in parts if part]
