"""Stage `pretrained`: the first weights of an encoder as a tracked file."""

import argparse
import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from speech_emotion.core.command import run
from speech_emotion.core.params import read_settings
from speech_emotion.encoders import protocol
from speech_emotion.model.weights import save_tensors


def main(argv: Sequence[str] | None = None) -> None:
    """Read argv and params, get the weights, write them."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("encoder", help="a folder of speech_emotion/encoders")
    parser.add_argument("target", type=Path, help="weights file to write")
    parser.add_argument("--params", type=Path, default=Path("params.yaml"))
    args = parser.parse_args(argv)
    kind = protocol.pretrained(args.encoder)
    settings = read_settings(args.params, f"{args.encoder}.backbone", kind.BackboneSettings)
    described = {"encoder": args.encoder, **asdict(settings)}
    save_tensors(args.target, kind.backbone_weights(settings), json.dumps(described, sort_keys=True))
    print(f"pretrained@{args.encoder}: {', '.join(f'{key} {value}' for key, value in asdict(settings).items())}")


if __name__ == "__main__":
    run(main)
