"""The published clips as a table of labels, and made-up answers of every cell of the benchmark."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from benchmark.answers import Answers
from benchmark.cells import CELLS
from benchmark.views import VIEWS
from speech_emotion.clips import COLUMNS, EMOTIONS
from speech_emotion.core.params import read_section
from speech_emotion.splits.protocols import split_clips
from tests.published import ROOT, published_clips

COPY, ORIGINAL = "ravdess/03-01-03-01-02-02-07", "ravdess/03-01-03-01-02-01-07"
MADE_FROM: Mapping[str, Any] = {"low": {"image_size": 144}, "high": {"image_size": 288}, "crops": 4, "data": {}}
SKILL = {"low": 1.0, "high": 2.0, "high_crops": 2.5}  # how far the right emotion's logit stands out of the noise
# What the random split tests was heard in training, voice and all.
KNOWN_VOICE_BONUS = 2.0


def published_labels() -> pd.DataFrame:
    """All published clips, as the stage `labels` would list them."""
    emotions = read_section(ROOT / "params.yaml", "labels")
    table = pd.DataFrame([vars(clip) for corpus in ("ravdess", "tess") for clip in published_clips(corpus)])
    table["emotion"] = [
        emotions[corpus][word] for corpus, word in zip(table["corpus"], table["source_emotion"], strict=True)
    ]
    table["duplicate_of"] = table["clip"].map({COPY: ORIGINAL}).fillna("")
    return table.sort_values(["corpus", "clip"], ignore_index=True).reindex(columns=list(COLUMNS))


def made_up_cells(labels: pd.DataFrame) -> dict[str, Answers]:
    """Answers for the test clips of all 14 cells: noise, and a view's skill on the actual emotion."""
    return {name: _made_up(name, labels) for name in CELLS}


def _made_up(name: str, labels: pd.DataFrame) -> Answers:
    split = split_clips(labels, CELLS[name].split_settings)
    clips = split.loc[split["part"] == "test", ["clip", "emotion"]].reset_index(drop=True)
    right = np.eye(len(EMOTIONS))[[EMOTIONS.index(emotion) for emotion in clips["emotion"]]]
    noise = np.random.default_rng(list(CELLS).index(name)).normal(size=right.shape)
    bonus = KNOWN_VOICE_BONUS if name == "random" else 0.0
    logits = {view: noise + (SKILL.get(view, 1.0) + bonus) * right for view in VIEWS}
    return Answers(clips, logits, dict.fromkeys(VIEWS, 0.8), MADE_FROM)
