"""An exported model that answers, within bounded memory."""

import hashlib
import os
from collections.abc import Callable
from contextlib import ExitStack, suppress
from functools import cache, partial
from pathlib import Path
from threading import BoundedSemaphore, Lock
from typing import Any

import numpy as np
import onnxruntime
from numpy.typing import NDArray

from speech_emotion.core.errors import PipelineError, one_line
from speech_emotion.predict.model import description_path, read_description

Floats = NDArray[np.float32]
Move = tuple[Floats, Floats]  # scale and shift of an embedding, `[D]` each

RELEASED = Path(__file__).resolve().parents[1] / "released" / "emotion.int8.onnx"
QUIET = 4  # not even errors, which come as exceptions
# For all answers at a time: about 30 s, whisper-base takes 270 MB and whisper-small 500.
MOST_MB, MOST_MB_A_CORE = 900, 350
TOGETHER = 64  # answers at most, of models that did not come along
FULL = "Available memory of"  # so the runtime begins to say that they take more


class ExportedModel:
    """A model that answers. Several threads may ask at once; nothing that is loaded is run as code."""

    def __init__(self, path: Path) -> None:
        """Read `path` and its description. An answer takes one thread: the runtime's int8 gains nothing by more.

        Raises:
            PipelineError: a file is missing, or they do not belong together.
        """
        self.path, content = path, _read(path)
        self.description = read_description(description_path(path))
        if hashlib.sha256(content).hexdigest() not in self.description.files.values():
            raise PipelineError(f"{path}: is not the file that {description_path(path)} describes; export both again")
        self._arena = None if path == RELEASED else _arena()
        self._session = _session(path, content, self._arena)

    def __call__(
        self, waveform: Floats, windows: Floats | None = None, move: Move | None = None
    ) -> tuple[Floats, Floats]:
        """Return probabilities `[N, emotions]` and embeddings `[N, D]`, these as they were before they moved.

        Args:
            waveform: `[samples]` at the description's rate, from `shortest_s` to `longest_s` long.
            windows: `[N, 2]`, start and end in seconds of what is asked about; without it all, N is 1.
            move: scale and shift of the embeddings before they are classified.

        Raises:
            PipelineError: the runtime fails, the answer takes too much memory, or has another form than the
                description says.
        """
        inputs = {"waveform": waveform.astype(np.float32, copy=False)}
        if windows is not None:
            inputs["windows"] = windows.astype(np.float32, copy=False)
        if move is not None:
            inputs["scale"], inputs["shift"] = move
        run = partial(self._session.run, ["probabilities", "embedding"], inputs)
        try:
            probabilities, embeddings = self._arena.give(run) if self._arena else run()
        except Exception as error:  # the runtime's own exceptions have no class in common
            if self._arena and FULL in str(error):
                took = f"takes more than {self._arena.most_mb} MB for an answer"
                raise PipelineError(f"{self.path}: {took}; export it again, with a smaller encoder") from error
            raise PipelineError(f"{self.path}: gives no answer ({one_line(error)}); export it again") from error
        shapes = np.shape(probabilities)[1:], np.shape(embeddings)[1:]
        expected = (len(self.description.emotions),), self.description.reference.mean.shape
        if shapes != expected or not np.isfinite(probabilities).all():
            raise PipelineError(f"{self.path}: answers with {shapes}, its description says {expected}; export it again")
        return probabilities, embeddings


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        if path == RELEASED:
            way_out = "name one with --model PATH, or train and `make release`"
            raise PipelineError(f"{path}: no model came along with this installation; {way_out}") from error
        raise PipelineError(f"{path}: cannot be read ({error.strerror}); name a model that `export` wrote") from error


def _session(path: Path, content: bytes, arena: "_Arena | None") -> onnxruntime.InferenceSession:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.log_severity_level = QUIET
    if arena:
        options.add_session_config_entry("session.use_env_allocators", "1")  # `arena`
        options.add_session_config_entry("session.use_device_allocator_for_initializers", "1")  # weights lie elsewhere
    try:  # from its content, so that it can name no other file
        return onnxruntime.InferenceSession(content, options, providers=["CPUExecutionProvider"])
    except Exception as error:  # the runtime's own exceptions have no class in common
        raise PipelineError(f"{path}: onnxruntime cannot load it ({one_line(error)}); export it again") from error


class _Arena:
    """Memory for the answers of all models that did not come along: a file may ask for more than the machine has."""

    def __init__(self) -> None:
        self.most_mb = max(MOST_MB, MOST_MB_A_CORE * cores())
        kind, place = onnxruntime.OrtAllocatorType.ORT_ARENA_ALLOCATOR, onnxruntime.OrtMemType.DEFAULT
        # Strategy 1 takes no more than is asked for, in pieces that `_options` let it give back after each answer.
        limits = onnxruntime.OrtArenaCfg({"max_mem": self.most_mb << 20, "arena_extend_strategy": 1})
        with suppress(RuntimeError):  # the program around this one has set its own arena up
            onnxruntime.create_and_register_allocator(onnxruntime.OrtMemoryInfo("Cpu", kind, 0, place), limits)
        self._options = onnxruntime.RunOptions()
        self._options.add_run_config_entry("memory.enable_memory_arena_shrinkage", "cpu:0")
        self._places, self._gate = BoundedSemaphore(TOGETHER), Lock()

    def give(self, run: Callable[[onnxruntime.RunOptions], Any]) -> Any:
        """Return what `run` returns; where others leave it too little memory, once more when they have ended."""
        with self._gate:  # behind one that waits for all places
            self._places.acquire()
        try:
            return run(self._options)
        except Exception as error:
            if FULL not in str(error):
                raise
        finally:
            self._places.release()
        with self._gate, ExitStack() as stack:
            for _ in range(TOGETHER):
                stack.enter_context(self._places)
            return run(self._options)


_arena = cache(_Arena)  # one a process: the runtime knows no other


def cores() -> int:
    """Return how many of the processor's cores this process may use."""
    # macOS does not say how many of its cores this process may use.
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
