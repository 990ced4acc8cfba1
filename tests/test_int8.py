"""The small form on layers whose sums are as large as 8 bits allow."""

import numpy as np
from onnx import TensorProto, helper, numpy_helper
from onnxruntime import InferenceSession

from speech_emotion.int8 import LARGE, to_int8


def test_no_processor_overflows_on_the_largest_numbers() -> None:
    width = round(LARGE**0.5)
    weights = np.full((width, width), 0.5, np.float32)
    weights[:, 1::2] *= -1
    values = [helper.make_tensor_value_info(name, TensorProto.FLOAT, [1, width]) for name in ("x", "y")]
    layer = helper.make_node("MatMul", ["x", "weights"], ["y"], "layer")
    graph = helper.make_graph(
        [layer], "one layer", values[:1], values[1:], [numpy_helper.from_array(weights, "weights")]
    )
    small = to_int8(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 20)], ir_version=10))
    assert "weights" not in {tensor.name for tensor in small.graph.initializer}
    for x in (np.ones((1, width), np.float32), -np.ones((1, width), np.float32)):
        (found,) = InferenceSession(small.SerializeToString()).run(None, {"x": x})
        np.testing.assert_allclose(found, x @ weights, rtol=0.02)
