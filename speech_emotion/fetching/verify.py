"""Clips against their manifest: the published samples, or an unshortened resampling with their fingerprint."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import soundfile
from joblib import Parallel, delayed
from numpy.typing import NDArray

from speech_emotion.core.errors import PipelineError, itemised
from speech_emotion.core.progress import progress
from speech_emotion.fetching.fingerprint import LONGER_S, TOLERANCE_DB, apart_db, delayed_powers
from speech_emotion.fetching.manifest import FULL_SCALE, Published, pcm_md5, to_pcm

SHORTER_S = 0.001
CHANNEL_TOLERANCE = 4 / FULL_SCALE  # resamplers dither each channel on its own
WAY_OUT = "take them from where the corpus was published"


def check_clips(corpus: str, clips: Mapping[Path, Published]) -> int:
    """Check every file against what was published, and return how many are resampled.

    Raises:
        PipelineError: names the files that cannot be decoded, are empty, silent or not finite, hold other
            samples than the published ones, or are resampled to another duration, to channels that differ or from
            another clip.
    """
    # Threads, because decoding and hashing run outside the interpreter's lock.
    work = Parallel(n_jobs=-1, prefer="threads", return_as="generator")
    findings = []
    with progress(f"{corpus}: checking", len(clips), "clips") as advance:
        for finding in work(delayed(_check)(path, published) for path, published in clips.items()):
            findings.append(finding)
            advance(1)
    problems = [finding for finding in findings if isinstance(finding, str)]
    if problems:
        raise PipelineError(
            itemised(f"{corpus}: {len(problems)} of {len(clips)} clips are wrong; {WAY_OUT}:", problems)
        )
    return findings.count(True)


def _check(path: Path, published: Published) -> bool | str:
    # A problem is a value, so that one bad clip does not hide the others.
    try:
        return _is_resampled(path, published)
    except soundfile.LibsndfileError as error:
        return f"{path}: cannot be decoded ({error.error_string})"
    except PipelineError as problem:
        return f"{path}: {problem}"


def _is_resampled(path: Path, published: Published) -> bool:
    with soundfile.SoundFile(path) as file:
        # The header first: what it announces is allocated.
        _check_length(file, published)
        samples = file.read(dtype="float32", always_2d=True)
        _check_samples(samples, file.frames)
        if file.samplerate == published.sample_rate:
            _check_md5(samples, published)
            return False
    if (np.abs(samples - samples[:, :1]) > CHANNEL_TOLERANCE).any():
        raise PipelineError(f"has {samples.shape[1]} channels that differ, expected equal ones in a resampled copy")
    apart = apart_db(published.fingerprint, delayed_powers(samples, file.samplerate))
    if apart > TOLERANCE_DB:
        raise PipelineError(f"is another clip: its fingerprint is {apart:.1f} dB away, at most {TOLERANCE_DB} may be")
    return True


def _check_length(file: soundfile.SoundFile, published: Published) -> None:
    if file.samplerate == published.sample_rate:
        found, expected = (file.frames, file.channels), (published.frames, published.channels)
        if found != expected:
            raise PipelineError(f"has {found[0]} frames x {found[1]} channels, expected {expected[0]} x {expected[1]}")
    found_s, expected_s = file.frames / file.samplerate, published.frames / published.sample_rate
    if not -SHORTER_S <= found_s - expected_s <= LONGER_S:
        raise PipelineError(f"lasts {found_s:.4f} s, expected {expected_s:.4f} s")


def _check_samples(samples: NDArray[np.float32], frames: int) -> None:
    if len(samples) != frames:
        raise PipelineError(f"is cut short: {len(samples)} frames where its header says {frames}")
    if not np.isfinite(samples).all():
        raise PipelineError("has samples that are not finite")
    if not samples.any():
        raise PipelineError("is silent")


def _check_md5(samples: NDArray[np.float32], published: Published) -> None:
    found = pcm_md5(to_pcm(samples))
    if found != published.pcm_md5:
        raise PipelineError(f"holds other samples than published: md5 {found}, expected {published.pcm_md5}")
