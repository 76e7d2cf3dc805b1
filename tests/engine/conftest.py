"""The session's private engine, started for the first test that asks for it."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from pathlib import Path

import pytest

from tests.engine.bases import SMALLEST, make_room, provide
from tests.engine.daemon import Engine, Store, start_engine
from tests.engine.image import ImageReader

ENGINE = pytest.StashKey[Engine]()


@pytest.fixture(scope="session")
def engine(request: pytest.FixtureRequest) -> Iterator[Engine]:
    """A running engine without any image. It is gone when the session ends."""
    started = start_engine()
    request.config.stash[ENGINE] = started
    try:
        yield started
    finally:
        started.stop()


@pytest.fixture(scope="session")
def containerd_engine() -> Iterator[Engine]:
    """A running engine with the containerd image store and the smallest stand-in."""
    started = start_engine(store=Store.CONTAINERD)
    try:
        provide(started, [SMALLEST])
        yield started
    finally:
        started.stop()


@pytest.fixture(scope="module", autouse=True)
def _room(request: pytest.FixtureRequest) -> None:
    """Lets a module begin with room for the engine's files."""
    if ENGINE in request.config.stash:
        make_room(request.config.stash[ENGINE])


@pytest.fixture(scope="session")
def busybox(engine: Engine) -> str:
    """The name of the smallest stand-in, present in the engine."""
    provide(engine, [SMALLEST])
    return SMALLEST


@pytest.fixture(scope="session")
def images(engine: Engine) -> ImageReader:
    """Reads the engine's images."""
    return ImageReader(engine)


@pytest.fixture
def context(tmp_path: Path) -> Path:
    """An empty build context, with nothing beside it that a build could see."""
    folder = tmp_path / "context"
    folder.mkdir()
    return folder


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item,
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Shows the end of the engine's own log beside a failure."""
    report = yield
    if report.failed and ENGINE in item.config.stash:
        engine = item.config.stash[ENGINE]
        report.sections.append((f"engine log {engine.log}", engine.log_tail()))
    return report
