"""A recording of any format, rate and number of channels, in blocks: memory does not grow with its length."""

import os
import re
import stat
import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from io import FileIO

import numpy as np
import soundfile
from numpy.typing import NDArray

from speech_emotion.audio import RATES_HZ
from speech_emotion.core.errors import PipelineError
from speech_emotion.predict import conversion
from speech_emotion.predict.inputs import STDIN

Samples = NDArray[np.float32]  # [frames, channels]

BLOCK_SAMPLES = 1 << 18
MOST_STDIN_BYTES = 1 << 32
# Writers that do not know how long a stream will be announce about 2 or 4 GiB.
OPEN_END = (1 << 31) - (1 << 16)
INTACT = "take an intact copy, or convert what is left to another WAV or FLAC"
# What libsndfile notes of a header's length, by format: WAV, AIFF, AU, Wave64; RF64; Ogg.
SHORT = re.compile(r"^\s*(?:data|SSND|Data Size|riff)\s*: (\d+) \(should be (\d+)\)", re.MULTILINE)
QUIET = threading.Lock()  # standard error is the whole process's
CUT = ("does not match value from 'ds64' chunk", "Junk after the last page")


@dataclass(frozen=True)
class Recording:
    """An open recording."""

    name: str
    sample_rate: int  # Hz
    duration_s: float  # as its header has it
    blocks: Iterator[Samples]  # float32 `[frames, channels]`, once


@contextmanager
def recording(name: str, longest_s: float | None = None) -> Iterator[Recording]:
    """Open the file called `name`, or standard input for `-`.

    Raises:
        PipelineError: it is missing, is no file, cannot be read or decoded, was cut off, is longer than `longest_s`,
            or, while its blocks are taken, holds no samples or some that are not finite.
    """
    with ExitStack() as stack:
        file = stack.enter_context(_stdin() if name == STDIN else _file(name))
        sound = stack.enter_context(_sound(name, file, stack, longest_s))
        _check_header(name, sound)
        if longest_s and sound.frames > longest_s * sound.samplerate:
            raise PipelineError(f"{name}: is longer than {longest_s / 60:g} minutes; cut it")
        yield Recording(name, sound.samplerate, sound.frames / sound.samplerate, _blocks(name, sound, file))


def _file(name: str) -> FileIO:
    try:
        descriptor = os.open(name, os.O_RDONLY | os.O_NONBLOCK)  # a pipe without a writer would block
    except (OSError, ValueError) as error:
        said = getattr(error, "strerror", None) or error
        raise PipelineError(f"{name}: cannot be opened ({said}); check the path and the right to read it") from error
    mode = os.fstat(descriptor).st_mode
    if not stat.S_ISREG(mode):
        os.close(descriptor)
        kind = "a pipe" if stat.S_ISFIFO(mode) else "a folder" if stat.S_ISDIR(mode) else "a device"
        raise PipelineError(f"{name}: is {kind}, no file; feed it to standard input: speech-emotion predict - < ...")
    return os.fdopen(descriptor, "rb", buffering=0)


def _stdin() -> FileIO:
    if sys.stdin is None or stat.S_ISCHR(os.fstat(sys.stdin.fileno()).st_mode):
        raise PipelineError(f"{STDIN}: standard input is a terminal, a device or closed; pipe a recording into it")
    file = tempfile.TemporaryFile(buffering=0)  # noqa: SIM115 (decoders seek)
    try:
        while content := sys.stdin.buffer.read(1 << 20):
            file.write(content)
            if file.tell() > MOST_STDIN_BYTES:
                raise PipelineError(f"{STDIN}: standard input is longer than {MOST_STDIN_BYTES >> 30} GiB; cut it")
    except BaseException:
        file.close()
        raise
    file.seek(0)
    return file


def _sound(name: str, file: FileIO, stack: ExitStack, longest_s: float | None) -> soundfile.SoundFile:
    head = file.read(16)
    file.seek(0)
    if not head:
        raise PipelineError(f"{name}: is empty; take an intact copy")
    try:
        with _no_chatter():
            return soundfile.SoundFile(file.fileno(), closefd=False)
    except soundfile.LibsndfileError as error:
        if not conversion.can_hold_sound(head):
            raise PipelineError(f"{name}: is no recording that can be decoded; take WAV, FLAC, MP3 or Ogg") from error
    wav = stack.enter_context(conversion.to_wav(name, file, longest_s))
    return soundfile.SoundFile(wav.fileno(), closefd=False)


def _check_header(name: str, sound: soundfile.SoundFile) -> None:
    if not RATES_HZ[0] <= sound.samplerate <= RATES_HZ[1]:
        raise PipelineError(f"{name}: announces {sound.samplerate} Hz; take an intact copy")
    lengths = [(int(announced), int(there)) for announced, there in SHORT.findall(sound.extra_info)]
    short = any(there + 1 < announced < OPEN_END for announced, there in lengths)  # one byte may be padding
    if short or any(words in sound.extra_info for words in CUT):
        raise PipelineError(f"{name}: was cut off, its header announces more than is there; {INTACT}")


def _blocks(name: str, sound: soundfile.SoundFile, file: FileIO) -> Iterator[Samples]:
    frames, taken = max(1, BLOCK_SAMPLES // sound.channels), 0
    while len(block := _read(name, sound, frames)):
        if not np.isfinite(block).all():
            raise PipelineError(f"{name}: holds samples that are not finite (NaN); {INTACT}")
        taken += len(block)
        yield block
    if not taken:
        raise PipelineError(f"{name}: holds no samples; take an intact copy")
    if taken < sound.frames:
        there_s, announced_s = taken / sound.samplerate, sound.frames / sound.samplerate
        raise PipelineError(f"{name}: was cut off, {there_s:.1f} s of {announced_s:.1f} s are there; {INTACT}")
    if sound.format == "MP3" and _unread_share(file) > 0.2:
        raise PipelineError(f"{name}: is an MP3 that does not say how long it is; convert it to WAV or FLAC")


def _read(name: str, sound: soundfile.SoundFile, frames: int) -> Samples:
    try:
        with _no_chatter():
            return np.asarray(sound.read(frames, dtype="float32", always_2d=True))
    except soundfile.LibsndfileError as error:
        raise PipelineError(f"{name}: is damaged and cannot be decoded to its end; {INTACT}") from error


def _unread_share(file: FileIO) -> float:
    # libsndfile guesses the length of an MP3 of varying bit rate without a header, and stops there.
    return 1 - os.lseek(file.fileno(), 0, os.SEEK_CUR) / os.fstat(file.fileno()).st_size


@contextmanager
def _no_chatter() -> Iterator[None]:
    """Keep what the MP3 decoder says of a damaged file off standard error: one line of ours says it."""
    with QUIET:
        sys.stderr.flush()
        kept, nowhere = os.dup(2), os.open(os.devnull, os.O_WRONLY)
        try:
            os.dup2(nowhere, 2)
            yield
        finally:
            os.dup2(kept, 2)
            os.close(kept)
            os.close(nowhere)
