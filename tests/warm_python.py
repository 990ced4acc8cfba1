"""A Python that has imported the big libraries already, forked anew for each command of a workspace.

Importing torch, fastai and DVC takes most of the time of a small pipeline's stages. One process does it once for the
whole run: pytest-xdist's workers are told of it by the process that starts them (conftest.py). The script `bin/python`
that it writes stands in for `python -m ...` and `python -c ...`: it hands its arguments, environment, folder and open
files to a fork, which runs the module or the code as Python would, and exits as it did.
Nothing of the project is imported before the fork. joblib's worker processes start cold. Signals and the death of a
parent need a real process: commands that are interrupted or killed do not come here.
"""

import atexit
import gc
import importlib
import marshal
import os
import runpy
import select
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import traceback
import weakref
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import Any, NoReturn

START_S = 180
LIBRARIES = [
    "torch",
    "fastai.learner",
    "fastai.callback.schedule",
    "fastai.callback.channelslast",
    "fastai.callback.fp16",
    "timm",
    "pandas",
    "librosa",
    "librosa.core",
    "librosa.util",
    "scipy.optimize",
    "scipy.signal",
    "sklearn.metrics",
    "matplotlib.pyplot",
    "matplotlib.backends.backend_agg",
    "safetensors.torch",
    "joblib",
    "dacite",
    "rich.console",
    "pooch",
    "dvc.cli",
    "dvc.cli.parser",
    "dvc.repo",
    "dvc.repo.artifacts",
    "dvc.repo.checkout",
    "dvc.repo.datasets",
    "dvc.repo.fetch",
    "dvc.repo.graph",
    "dvc.repo.index",
    "dvc.repo.metrics",
    "dvc.repo.params",
    "dvc.repo.plots",
    "dvc.repo.pull",
    "dvc.repo.push",
    "dvc.repo.reproduce",
    "dvc.repo.stage",
    "dvc.repo.status",
    "dvc.repo.worktree",
    "dvc.info",
    "dvc.analytics",
    "dvc.cachemgr",
    "dvc.data_cloud",
    "dvc.rwlock",
    "dvc.utils.strictyaml",
    "dvc_data.hashfile.db.index",
    "dvc_data.hashfile.db.local",
    "dvc_data.hashfile.status",
    "dvc_data.index.checkout",
    "dvc_data.index.collect",
    "dvc_data.index.fetch",
    "dvc_data.index.push",
    "dvc_render.vega",
    "dvc.stage.serialize",
    "dvc.scm",
    "dvc_s3",
    "dvc_ssh",
    "dvc_webdav",
    "s3fs",
    "aiobotocore.session",
    "sshfs",
    "webdav4.fsspec",
    "fsspec.implementations.memory",
    "ruamel.yaml",
    "soundfile",
    "soxr",
    "numba",
    "networkx",
    "pygit2",
    "onnx.reference",
    "onnxruntime.quantization",
    "onnxscript.optimizer",
    "torch._dynamo",
    "torch._functorch.aot_autograd",
    "torch.export._trace",
    "torch.onnx._internal.exporter._core",
    "torch.onnx._internal.exporter._onnx_program",
]
# Without `socket` and `json`, whose imports take as long as all the rest. Worker processes of loky and multiprocessing
# start cold: they inherit open files by number, and a fork gets only the first three.
STAND_IN = """#!{python} -IS
import _socket, array, marshal, os, sys
kind, what = (*sys.argv[1:3], "", "")[:2]
if kind not in ("-m", "-c") or "joblib" in what or "multiprocessing" in what:
    os.execv({python!r}, [{python!r}, *sys.argv[1:]])
asked = _socket.socket(_socket.AF_UNIX)
asked.connect({address!r})
asked.sendmsg([b"!"], [(_socket.SOL_SOCKET, _socket.SCM_RIGHTS, array.array("i", [0, 1, 2]))])
asked.sendall(marshal.dumps([sys.argv, dict(os.environ), os.getcwd()]))
asked.shutdown(_socket.SHUT_WR)
sys.exit(int(asked.recv(9) or 1))
"""


# The environment, for processes that one which has started it starts.
SHARED = "WARM_PYTHON"


@cache
def warm_folder() -> Path:
    """Return the environment of `bin/python`: that of the process that started this one, or else a new one."""
    folder = Path(os.environ[SHARED]) if SHARED in os.environ else start()
    deadline = time.monotonic() + START_S
    while not (folder / "socket").exists():
        assert time.monotonic() < deadline, f"{folder}: no Python has started there"
        time.sleep(0.1)
    return folder


def start() -> Path:
    """Return a new environment of `bin/python` and `bin/dvc`; the process behind them ends with this one."""
    folder = Path(tempfile.mkdtemp(prefix="warm-python-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    address, scripts = folder / "socket", folder / "bin"
    scripts.mkdir()
    (scripts / "python").write_text(STAND_IN.format(python=sys.executable, address=str(address)))
    (scripts / "dvc").write_text(f'#!/bin/sh\nexec "{scripts}/python" -m dvc "$@"\n')
    for script in scripts.iterdir():
        script.chmod(0o755)
    server = subprocess.Popen([sys.executable, __file__, address], stdin=subprocess.PIPE)
    atexit.register(server.kill)
    return folder


def _serve(address: str) -> None:
    usual = [*sys.path]
    import torch._dynamo.utils

    for library in LIBRARIES:
        importlib.import_module(library)
    for finalizer in weakref.finalize._registry:
        finalizer.atexit = False  # of what is imported here: nothing of a fork's, which would spend half its time on it
    atexit.unregister(torch._dynamo.utils.dump_compile_times)
    gc.freeze()  # or each fork's collections would walk through, and copy, all that was imported
    sys.path[:] = usual  # onnxruntime adds a folder of its own with a module `benchmark`
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(address + ".new")
        listening.listen()
        Path(address + ".new").rename(address)  # there once it answers
        signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # nobody asks how a fork ended but through its connection
        while listening in select.select([listening, sys.stdin], [], [])[0]:
            connection, _ = listening.accept()
            if not os.fork():
                listening.close()
                _answer(connection)
            connection.close()


def _answer(connection: socket.socket) -> NoReturn:
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    code = 1
    try:
        _, files, _, _ = socket.recv_fds(connection, 1, 3)
        for number, file in enumerate(files):
            os.dup2(file, number)
            os.close(file)
        arguments, environment, folder = marshal.loads(connection.makefile("rb").read())
        code = _run(arguments, environment, folder)
    finally:
        with suppress(BaseException):
            threading._shutdown()  # joblib's workers end here; left alone they would hold the files open for minutes
            atexit._run_exitfuncs()
        for stream in (sys.stdout, sys.stderr):
            with suppress(Exception):
                stream.flush()
        with suppress(OSError):
            connection.sendall(str(code).encode())
        os._exit(code)


def _run(arguments: list[str], environment: dict[str, str], folder: str) -> int:
    os.environ.clear()
    os.environ.update(environment)
    os.chdir(folder)
    sys.orig_argv = [sys.executable, *arguments[1:]]
    sys.executable, kind, name, *rest = arguments  # what this process starts is warm, too
    sys.argv = [kind, *rest]
    sys.path[0:1] = [folder, *filter(None, environment.get("PYTHONPATH", "").split(os.pathsep))]
    importlib.invalidate_caches()
    try:
        for spy in (Path(path, "sitecustomize.py") for path in sys.path[1:]):
            if spy.exists():
                runpy.run_path(str(spy))
        if kind == "-m":
            runpy.run_module(name, run_name="__main__", alter_sys=True)
        else:
            namespace: dict[str, Any] = {"__name__": "__main__"}
            exec(compile(name, "<string>", "exec"), namespace)
    except SystemExit as ended:
        if isinstance(ended.code, str):
            print(ended.code, file=sys.stderr)
        return ended.code if isinstance(ended.code, int) else int(ended.code is not None)
    except BaseException:
        traceback.print_exc()
        return 1
    return 0


if __name__ == "__main__":
    _serve(sys.argv[1])
