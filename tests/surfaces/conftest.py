"""A forge of ours with one repository, for the tests of `dockopt pr`."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.forge.server import ForgeServer, forge_server
from tests.surfaces.shops import Shop


@pytest.fixture
def nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    """No configuration of the one who runs the tests counts."""
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", os.devnull)
    monkeypatch.setenv("GIT_CONFIG_NOSYSTEM", "1")


@pytest.fixture
def server(tmp_path: Path) -> Iterator[ForgeServer]:
    with forge_server(tmp_path / "repositories") as found:
        yield found


@pytest.fixture
def shop(server: ForgeServer) -> Shop:
    return Shop.at(server.bare)
