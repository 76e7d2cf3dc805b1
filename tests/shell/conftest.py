"""The real Dockerfiles that several tests of this folder go over."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.shell.corpus import CorpusRun, runs_of


@pytest.fixture(scope="session")
def corpus() -> tuple[CorpusRun, ...]:
    """The RUN instructions of the corpus; skips the test where there is none."""
    folder = os.environ.get("DOCKOPT_CORPUS")
    if not folder:
        pytest.skip("DOCKOPT_CORPUS is not set: it names a folder that holds dockerfiles/")
    paths = sorted(Path(folder, "dockerfiles").iterdir())
    assert paths, "the corpus is empty"
    return tuple(found for path in paths for found in runs_of(path.name, path.read_bytes()))
