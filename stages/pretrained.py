"""Stage `pretrained`: the backbone's first weights as a tracked file."""

import argparse
import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from speech_emotion.command import run
from speech_emotion.params import read_settings
from speech_emotion.pretrained import BackboneSettings, backbone_weights
from speech_emotion.weights import save_tensors


def main(argv: Sequence[str] | None = None) -> None:
    """Read argv and params, get the weights, write them."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("target", type=Path, help="weights file to write")
    parser.add_argument("--params", type=Path, default=Path("params.yaml"))
    args = parser.parse_args(argv)
    settings = read_settings(args.params, "backbone", BackboneSettings)
    save_tensors(args.target, backbone_weights(settings), json.dumps(asdict(settings), sort_keys=True))
    print(f"pretrained: {settings.name}, weights {settings.weights}")


if __name__ == "__main__":
    run(main)
