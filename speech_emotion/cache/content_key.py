"""What a cached log-mel was made from, as one hash: nothing to bump by hand when the algorithm changes."""

import ast
import hashlib
import importlib.metadata
import inspect
import json
from dataclasses import asdict
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from speech_emotion import audio, mel
from speech_emotion.encoders import protocol


def code_without_comments(source: str) -> str:
    """Return Python `source` without comments, docstrings and layout: what can change a result."""
    tree = ast.parse(source)
    for node in ast.walk(tree):
        if isinstance(node, (ast.Module, ast.ClassDef, ast.FunctionDef)) and ast.get_docstring(node) is not None:
            node.body = node.body[1:] or [ast.Pass()]
    return ast.unparse(tree)


@lru_cache
def code_of(thing: Any) -> str:
    """Return the code of a module, class or function; later calls, too, as it was imported, if its file has changed."""
    return code_without_comments(inspect.getsource(thing))


@lru_cache(maxsize=4)
def algorithm(encoder: str, settings: Any) -> bytes:
    """Return a description of `audio.py`, `mel.py`, its front end, the libraries below and `settings`."""
    frontend = protocol.frontend(encoder)
    sources: tuple[Any, ...] = (audio, mel, frontend, type(settings))
    code = [code_of(source) for source in sources]
    versions = {name: importlib.metadata.version(name) for name in frontend.LIBRARIES}
    return json.dumps([code, versions, asdict(settings)], sort_keys=True).encode()


def content_key(samples: NDArray[np.float32], sample_rate: int, encoder: str, settings: Any) -> str:
    """Return the sha256 of decoded `samples` `[frames, channels]`, their rate in Hz, the settings and the algorithm."""
    digest = hashlib.sha256(algorithm(encoder, settings))
    digest.update(f"{sample_rate} {samples.shape}".encode())
    digest.update(np.ascontiguousarray(samples, "<f4").data)
    return digest.hexdigest()
