"""The parts that speakers go to: as the table says, or else a fifth of them each to valid and test."""

from collections.abc import Mapping, Sequence

from speech_emotion.clips import PARTS
from speech_emotion.corpora.own import NOBODY
from speech_emotion.own_voices.table import Row

SHARE = 5  # one speaker of so many is tested, and one validates


def parts_of(rows: Sequence[Row]) -> dict[str, list[str]]:
    """Return the speakers of each part, each of them in the part of its first row.

    Without a column `part`, men and women take turns; two speakers train and test, and a single one trains.
    """
    told = {row.speaker or NOBODY: row.part for row in reversed(rows)}
    chosen = told if all(told.values()) else _chosen({row.speaker or NOBODY: row.sex for row in rows})
    return {part: sorted(speaker for speaker, its in chosen.items() if its == part) for part in PARTS}


def _chosen(sexes: Mapping[str, str]) -> dict[str, str]:
    by_sex = [sorted(name for name, sex in sexes.items() if sex == one) for one in sorted(set(sexes.values()))]
    turns = [name for place in range(len(sexes)) for names in by_sex for name in names[place : place + 1]]
    test = max(1, round(len(turns) / SHARE)) if len(turns) > 1 else 0
    valid = max(1, round(len(turns) / SHARE)) if len(turns) > 2 else 0
    parts = ["test"] * test + ["valid"] * valid + ["train"] * (len(turns) - test - valid)
    return dict(zip(turns, parts, strict=True))
