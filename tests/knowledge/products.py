"""Questions to the modules that know what builds leave for the run time."""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from typing import Any

from optimizer.knowledge.installs import HOLE, Call, Obstacle
from optimizer.knowledge.producers import product
from optimizer.knowledge.products import Made, Product
from optimizer.knowledge.running import Running
from tests.knowledge.conftest import MemoryFiles


def call(command: str, directory: str = "/app", env: Mapping[str, str] | None = None) -> Call:
    """Returns a command; ``HOLE`` in it stands for text that is not known."""
    words = tuple(word.replace("HOLE", HOLE) for word in shlex.split(command))
    return Call(words, directory, env or {})


def running(*commands: str, directory: str = "/app", opaque: str | None = None) -> Running:
    """Returns what a container runs that starts ``commands``."""
    calls = tuple(call(command, directory) for command in commands)
    return Running(calls, frozenset(each.program for each in calls), opaque=opaque)


def asked(
    command: str,
    files: Mapping[str, Any],
    runs: Running | Sequence[str] = (),
    *,
    env: Mapping[str, str] | None = None,
    directory: str = "/app",
    image: tuple[str, str] | None = None,
    made: Sequence[str] = (),
    before: Sequence[str] = (),
    products: Sequence[Product] = (),
) -> Product | Obstacle | None:
    """Asks what ``command`` leaves; files without a leading slash lie below /app."""
    content = {name if name.startswith("/") else f"/app/{name}": v for name, v in files.items()}
    started = runs if isinstance(runs, Running) else running(*runs)
    above = tuple(call(each, directory, env) for each in before)
    state = Made(
        image, MemoryFiles(content), started, tuple(made), before=above, products=tuple(products)
    )
    return product(call(command, directory, env), state)


def left(*arguments: Any, **options: Any) -> Product:
    """Asks as `asked` does, for a command whose product is known."""
    found = asked(*arguments, **options)
    assert isinstance(found, Product), found
    return found


def held(*arguments: Any, **options: Any) -> Obstacle:
    """Asks as `asked` does, for a command that holds back."""
    found = asked(*arguments, **options)
    assert isinstance(found, Obstacle), found
    return found
