"""The published clips as a table of labels, and made-up answers of every cell of the benchmark."""

import numpy as np
import pandas as pd

from benchmark.adaptation import ENROLLED
from benchmark.answers import ADAPTED, FIRST, LAST, Answers, answer_rows, enrolment_rows
from benchmark.cells import CELLS
from speech_emotion.clips import EMOTIONS, LABEL_COLUMNS, indices
from speech_emotion.core.params import read_section
from tests.published import ROOT, published_clips

COPY, ORIGINAL = "ravdess/03-01-03-01-02-02-07", "ravdess/03-01-03-01-02-01-07"
SKILL = {FIRST: 1.0, LAST: 2.0, ADAPTED: 2.5}  # how far the right emotion's logit stands out of the noise
# What the random split tests was heard in training, voice and all.
KNOWN_VOICE_BONUS = 2.0


def published_labels() -> pd.DataFrame:
    """All clips of the manifests, as the stage `labels` would list them."""
    emotions = {
        **read_section(ROOT / "params.yaml", "labels"),
        **read_section(ROOT / "benchmark/corpora.yaml", "labels"),
    }
    table = pd.DataFrame([vars(clip) for corpus in emotions for clip in published_clips(corpus)])
    table["emotion"] = [
        emotions[corpus][word] for corpus, word in zip(table["corpus"], table["source_emotion"], strict=True)
    ]
    table["duplicate_of"] = table["clip"].map({COPY: ORIGINAL}).fillna("")
    return table.sort_values(["corpus", "clip"], ignore_index=True).reindex(columns=list(LABEL_COLUMNS), fill_value="")


def made_up_system(labels: pd.DataFrame, *, skill: float = 0.0, seeds: int = 2) -> dict[tuple[str, int], Answers]:
    """Answers for the clips of all cells: noise, and a track's skill, and more `skill`, on the actual emotion."""
    return {(cell, seed): _made_up(cell, labels, skill, seed) for cell in CELLS for seed in range(seeds)}


def _made_up(cell: str, labels: pd.DataFrame, skill: float, seed: int) -> Answers:
    split = CELLS[cell].split(labels)
    clips = split[split["part"] != "train"]
    right = np.eye(len(EMOTIONS))[indices(clips["emotion"])]
    noise = np.random.default_rng([list(CELLS).index(cell), seed, int(10 * skill)]).normal(size=right.shape)
    bonus = KNOWN_VOICE_BONUS if cell == "random" else 0.0
    logits = {track: noise + (one + skill + bonus) * right for track, one in SKILL.items()}
    test = (clips["part"] == "test").to_numpy()
    enrolled = [enrolment_rows(clips[test], count, 0, logits[LAST][test]) for count in ENROLLED]
    return Answers(
        pd.concat([answer_rows(clips, track, one) for track, one in logits.items()], ignore_index=True),
        pd.concat(enrolled, ignore_index=True),
    )
