"""Options and lanes of the whole test suite."""

from __future__ import annotations

import os

import pytest
from hypothesis import settings

# Time is not what these tests are about, and a busy machine is no failure. A CI run judges a
# change, so it tries the same examples each time; new ones are for whoever works on the code.
settings.register_profile("dockopt", deadline=None, derandomize="CI" in os.environ)
settings.load_profile("dockopt")

HELD_BACK = pytest.StashKey[int]()


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--engine",
        action="store_true",
        help="also run the tests that need a Docker Engine (root on Debian 12)",
    )


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "engine: needs a Docker Engine; runs only with --engine")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leaves the engine lane out unless it is asked for. Asked for, it runs or fails."""
    if config.getoption("--engine"):
        return
    lane = [item for item in items if item.get_closest_marker("engine")]
    if lane:
        items[:] = [item for item in items if not item.get_closest_marker("engine")]
        config.hook.pytest_deselected(items=lane)
        config.stash[HELD_BACK] = len(lane)


def pytest_terminal_summary(
    terminalreporter: pytest.TerminalReporter, config: pytest.Config
) -> None:
    if count := config.stash.get(HELD_BACK, 0):
        terminalreporter.write_line(
            f"engine lane: {count} tests not run; as root on Debian 12: python -m tests.engine run"
        )
