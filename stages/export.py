"""Stage `export`: the last model to ONNX, in float32 and int8, with a description of what prediction must know."""

import argparse
import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from speech_emotion.adaptation import reference
from speech_emotion.clips import read_split
from speech_emotion.core.command import run
from speech_emotion.core.errors import PipelineError, one_line
from speech_emotion.core.files import replacing, write_text
from speech_emotion.export import describe, learned_clips, to_bytes, to_onnx
from speech_emotion.int8 import to_int8
from speech_emotion.model.checkpoint import Model
from speech_emotion.model.inference import clip_embeddings
from speech_emotion.model.provenance import data_files, file_md5s, load_trained
from speech_emotion.predict.model import Threshold
from speech_emotion.shards import read_shards, shard_paths


def main(argv: Sequence[str] | None = None) -> None:
    """Read argv, model, split and shards, write both forms of the model and the description."""
    args = _parser().parse_args(argv)
    present = file_md5s(data_files(args.split, shard_paths(args.spectrograms)))
    model, threshold = confident(load_trained(args.model, present), args.strangers)
    mels = read_shards(args.spectrograms)
    clips = learned_clips(model, read_split(args.split))
    embeddings = clip_embeddings(model, mels.of(clips["clip"]))
    graph = to_onnx(model)
    files = {args.onnx: to_bytes(graph), args.int8: to_bytes(to_int8(graph))}
    known = reference(embeddings, clips["speaker"].tolist())
    contents = {path.name: content for path, content in files.items()}
    counts = clips["corpus"].value_counts().sort_index().to_dict()
    described = describe(model, contents, known, counts, threshold)
    for path, content in files.items():
        with replacing(path) as temporary:
            temporary.write_bytes(content)
    write_text(args.description, described.to_json())
    print(f"export: {', '.join(f'{path} {len(content) / 1e6:.1f} MB' for path, content in files.items())}")


def confident(model: Model, strangers: Path | None) -> tuple[Model, Threshold | None]:
    """Return `model` with the temperature that fits voices of other corpora, and from where on its answers count.

    Args:
        model: as it was trained.
        strangers: temperature and threshold by encoder; without, the model stays as it is, and every answer counts.

    Raises:
        PipelineError: the file cannot be read, or says nothing of the model's encoder.
    """
    if strangers is None:
        return model, None
    encoder = model.description.encoder
    try:
        found = json.loads(strangers.read_text(encoding="utf-8"))[encoder]
        threshold = None if found["threshold"] is None else Threshold(**found["threshold"])
        return replace(model, description=replace(model.description, temperature=found["temperature"])), threshold
    except (OSError, ValueError, TypeError, KeyError) as error:
        raise PipelineError(
            f"{strangers}: has no temperature and threshold of {encoder} ({one_line(error)}); "
            "run `dvc repro strangers` in benchmark/"
        ) from error


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("model", type=Path, help="model of the last training")
    parser.add_argument("split", type=Path)
    parser.add_argument("onnx", type=Path, help="float32 form to write")
    parser.add_argument("int8", type=Path, help="small form to write")
    parser.add_argument("description", type=Path, help="JSON to write")
    parser.add_argument("spectrograms", type=Path, nargs="+", help="folders of shards that the model was trained on")
    parser.add_argument("--strangers", type=Path, help="temperature and threshold, as benchmark.strangers writes them")
    return parser


if __name__ == "__main__":
    run(main)
