"""An exported graph at a quarter of its size: linear layers in int8, other large weights in float16."""

import logging
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import onnx
from onnx import ModelProto, TensorProto, helper, numpy_helper

from speech_emotion.core.files import writing

LARGE = 1 << 12  # weights of a linear layer: a smaller one stays as it is
HALVED = 1 << 16  # numbers in any other tensor that becomes float16
LEARNED = "network."


def to_int8(graph: ModelProto) -> ModelProto:
    """Return `graph` with quantised linear layers, one scale an output; activations are quantised as they come.

    Weights have seven bits: processors without VNNI add two products of 8-bit numbers in 16 bits, which would overflow
    with eight, and answers would depend on the machine.
    """
    shapes = {tensor.name: tuple(tensor.dims) for tensor in graph.graph.initializer}
    products = [node for node in graph.graph.node if node.op_type == "MatMul"]
    linear = [node.name for node in products if np.prod(shapes.get(node.input[1], 0)) >= LARGE]
    with _quiet():
        return _halved(_quantised(graph, linear))


def _quantised(graph: ModelProto, names: list[str]) -> ModelProto:
    from onnxruntime.quantization import QuantType, quantize_dynamic

    if not names:
        return graph
    # The library goes from file to file.
    with tempfile.TemporaryDirectory() as folder, writing(before := Path(folder, "float32.onnx")):
        after = Path(folder, "int8.onnx")
        onnx.save(graph, before)
        quantize_dynamic(
            before,
            after,
            op_types_to_quantize=["MatMul"],
            nodes_to_quantize=names,
            per_channel=True,
            weight_type=QuantType.QInt8,
            reduce_range=True,
        )
        small = onnx.load(after)
    small.graph.ClearField("value_info")
    return small


def _halved(graph: ModelProto) -> ModelProto:
    """Store large learned float32 tensors as float16; the runtime casts them back as it loads them."""
    casts = []
    for tensor in graph.graph.initializer:
        if tensor.data_type == TensorProto.FLOAT and np.prod(tensor.dims) >= HALVED and LEARNED in tensor.name:
            name, half = tensor.name, numpy_helper.to_array(tensor).astype(np.float16)
            tensor.CopyFrom(numpy_helper.from_array(half, f"{name}.float16"))
            casts.append(helper.make_node("Cast", [tensor.name], [name], f"cast {name}", to=TensorProto.FLOAT))
    nodes = [*casts, *graph.graph.node]
    graph.graph.ClearField("node")
    graph.graph.node.extend(nodes)
    onnx.checker.check_model(graph)
    return graph


@contextmanager
def _quiet() -> Iterator[None]:
    """Keep the library's advice to prepare the graph first, which the exporter did, off the terminal.

    And its folder, with a `benchmark.py` in it, off the path.
    """
    path = sys.path.copy()
    logging.disable(logging.WARNING)
    try:
        yield
    finally:
        logging.disable(logging.NOTSET)
        sys.path[:] = path
