"""M4A, WMA, video and the like, which libsndfile does not read: through PyAV, or else through ffmpeg."""

import math
import os
import shutil
import subprocess
import tempfile
from importlib.util import find_spec
from io import FileIO

from speech_emotion.core.errors import PipelineError, one_line

# Where a magic number stands, and which: ISO media (M4A, MP4, MOV, 3GP), Matroska and WebM, ASF (WMA), AVI, FLV, AMR,
# AAC in ADTS, MPEG programme streams.
MAGIC = (
    (4, b"ftyp"), (0, b"\x1aE\xdf\xa3"), (0, b"0&\xb2u"), (8, b"AVI "), (0, b"FLV\x01"), (0, b"#!AMR"),
    (0, b"\xff\xf1"), (0, b"\xff\xf9"), (0, b"\x00\x00\x01\xba"),
)  # fmt: skip
BEYOND_S = 1  # enough to see that a recording is too long
INTO = "take an intact copy, or convert it to WAV or FLAC"


def can_hold_sound(head: bytes) -> bool:
    """Return whether a file that begins with `head`, 16 bytes or more, is of a format that `to_wav` may read."""
    return any(head.startswith(magic, start) for start, magic in MAGIC)


def to_wav(name: str, file: FileIO, longest_s: float | None = None) -> FileIO:
    """Return a temporary WAV, float32, with the first sound track of `file`, which is called `name`.

    What comes much later than `longest_s` is left out: a small file can hold days of silence.

    Raises:
        PipelineError: neither PyAV nor ffmpeg is installed, or the file has no sound that they can decode.
    """
    wav = tempfile.TemporaryFile(buffering=0)  # noqa: SIM115 (the caller closes it)
    file.seek(0)
    end_s = longest_s + BEYOND_S if longest_s else math.inf
    try:
        if find_spec("av"):
            _by_pyav(name, file, wav, end_s)
        elif ffmpeg := shutil.which("ffmpeg"):
            _by_ffmpeg(ffmpeg, name, file, wav, end_s)
        else:
            way_out = "pip install 'speech-emotion[media]', or install ffmpeg, or convert it to WAV or FLAC"
            raise PipelineError(f"{name}: its format needs PyAV or ffmpeg, and neither is installed; {way_out}")
    except BaseException:
        wav.close()
        raise
    wav.seek(0)
    return wav


def _by_pyav(name: str, file: FileIO, wav: FileIO, end_s: float) -> None:
    import av  # an extra
    import soundfile

    try:
        with av.open(file, "r", metadata_errors="replace") as container:
            if not container.streams.audio:
                raise PipelineError(f"{name}: has no sound track; name a file that has one")
            stream = container.streams.audio[0]
            if stream.codec_context is None:
                raise PipelineError(f"{name}: cannot be decoded (nobody knows the codec of its sound track); {INTO}")
            form = {"samplerate": stream.rate, "channels": stream.channels, "format": "RF64", "subtype": "FLOAT"}
            packed = av.AudioResampler(format="flt", layout=stream.layout, rate=stream.rate)
            with soundfile.SoundFile(wav, "w", **form) as sound:
                for frame in container.decode(stream):
                    if sound.frames > end_s * sound.samplerate:
                        break
                    for part in packed.resample(frame):
                        sound.write(part.to_ndarray().reshape(-1, stream.channels))
    except (av.FFmpegError, soundfile.LibsndfileError, ValueError) as error:  # also a stream of 0 Hz or 0 channels
        raise PipelineError(f"{name}: cannot be decoded ({one_line(error)}); {INTO}") from error


def _by_ffmpeg(ffmpeg: str, name: str, file: FileIO, wav: FileIO, end_s: float) -> None:
    # By descriptor and without protocols: neither the name nor a playlist inside can make it open anything else.
    ends = [f"file:/dev/fd/{end.fileno()}" for end in (file, wav)]
    options = ["-v", "error", "-xerror", "-nostdin", "-y", "-protocol_whitelist", "file"]
    track = ["-map", "0:a:0", "-c:a", "pcm_f32le", "-f", "wav", "-rf64", "auto"]
    if math.isfinite(end_s):
        track += ["-t", f"{end_s:g}"]
    ended = subprocess.run(
        [ffmpeg, *options, "-i", ends[0], *track, ends[1]],
        pass_fds=(file.fileno(), wav.fileno()), stdin=subprocess.DEVNULL, capture_output=True,
    )  # fmt: skip
    if ended.returncode or not os.fstat(wav.fileno()).st_size:
        said = (ended.stderr.decode(errors="replace").splitlines() or ["no reason given"])[-1]
        raise PipelineError(f"{name}: cannot be decoded (ffmpeg: {said}); {INTO}")
