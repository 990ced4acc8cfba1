"""A model of known answers, and the page's server with it."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.app.loudness import export_loudness
from tools.page import serving


@pytest.fixture(scope="session")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return export_loudness(tmp_path_factory.mktemp("loudness"))


@pytest.fixture(scope="session")
def temporary(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the server may put temporary files."""
    return tmp_path_factory.mktemp("temporary")


@pytest.fixture(scope="session")
def address(model: Path, temporary: Path) -> Iterator[str]:
    """The page, on this computer."""
    with serving(model, **os.environ | {"TMPDIR": str(temporary)}) as address:
        yield address
