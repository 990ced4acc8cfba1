"""Folders of clips to `data/labels.csv`: one row a clip, eight emotions, copies found."""

import hashlib
from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict
from difflib import get_close_matches
from pathlib import Path
from typing import Any

import pandas as pd
from joblib import Parallel, delayed

from speech_emotion.audio import decode
from speech_emotion.clips import EMOTIONS, LABEL_COLUMNS
from speech_emotion.core.errors import PipelineError, listed
from speech_emotion.corpora.catalogue import read_clips

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
        PipelineError: as `read_clips`, a file cannot be decoded, or a corpus's word is none of the eight emotions and
            `emotions` does not map it.
    """
    clips = {folder: read_clips(folder.name, folder) for folder in folders}
    for folder in folders:
        _refuse_unknown(folder.name, {clip.source_emotion for clip in clips[folder].values()}, emotions)
    rows = [
        {**asdict(clip), "file": path, "path": path.relative_to(folder).as_posix()}
        for folder in folders
        for path, clip in clips[folder].items()
    ]
    labels = pd.DataFrame(rows).sort_values(["corpus", "clip"], ignore_index=True)
    labels["emotion"] = [
        emotions.get(corpus, {}).get(word, word)
        for corpus, word in zip(labels["corpus"], labels["source_emotion"], strict=True)
    ]
    # Threads: libsndfile and hashlib work without the interpreter's lock, and start at once.
    decoded = Parallel(n_jobs=-1, prefer="threads")(delayed(_duration_and_digest)(file) for file in labels["file"])
    labels["duration_s"] = [duration_s for duration_s, _ in decoded]
    labels["duplicate_of"] = _first_copies(labels["clip"], pd.Series([digest for _, digest in decoded]))
    return labels[list(LABEL_COLUMNS)]


def count_emotions(labels: pd.DataFrame) -> pd.DataFrame:
    """Return the number of clips `[emotion, corpus]`, with totals."""
    counts = pd.crosstab(labels["emotion"], labels["corpus"]).reindex(list(EMOTIONS), fill_value=0)
    counts["all"] = counts.sum(axis="columns")
    counts.loc["all"] = counts.sum()
    return counts


def _refuse_unknown(corpus: str, words: Collection[str], emotions: EmotionMap) -> None:
    unknown = sorted(set(words) - set(emotions.get(corpus, {})) - set(EMOTIONS))
    if unknown:
        lines = ", ".join(f"{word}: {_similar(word)}" for word in unknown)
        raise PipelineError(
            f"params section 'labels.{corpus}' does not map {listed(unknown)}; add {{{lines}}}, each of them one of"
            f" {', '.join(EMOTIONS)}"
        )


def _similar(word: str) -> str:
    return next(iter(get_close_matches(word.lower(), EMOTIONS, n=1, cutoff=0.5)), "?")


def _duration_and_digest(file: Path) -> tuple[float, bytes]:
    """Return the length in s, and a digest that says whether two files, mono or dual mono, hold the same samples."""
    samples, sample_rate = decode(file)  # float32 holds 16- and 24-bit samples exactly
    if (samples == samples[:, :1]).all():
        samples = samples[:, :1]
    return len(samples) / sample_rate, hashlib.sha256(samples.tobytes()).digest()


def _first_copies(clips: pd.Series, digests: pd.Series) -> pd.Series:
    return clips.groupby(digests).transform("first").where(digests.duplicated(), "")
