"""Files from strangers: none is run as code, none leads to a shell, none points outside itself.

Bounds of archives are in `fetching/test_archives.py`, a pickle under a model's name in `model/test_checkpoint.py`,
damaged files of every kind in `test_fuzz.py`.
"""

import ast
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import onnx
import psutil
import pytest
from onnx import ModelProto, TensorProto, helper, numpy_helper

from speech_emotion.core.errors import PipelineError
from speech_emotion.encoders import protocol
from speech_emotion.predict.session import ExportedModel
from tests.predict.tiny import export_tiny, replace_network
from tests.workspace import ROOT

FLOATS = 2**34  # 64 GB
PACKAGES = ("benchmark", "demo", "speech_emotion", "stages", "tools")
# Loaders that can run what they load.
UNPICKLERS = ("cloudpickle", "dill", "joblib.load", "marshal", "pandas.read_pickle", "pickle", "shelve")
SHELLS = ("os.popen", "os.system", "subprocess.getoutput", "subprocess.getstatusoutput")


def calls() -> Iterator[tuple[str, ast.Call]]:
    """Each call in the project's own code, with its place."""
    listed = subprocess.run(["git", "ls-files", "-z", *PACKAGES], cwd=ROOT, check=True, capture_output=True, text=True)
    for file in filter(lambda name: name.endswith(".py"), listed.stdout.split("\0")):
        for node in ast.walk(ast.parse((ROOT / file).read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call):
                yield f"{file}:{node.lineno}", node


def given(call: ast.Call, keyword: str) -> object:
    values = [one.value for one in call.keywords if one.arg == keyword]
    return values[0].value if values and isinstance(values[0], ast.Constant) else None


def runs_what_it_loads(call: ast.Call) -> bool:
    name = ast.unparse(call.func)
    if name == "torch.load":  # of a weights file as torchvision publishes it: tensors alone, nothing is called
        return given(call, "weights_only") is not True
    plain = name.replace("np.", "numpy.").replace("pd.", "pandas.")
    return (
        plain.startswith(UNPICKLERS)
        or plain in ("eval", "exec", "yaml.load", "yaml.unsafe_load", "yaml.full_load")
        or given(call, "allow_pickle") is True
    )


def goes_through_a_shell(call: ast.Call) -> bool:
    name = ast.unparse(call.func)
    return name in SHELLS or any(one.arg == "shell" for one in call.keywords)


@pytest.mark.parametrize("forbidden", [runs_what_it_loads, goes_through_a_shell])
def test_no_line_of_the_project(forbidden: Callable[[ast.Call], bool]) -> None:
    # The tour's cells are the project's own code, in a notebook that Git holds.
    assert [place for place, call in calls() if forbidden(call) and not place.startswith("tools/tour.py:")] == []


@pytest.mark.parametrize(
    "line",
    ["pickle.load(file)", "torch.load(file)", "np.load(file, allow_pickle=True)", "yaml.load(text)", "eval(text)"],
)
def test_the_search_finds_what_runs_what_it_loads(line: str) -> None:
    call = ast.parse(line, mode="eval").body
    assert isinstance(call, ast.Call)
    assert runs_what_it_loads(call)


@pytest.mark.parametrize("line", ["os.system(name)", "subprocess.run(f'ls {name}', shell=True)"])
def test_the_search_finds_shells(line: str) -> None:
    call = ast.parse(line, mode="eval").body
    assert isinstance(call, ast.Call)
    assert goes_through_a_shell(call)


def test_nothing_imports_an_unpickler() -> None:
    listed = subprocess.run(["git", "ls-files", "-z", *PACKAGES], cwd=ROOT, check=True, capture_output=True, text=True)
    for file in filter(lambda name: name.endswith(".py"), listed.stdout.split("\0")):
        for node in ast.walk(ast.parse((ROOT / file).read_text(encoding="utf-8"))):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            names += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            assert not set(names) & set(UNPICKLERS), file


@pytest.mark.parametrize("where", ["secret.bin", "../secret.bin", "{folder}/secret.bin"])
def test_a_network_cannot_read_weights_from_another_file(tmp_path: Path, where: str) -> None:
    model = export_tiny(tmp_path / "models")
    graph = onnx.load(model)
    largest = max(graph.graph.initializer, key=lambda one: len(one.raw_data))
    for place in (tmp_path / "secret.bin", tmp_path / "models" / "secret.bin"):
        place.write_bytes(largest.raw_data)  # it would fit
    largest.ClearField("raw_data")
    largest.data_location = TensorProto.EXTERNAL
    largest.external_data.add(key="location", value=where.format(folder=tmp_path))
    replace_network(model, graph.SerializeToString())
    with pytest.raises(PipelineError, match="onnxruntime cannot load it") as caught:
        ExportedModel(model)(np.zeros(16000, np.float32))
    assert "\n" not in str(caught.value)


def pad_a_convolution(network: ModelProto) -> None:
    node = next(one for one in network.graph.node if one.op_type == "Conv")
    pads = next(one for one in node.attribute if one.name == "pads")
    del pads.ints[:]
    pads.ints.extend([FLOATS, 0])


def expand_the_answer(network: ModelProto) -> None:
    [node] = [one for one in network.graph.node if "embedding" in one.output]
    node.output[:] = ["small"]
    network.graph.initializer.append(numpy_helper.from_array(np.array([FLOATS // 64, 1], np.int64), "rows"))
    network.graph.node.append(helper.make_node("Expand", ["small", "rows"], ["embedding"]))


def multiply_out(network: ModelProto) -> None:
    [node] = [one for one in network.graph.node if "embedding" in one.output]
    node.output[:] = ["small"]
    for name, shape in (("column", [-1, 1]), ("row", [1, -1])):
        network.graph.initializer.append(numpy_helper.from_array(np.array(shape, np.int64), f"{name}_shape"))
        network.graph.node.append(helper.make_node("Reshape", ["waveform", f"{name}_shape"], [name]))
    network.graph.node.append(helper.make_node("MatMul", ["column", "row"], ["square"]))
    network.graph.node.append(helper.make_node("ReduceMax", ["square"], ["most"], keepdims=0))
    network.graph.node.append(helper.make_node("Add", ["small", "most"], ["embedding"]))


@pytest.mark.parametrize("change", [pad_a_convolution, expand_the_answer, multiply_out])
def test_a_network_that_would_fill_the_memory_is_refused(tmp_path: Path, change: Callable[[ModelProto], None]) -> None:
    path = export_tiny(tmp_path)
    network = onnx.load(path)
    change(network)
    replace_network(path, network.SerializeToString())
    model, before = ExportedModel(path), psutil.Process().memory_info().rss
    with pytest.raises(PipelineError, match=r"emotion\.onnx: takes more than \d+ MB for an answer; export it again"):
        model(np.zeros(480_000, np.float32))
    assert psutil.Process().memory_info().rss - before < 100e6


@pytest.mark.parametrize("name", ["hf-hub:timm/resnet18.a1_in1k", "local-dir:/tmp/model", "../resnet18"])
@pytest.mark.parametrize("encoder", ["image", "speech"])
def test_a_model_cannot_name_a_network_that_lies_elsewhere(encoder: str, name: str) -> None:
    with pytest.raises(PipelineError, match="backbone"):
        protocol.network(encoder).build(name, None)
