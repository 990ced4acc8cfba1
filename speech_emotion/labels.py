"""Folders of clips to `data/labels.csv`: one row a clip, eight emotions, copies found."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pandas as pd
from joblib import Parallel, delayed

from speech_emotion.audio import decode
from speech_emotion.clips import EMOTIONS, LABEL_COLUMNS
from speech_emotion.core.errors import PipelineError
from speech_emotion.corpora.catalogue import parse_clip

EmotionMap = Mapping[str, Mapping[str, str]]


def check_emotion_map(section: Any) -> EmotionMap:
    """Return `params.labels`: for each corpus, its own code or word -> one of the eight emotions.

    Raises:
        PipelineError: a corpus has no table, a code is no text, or an emotion is not one of the eight.
    """
    if not isinstance(section, dict):
        raise PipelineError(f"params section 'labels' is {section!r}; expected a table for each corpus")
    for corpus, table in section.items():
        if not isinstance(table, dict):
            raise PipelineError(f"params section 'labels.{corpus}' is {table!r}; expected code: emotion")
        for code, emotion in table.items():
            if not isinstance(code, str):
                raise PipelineError(f"params section 'labels.{corpus}': code {code!r} is no text; put it in quotes")
            if emotion not in EMOTIONS:
                raise PipelineError(
                    f"params section 'labels.{corpus}': {code} is {emotion!r}; take one of {', '.join(EMOTIONS)}"
                )
    return section


def label_corpora(folders: Sequence[Path], emotions: EmotionMap) -> pd.DataFrame:
    """Return the table `clips.LABEL_COLUMNS` of all clips below `folders`, each named after its corpus.

    `duplicate_of` is the first clip in sorted order whose samples are the same, or empty.

    Raises:
        PipelineError: a folder is absent or empty, a file is no clip of its corpus or cannot be decoded, two files
            are the same clip, or `emotions` does not map a clip's code.
    """
    labels = pd.DataFrame([_row(folder, path, emotions) for folder in folders for path in _clip_files(folder)])
    labels = labels.sort_values(["corpus", "clip"], ignore_index=True)
    _refuse_twins(labels)
    files = [Path(folder) / path for folder, path in zip(labels.pop("folder"), labels["path"], strict=True)]
    # Threads: libsndfile and hashlib work without the interpreter's lock, and start at once.
    heard = Parallel(n_jobs=-1, prefer="threads")(delayed(_duration_and_digest)(file) for file in files)
    labels["duration_s"] = [duration_s for duration_s, _ in heard]
    labels["duplicate_of"] = _first_copies(labels["clip"], pd.Series([digest for _, digest in heard]))
    return labels[list(LABEL_COLUMNS)]


def count_emotions(labels: pd.DataFrame) -> pd.DataFrame:
    """Return the number of clips `[emotion, corpus]`, with totals."""
    counts = pd.crosstab(labels["emotion"], labels["corpus"]).reindex(list(EMOTIONS), fill_value=0)
    counts["all"] = counts.sum(axis="columns")
    counts.loc["all"] = counts.sum()
    return counts


def _clip_files(folder: Path) -> list[Path]:
    # Every file is a clip, so that a foreign one is an error; hidden ones are the file manager's.
    files = sorted(path for path in folder.rglob("*") if path.is_file() and not path.name.startswith("."))
    if not files:
        raise PipelineError(f"{folder}: holds no clips; run `dvc repro fetch@{folder.name}`")
    return files


def _row(folder: Path, path: Path, emotions: EmotionMap) -> dict[str, str]:
    clip = parse_clip(folder.name, path.stem)
    table = emotions.get(clip.corpus, {})
    if clip.source_emotion not in table:
        raise PipelineError(
            f"{clip.clip}: params section 'labels.{clip.corpus}' does not map '{clip.source_emotion}'; add it"
        )
    where = {"folder": str(folder), "path": path.relative_to(folder).as_posix()}
    return {**asdict(clip), **where, "emotion": table[clip.source_emotion]}


def _refuse_twins(labels: pd.DataFrame) -> None:
    twins = labels[labels["clip"].duplicated(keep=False)]
    if len(twins):
        first, second = twins["path"].iloc[:2]
        raise PipelineError(f"{twins['clip'].iloc[0]}: is there twice, {first} and {second}; take one out")


def _duration_and_digest(file: Path) -> tuple[float, bytes]:
    """Return the length in s, and a digest that says whether two files, mono or dual mono, hold the same samples."""
    samples, sample_rate = decode(file)  # float32 holds 16- and 24-bit samples exactly
    if (samples == samples[:, :1]).all():
        samples = samples[:, :1]
    return len(samples) / sample_rate, hashlib.sha256(samples.tobytes()).digest()


def _first_copies(clips: pd.Series, digests: pd.Series) -> pd.Series:
    return clips.groupby(digests).transform("first").where(digests.duplicated(), "")
