"""Copies of the real corpora's clips against fingerprints: `SPEECH_CORPORA=... python -m tests.fingerprints`.

It prints, of all clips, how far the copies of each kind are from the clip's own fingerprint, and how close any clip
comes to the fingerprint of another that its duration allows. A number behind it takes one clip in so many.
"""

import argparse
import io
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import soundfile
import soxr
from joblib import Parallel, delayed
from numpy.typing import NDArray

from speech_emotion.fetching.fingerprint import LONGER_S, TOLERANCE_DB, apart_db, delayed_powers
from speech_emotion.fetching.manifest import Published, read_manifest
from speech_emotion.fetching.verify import SHORTER_S
from tests.published import ROOT, real_corpora

Samples = NDArray[np.float32]
Clip = tuple[Published, Path]
CORPORA = ("ravdess", "tess")
COPIES = {"Actor_07/03-01-03-01-02-01-07", "Actor_07/03-01-03-01-02-02-07"}  # published twice
# Rate, bit rate's mode and libsndfile's compression level. At a variable bit rate 0.99 is LAME's V9, the coarsest: it
# leaves out most of the quiet bands.
MP3 = (
    (16000, "CONSTANT", 0.88),
    (44100, "CONSTANT", 0.88),
    (8000, "VARIABLE", 0.99),
    (16000, "VARIABLE", 0.99),
    (24000, "VARIABLE", 0.99),
    (44100, "VARIABLE", 0.99),
    (44100, "VARIABLE", 0.5),
)


def changed(samples: Samples, rate: int) -> Iterator[tuple[str, Samples, int]]:
    """Yield copies as people have them: what was done, the samples `[frames, channels]` and their rate."""
    for other in (8000, 16000, 44100):
        yield f"{other} Hz", soxr.resample(samples, rate, other), other
    yield "12 dB softer, 16 bits", (np.round(samples / 4 * 2**15) / 2**15).astype(np.float32), rate
    yield "50 ms late", np.pad(samples, ((rate // 20, 0), (0, 0))), rate
    for other, mode, level in MP3:
        yield f"MP3 at {other} Hz, {mode.lower()} {level}", *as_mp3(samples, rate, other, mode, level)


def as_mp3(samples: Samples, rate: int, other: int, mode: str, level: float) -> tuple[Samples, int]:
    """Return what an MP3 at the rate `other` gives back."""
    encoded = io.BytesIO()
    narrow = soxr.resample(samples, rate, other)
    soundfile.write(encoded, narrow, other, format="MP3", bitrate_mode=mode, compression_level=level)
    encoded.seek(0)
    decoded, found = soundfile.read(encoded, dtype="float32", always_2d=True)
    return decoded, found


def real_clips(corpus: str, every: int) -> list[Clip]:
    """Return one in `every` clip of the manifest, with its file."""
    rows = read_manifest(ROOT / "data" / "manifests" / f"{corpus}.csv")[::every]
    return [(row, real_corpora() / corpus / f"{row.clip}.flac") for row in rows]


def copies_apart(clip: Clip) -> dict[str, float]:
    """Return how far each copy of a clip is from its fingerprint, in dB."""
    row, path = clip
    copies = changed(*soundfile.read(path, dtype="float32", always_2d=True))
    return {kind: apart_db(row.fingerprint, delayed_powers(copy, rate)) for kind, copy, rate in copies}


def others_apart(clip: Clip, rows: list[Published]) -> dict[str, float]:
    """Return how far a clip is from the fingerprints of the others that its duration allows, in dB."""
    row, path = clip
    samples, rate = soundfile.read(path, dtype="float32", always_2d=True)
    powers, duration_s = delayed_powers(samples, rate), len(samples) / rate
    return {
        other.clip: apart_db(other.fingerprint, powers)
        for other in rows
        if -SHORTER_S <= duration_s - other.frames / other.sample_rate <= LONGER_S
        and other != row
        and {row.clip, other.clip} != COPIES
    }


def main() -> None:
    """Print the table, and end with 1 if a copy is refused or a clip passes for another."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("every", type=int, nargs="?", default=1)
    parser.add_argument("--only", choices=("copies", "others"))
    args = parser.parse_args()
    work, wrong = Parallel(n_jobs=-1), 0
    try:
        clips = {corpus: real_clips(corpus, args.every) for corpus in CORPORA}
    except pytest.skip.Exception as skipped:
        sys.exit(f"error: {skipped}")
    for corpus, chosen in clips.items():
        if args.only != "others":
            found = work(delayed(copies_apart)(clip) for clip in chosen)
            for kind in found[0]:
                furthest, name = max((one[kind], row.clip) for one, (row, _) in zip(found, chosen, strict=True))
                wrong += furthest > TOLERANCE_DB
                print(f"{corpus}, {len(chosen)} copies, {kind}: at most {furthest:.2f} dB away ({name})", flush=True)
        if args.only != "copies":
            rows = [row for row, _ in real_clips(corpus, 1)]
            others = work(delayed(others_apart)(clip, rows) for clip in chosen)
            apart, pair = min(
                (apart, (row.clip, other))
                for one, (row, _) in zip(others, chosen, strict=True)
                for other, apart in one.items()
            )
            wrong += apart <= TOLERANCE_DB
            count = sum(map(len, others))
            print(f"{corpus}, {count} pairs: at least {apart:.2f} dB apart ({' and '.join(pair)})", flush=True)
    print(f"tolerance: {TOLERANCE_DB} dB; {wrong} lines are on its wrong side")
    sys.exit(wrong > 0)


if __name__ == "__main__":
    main()
