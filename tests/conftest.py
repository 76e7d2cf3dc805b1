"""Options and lanes of the whole test suite."""

from __future__ import annotations

import os
import signal

import pytest
from hypothesis import settings

# Time is not what these tests are about, and a busy machine is no failure. A CI run judges a
# change, so it tries the same examples each time; new ones are for whoever works on the code.
settings.register_profile("dockopt", deadline=None, derandomize="CI" in os.environ)
settings.load_profile("dockopt")

LANES = {
    "engine": "as root on Debian 12: python -m tests.engine run",
    "clients": "package managers from their registries: python -m pytest --clients",
}
"""The tests that run only where they are asked for, by the name of their marker and option."""

HELD_BACK = pytest.StashKey[dict[str, int]]()


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--engine",
        action="store_true",
        help="also run the tests that need a Docker Engine (root on Debian 12)",
    )
    parser.addoption(
        "--clients",
        action="store_true",
        help="run the tests of package managers that are fetched from their registries, alone",
    )


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "engine: needs a Docker Engine; runs only with --engine")
    config.addinivalue_line(
        "markers", "clients: fetches package managers and runs them; only with --clients"
    )
    # What a shell puts in the background is deaf to Ctrl-C, what nohup starts to SIGHUP, and so is
    # all that they start: tests that send these would wait for ever.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.signal(signal.SIGHUP, signal.SIG_DFL)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leaves the lanes out unless they are asked for. The engine lane runs or fails then; the
    clients' lane skips, with a word, a client that cannot be had."""
    alone = config.getoption("--clients")
    left: dict[str, int] = {}
    out: list[pytest.Item] = []
    for item in items:
        lane = next((lane for lane in LANES if item.get_closest_marker(lane)), None)
        if lane is None:
            if alone:
                out.append(item)
        elif not config.getoption(f"--{lane}"):
            left[lane] = left.get(lane, 0) + 1
            out.append(item)
    if out:
        gone = set(map(id, out))
        items[:] = [item for item in items if id(item) not in gone]
        config.hook.pytest_deselected(items=out)
    config.stash[HELD_BACK] = left


def pytest_terminal_summary(
    terminalreporter: pytest.TerminalReporter, config: pytest.Config
) -> None:
    if config.getoption("--clients") or config.getoption("--engine"):
        return
    for lane, count in config.stash.get(HELD_BACK, {}).items():
        terminalreporter.write_line(f"{lane} lane: {count} tests not run; {LANES[lane]}")
