"""Nested training of one cell: choices on the valid part, a refit on all that is not tested, one test."""

import tempfile
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import pandas as pd

from benchmark.adaptation import ENROLLED, adapted, enrolled, reference
from benchmark.answers import ADAPTED, FIRST, LAST, Answers, answer_rows, enrolment_rows
from speech_emotion.clips import EMOTIONS
from speech_emotion.model.checkpoint import Model, save_model
from speech_emotion.model.inference import clip_embeddings, clip_logits, embedding_logits
from speech_emotion.shards import Mels
from speech_emotion.training.fine_tune import fine_tune, starting_model
from speech_emotion.training.settings import TrainSettings


class Models(NamedTuple):
    """The models of the first and of the last training; one and the same where there is only one."""

    first: Model
    last: Model


def nested_answers(
    start: Path,
    trainings: Mapping[str, TrainSettings],
    split: pd.DataFrame,
    mels: Mels,
    *,
    label: str,
    degraded: Mapping[str, Mels] | None = None,
) -> Answers:
    """Return what two series of models say: inner ones about the part `valid`, the refit about the part `test`.

    `degraded` has the tested clips under each condition of this name, of which the last refit is asked, too.

    The inner models are trained on the part `train`; temperature and fusion weights come from their answers. So no
    choice sees a test clip (Varma & Simon 2006, doi:10.1186/1471-2105-7-91). The refit is trained on both parts, with
    the same schedule and seed. A split without a valid part has no inner models.

    Raises:
        PipelineError: a clip has no spectrogram; the start does not fit.
    """
    mels.of(split["clip"])
    seen = split[split["part"] != "test"]
    # Training gets no more than it may see, so that no slip can show it a test clip.
    known = mels.only(seen["clip"])
    train, valid = (seen[seen["part"] == part] for part in ("train", "valid"))
    inner_answers = []
    if len(valid):
        inner = fit(start, trainings, train, known, label=f"{label} inner")
        inner_answers.append(_ask(inner, valid, known, train).clips)
    refit = fit(start, trainings, seen.assign(part="train"), known, label=f"{label} refit")
    test = split[split["part"] == "test"]
    tested = _ask(refit, test, mels, seen)
    asked = _ask_degraded(refit.last, test, degraded) if degraded else None
    return Answers(pd.concat([*inner_answers, tested.clips], ignore_index=True), tested.enrolment, asked)


def fit(start: Path, trainings: Mapping[str, TrainSettings], split: pd.DataFrame, mels: Mels, *, label: str) -> Models:
    """Return the models of the first and the last of `trainings`, one after the other on the part `train`.

    A share of a corpus that the split leaves out does not count.
    """
    models, corpora = [], set(split["corpus"])
    with tempfile.TemporaryDirectory() as folder:
        for name, settings in trainings.items():
            shares = {corpus: share for corpus, share in settings.shares.items() if corpus in corpora}
            model = starting_model(start, replace(settings, shares=shares), mels, {})
            models.append(fine_tune(model, split, mels, label=f"{label} {name}", scored=False)[0])
            start = Path(folder, f"{name}.safetensors")
            save_model(start, models[-1])
    return Models(models[0], models[-1])


def _ask_degraded(model: Model, clips: pd.DataFrame, degraded: Mapping[str, Mels]) -> pd.DataFrame:
    tables = []
    for condition, mels in degraded.items():
        logits = dict(zip(EMOTIONS, clip_logits(model, mels.of(clips["clip"])).T, strict=True))
        tables.append(clips[["clip"]].assign(condition=condition, **logits))
    return pd.concat(tables, ignore_index=True)


def _ask(models: Models, clips: pd.DataFrame, mels: Mels, trained_on: pd.DataFrame) -> Answers:
    chosen, last, speakers = mels.of(clips["clip"]), models.last, clips["speaker"].tolist()
    embeddings = clip_embeddings(last, chosen)
    known = reference(clip_embeddings(last, mels.of(trained_on["clip"])), trained_on["speaker"].tolist())
    moved = adapted(embeddings, speakers, known)
    tracks = {LAST: embedding_logits(last, embeddings), ADAPTED: embedding_logits(last, moved)}
    if models.first is not last:
        tracks[FIRST] = clip_logits(models.first, chosen)
    enrolment = [
        enrolment_rows(clips, count, draw, embedding_logits(last, moved))
        for count in ENROLLED
        for draw, moved in enumerate(enrolled(embeddings, speakers, known, clips=count))
    ]
    table = pd.concat([answer_rows(clips, track, logits) for track, logits in tracks.items()], ignore_index=True)
    return Answers(table, pd.concat(enrolment, ignore_index=True))
