"""Options of `speech-emotion app`; imports nothing, so that `--help` is instant."""

import argparse
from pathlib import Path

HOST, PORT = "127.0.0.1", 7860


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options to `parser`."""
    parser.description = "Open a page that listens: it names the emotion while one speaks, or of a file."
    option = parser.add_argument
    option("--model", type=Path, metavar="PATH", help="another model than the one that comes along: its .onnx file")
    reached = "address to listen on (default 127.0.0.1, which only this computer reaches; 0.0.0.0: all can)"
    option("--host", default=HOST, help=reached)
    option("--port", type=_port, default=PORT, help=f"port to listen on (default {PORT}; 0: any free one)")


def _port(text: str) -> int:
    port = int(text)
    if not 0 <= port < 1 << 16:
        raise ValueError(text)
    return port
