"""The real Dockerfiles that several tests of this folder go over."""

from __future__ import annotations

import os
from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def corpus() -> dict[str, bytes]:
    """The files of the corpus by name; skips the test where there is none."""
    folder = os.environ.get("DOCKOPT_CORPUS")
    if not folder:
        pytest.skip("DOCKOPT_CORPUS is not set: it names a folder that holds dockerfiles/")
    files = {path.name: path.read_bytes() for path in Path(folder, "dockerfiles").iterdir()}
    assert files, "the corpus is empty"
    return dict(sorted(files.items()))
