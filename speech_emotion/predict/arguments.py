"""Options of `speech-emotion predict`; imports nothing, so that `--help` is instant."""

import argparse
from pathlib import Path

DESCRIPTION = """\
Name the emotion in recordings: files, folders (with all below them), patterns in quotes, or - for standard input.

WAV, FLAC, MP3, Ogg, Opus, AIFF and more of any sample rate and number of channels; M4A, WMA and video where PyAV or
ffmpeg is installed. What is not likely enough is `uncertain`, with its candidates; silence, recordings without speech
and those that are too short to judge say so. Nothing leaves this machine."""

EXAMPLES = """\
enrolment:
  --enrol DIR takes clips of the voice that is asked about, in any mood and with no labels; the more moods, the better.
  Five clips are worth it, twenty more so; with fewer the answers hardly change. A folder of many voices does harm.

examples:
  speech-emotion predict clip.wav
  speech-emotion predict clip.wav takes/ 'more/**/*.mp3'
  speech-emotion predict takes/ --csv > emotions.csv
  arecord -d 5 -f S16_LE -r 16000 | speech-emotion predict -
  speech-emotion predict --enrol other_clips_of_this_voice/ clip.wav
  speech-emotion predict --timeline talk.mp3
  speech-emotion predict --timeline talk.mp3 --srt > talk.srt
  speech-emotion predict --timeline talk.mp3 --picture talk.png

exit codes:
  0    everything was answered (uncertain and silence are answers, too)
  1    a recording could not be answered, and a line on standard error says why; all others were answered
  2    nothing was answered: wrong usage, no model, or a place that cannot be written to
  130  Ctrl-C
  141  the reader of standard output ended first, as in `| head`"""

TIMELINE_ONLY = ("srt", "audacity", "picture")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options to `parser`."""
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.description, parser.epilog = DESCRIPTION, EXAMPLES
    option = parser.add_argument
    option("inputs", nargs="+", metavar="INPUT", help="file, folder, pattern in quotes, or - for standard input")
    option(
        "--top",
        type=_count,
        default=3,
        metavar="K",
        help="list the K likeliest emotions (default 3); not for JSON and CSV, which have all",
    )
    option("--model", type=Path, metavar="PATH", help="another model than the one that comes along: its .onnx file")
    option(
        "--enrol",
        type=Path,
        metavar="DIR",
        help="a folder of clips of the same voice, unlabelled, that adapts the answers to it (see below)",
    )
    option("--timeline", action="store_true", help="the emotion every half second instead of one for all")
    style = parser.add_mutually_exclusive_group()
    style.add_argument("--json", action="store_true", help="one JSON object a line")
    style.add_argument("--csv", action="store_true", help="a header and a row each")
    style.add_argument("--srt", action="store_true", help="with --timeline: subtitles (SubRip), of one recording")
    style.add_argument(
        "--audacity", action="store_true", help="with --timeline: an Audacity label track, of one recording"
    )
    style.add_argument(
        "--picture",
        type=Path,
        metavar="FILE",
        help="with --timeline: write waveform, spectrogram and coloured bands of one recording (.png, .svg, .pdf)",
    )


def _count(text: str) -> int:
    count = int(text)
    if count < 1:
        raise ValueError(text)
    return count
