"""An exported graph at a quarter of its size: linear layers in int8, other large weights in float16."""

import logging
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import onnx
from onnx import ModelProto, NodeProto, TensorProto, helper, numpy_helper

LARGE = 1 << 12  # weights of a linear layer: a smaller one stays as it is
HALVED = 1 << 16  # numbers in any other tensor that becomes float16
LEARNED = "network."
BLOCK = 128  # inputs that share a scale
INT8_ACTIVATIONS = 4


def to_int8(graph: ModelProto) -> ModelProto:
    """Return `graph` with quantised linear layers; activations are quantised as they come.

    Layers that narrow, a block's feed-forward output, get a scale for each `BLOCK` of inputs: behind the GELU a few
    inputs are far larger than all others, and would leave these one or two steps of a common scale. All others have
    one scale for the activations and one for each output's weights. Weights there are unsigned, because processors
    without VNNI overflow on products of unsigned and signed 8-bit numbers, and answers would depend on the machine.
    """
    shapes = {tensor.name: tuple(tensor.dims) for tensor in graph.graph.initializer}
    linear = {
        one.name: shapes[one.input[1]] for one in _products(graph) if np.prod(shapes.get(one.input[1], 0)) >= LARGE
    }
    narrowing = [name for name, (inputs, outputs) in linear.items() if inputs > outputs]
    with _quiet():
        small = _quantised(graph, [name for name in linear if name not in narrowing])
        return _halved(_in_blocks(small, narrowing))


def _products(graph: ModelProto) -> list[NodeProto]:
    return [node for node in graph.graph.node if node.op_type == "MatMul"]


def _quantised(graph: ModelProto, names: list[str]) -> ModelProto:
    from onnxruntime.quantization import QuantType, quantize_dynamic

    if not names:
        return graph
    with tempfile.TemporaryDirectory() as folder:  # the library goes from file to file
        before, after = Path(folder, "float32.onnx"), Path(folder, "int8.onnx")
        onnx.save(graph, before)
        quantize_dynamic(
            before,
            after,
            op_types_to_quantize=["MatMul"],
            nodes_to_quantize=names,
            per_channel=True,
            weight_type=QuantType.QUInt8,
        )
        small = onnx.load(after)
    small.graph.ClearField("value_info")
    return small


def _in_blocks(graph: ModelProto, names: list[str]) -> ModelProto:
    from onnxruntime.quantization.matmul_nbits_quantizer import DefaultWeightOnlyQuantConfig, MatMulNBitsQuantizer

    scheme = DefaultWeightOnlyQuantConfig(block_size=BLOCK, is_symmetric=True, accuracy_level=INT8_ACTIVATIONS, bits=8)
    others = [node.name for node in _products(graph) if node.name not in names]
    quantizer = MatMulNBitsQuantizer(graph, algo_config=scheme, nodes_to_exclude=others)
    quantizer.process()
    small: ModelProto = quantizer.model.model
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
