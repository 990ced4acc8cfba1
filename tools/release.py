"""`make release`: the exported model, checked, with its licence and card, as what a user gets with the package."""

import argparse
import os
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from speech_emotion.core.command import run
from speech_emotion.core.errors import PipelineError
from speech_emotion.core.files import replacing
from speech_emotion.corpora.clip_files import corpus_files, is_audio
from speech_emotion.fetching.mirror import VARIABLE
from speech_emotion.model.checkpoint import load_model
from speech_emotion.predict.model import Description
from speech_emotion.predict.session import RELEASED, ExportedModel
from tools.release_checks import LICENCES, check_agreement, check_parity, refuse_licence, refuse_size

PARITY_CLIPS = 50
MODELS, TRAINED = Path("benchmark/models"), Path("benchmark/models/released.safetensors")

LICENCE = """\
Licence of the model in this folder (emotion.int8.onnx, emotion.json)

Creative Commons Attribution-NonCommercial-ShareAlike 4.0 International (CC BY-NC-SA 4.0),
https://creativecommons.org/licenses/by-nc-sa/4.0/

It was trained on
{corpora}
from the encoder of OpenAI's Whisper (Radford et al. 2022, MIT). Name these when you share it, share it under the
same licence, and not for money. The code around it has a licence of its own (MIT).
"""

CARD = """\
# The released model

`{name}`: {size_mb:.1f} MB, sha256 `{sha256}`. Encoder {encoder} ({backbone}), {emotions}.

Trained on {clips}. Licence: CC BY-NC-SA 4.0 (`LICENCE`). For single clips of {shortest_s:g} to {longest_s:g} s of a
voice; acted speech taught it, so that everyday speech is answered worse than the figures of the model card say. Not
for decisions about people.

{threshold}

| check before the release | clips | result |
| --- | ---: | --- |
{checks}
"""


def main(argv: Sequence[str] | None = None) -> None:
    """Check what `export` wrote and write the folder."""
    args = _parser().parse_args(argv)
    large, small = (ExportedModel(args.models / f"emotion{form}.onnx") for form in ("", ".int8"))
    corpora = {corpus: clips for corpus in LICENCES if (clips := _clips(args.corpora, corpus))}
    refuse_licence(small.path, small.description.made_of["clips"])
    size = refuse_size(small.path)
    if not corpora:
        raise PipelineError(f"release: {args.corpora} has no clips of {' or '.join(LICENCES)} to check it with")
    every = [clip for clips in corpora.values() for clip in clips]
    sample = every[:: -(-len(every) // PARITY_CLIPS)]
    checks: dict[str, Any] = {"parity": check_parity(load_model(args.trained), large, sample)}
    checks["int8"] = check_agreement(small, large, corpora)
    sha256 = small.description.files[small.path.name]
    described = replace(small.description, files={small.path.name: sha256}, checks=checks)
    content = small.path.read_bytes()
    with replacing(args.released) as folder:
        folder.mkdir()
        (folder / small.path.name).write_bytes(content)
        for name, text in texts(described, size).items():
            (folder / name).write_text(text, encoding="utf-8", newline="\n")
    print(f"release: {args.released}, {size / 1e6:.1f} MB, {len(every)} clips checked")


def texts(described: Description, size: int) -> dict[str, str]:
    """Return description, licence note and card, by file name, of a released model of `size` bytes."""
    [(name, sha256)] = described.files.items()
    clips = ", ".join(f"{count} clips of {corpus}" for corpus, count in described.made_of["clips"].items())
    known = "\n".join(f"- {LICENCES[corpus]}" for corpus in described.made_of["clips"])
    card = CARD.format(
        name=name,
        size_mb=size / 1e6,
        sha256=sha256,
        encoder=described.encoder,
        backbone=_network(described),
        emotions=", ".join(described.emotions),
        clips=clips,
        shortest_s=described.shortest_s,
        longest_s=described.longest_s,
        threshold=_threshold(described),
        checks="\n".join(_rows(described.checks)),
    )
    return {"emotion.json": described.to_json(), "LICENCE": LICENCE.format(corpora=known), "CARD.md": card}


def _rows(checks: Mapping[str, Any]) -> list[str]:
    parity = "| float32 against the training path | {clips} | probabilities at most {furthest} apart |"
    small = (
        "| int8 against float32, {corpus} | {clips} | the same answer to {same_answer:.1%}; probabilities at most "
        "{largest} apart, in 95 % of the clips {largest_95} |"
    )
    int8 = checks["int8"]
    return [parity.format_map(checks["parity"]), *(small.format(corpus=name, **int8[name]) for name in sorted(int8))]


def _network(described: Description) -> str:
    training, said = described.made_of["training"], [described.backbone]
    said += [f"its lower {training['layers']} layers"] if training.get("layers") else []
    said += [f"{training['runs']} trainings averaged"] if training.get("runs", 1) > 1 else []
    return ", ".join(said)


def _threshold(described: Description) -> str:
    if (chosen := described.threshold) is None:
        return "No confidence is too low for an answer: none was chosen on voices of other corpora."
    return (
        f"Below a confidence of {chosen.confidence:.2f} the answer is `uncertain`: on {chosen.chosen_on} it answers "
        f"{chosen.coverage:.0%} of the clips, and {chosen.accuracy:.0%} of these rightly."
    )


def _clips(folder: Path, corpus: str) -> list[Path]:
    return [path for path in corpus_files(folder / corpus) if is_audio(path)]


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--models", type=Path, default=MODELS, help="folder that the stage `export` wrote to")
    parser.add_argument("--trained", type=Path, default=TRAINED, help="the model that was exported")
    parser.add_argument("--released", type=Path, default=RELEASED.parent, help="folder to write")
    parser.add_argument(
        "--corpora",
        type=Path,
        default=Path(os.environ.get(VARIABLE, "data/raw")),
        help=f"folder with {' and '.join(LICENCES)} (default: {VARIABLE}, or data/raw)",
    )
    return parser


if __name__ == "__main__":
    run(main)
