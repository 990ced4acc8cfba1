"""`python -m speech_emotion.app` is `speech-emotion app`."""

import sys

from speech_emotion.cli import main

sys.exit(main(["app", *sys.argv[1:]]))
