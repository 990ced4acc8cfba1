"""An exported graph at a quarter of its size: linear layers in int8, other large weights in float16."""

import tempfile
from pathlib import Path

import numpy as np
import onnx
from onnx import ModelProto, TensorProto, helper, numpy_helper
from onnxruntime.quantization import QuantType, quantize_dynamic

LARGE = 1 << 15  # numbers in a tensor: smaller ones stay as they are
LEARNED = "network."


def to_int8(graph: ModelProto) -> ModelProto:
    """Return `graph` with dynamically quantised linear layers; activations are quantised as they come.

    Weights have 7 bits: where a processor adds pairs of 8-bit products in 16 bits (AVX2 without VNNI), 8 would
    overflow and answers would depend on the machine.
    """
    weights = {tensor.name: int(np.prod(tensor.dims)) for tensor in graph.graph.initializer}
    linear = [one.name for one in graph.graph.node if one.op_type == "MatMul" and weights.get(one.input[1], 0) >= LARGE]
    with tempfile.TemporaryDirectory() as folder:  # the library goes from file to file
        before, after = Path(folder, "float32.onnx"), Path(folder, "int8.onnx")
        onnx.save(graph, before)
        quantize_dynamic(
            before,
            after,
            op_types_to_quantize=["MatMul"],
            nodes_to_quantize=linear,
            per_channel=True,
            reduce_range=True,
            weight_type=QuantType.QInt8,
        )
        small = onnx.load(after)
    small.graph.ClearField("value_info")
    return _halved(small)


def _halved(graph: ModelProto) -> ModelProto:
    """Store large learned float32 tensors as float16; the runtime casts them back as it loads them."""
    casts = []
    for tensor in graph.graph.initializer:
        if tensor.data_type == TensorProto.FLOAT and np.prod(tensor.dims) >= LARGE and LEARNED in tensor.name:
            name, half = tensor.name, numpy_helper.to_array(tensor).astype(np.float16)
            tensor.CopyFrom(numpy_helper.from_array(half, f"{name}.float16"))
            casts.append(helper.make_node("Cast", [tensor.name], [name], f"cast {name}", to=TensorProto.FLOAT))
    nodes = [*casts, *graph.graph.node]
    graph.graph.ClearField("node")
    graph.graph.node.extend(nodes)
    onnx.checker.check_model(graph)
    return graph
