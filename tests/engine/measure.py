"""Which steps run again after a change: the same context built twice, and the two logs."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.engine.build import BuildResult, Vertex, build
from tests.engine.daemon import Engine

STEP = re.compile(r"\[(?:\S+ )? *\d+/\d+\] (?P<text>.*)", re.DOTALL)
"""BuildKit's name of a step: ``[builder  2/10] RUN make`` (dockerfile2llb, prefixCommand)."""

Change = Callable[[Path], object]
"""Changes a build context in place."""


@dataclass(frozen=True)
class Rebuild:
    """Two builds with a change in between."""

    first: BuildResult
    second: BuildResult

    @property
    def ran(self) -> frozenset[str]:
        """The steps that the second build ran, as BuildKit prints them without their number."""
        return frozenset(text for text, vertex in self._steps() if _ran(vertex))

    @property
    def cached(self) -> frozenset[str]:
        """The steps that the second build took from the cache."""
        return frozenset(text for text, vertex in self._steps() if vertex.cached)

    def _steps(self) -> list[tuple[str, Vertex]]:
        found = [(STEP.fullmatch(vertex.name), vertex) for vertex in self.second.vertexes]
        return [
            (match["text"], vertex)
            for match, vertex in found
            if match is not None and not match["text"].startswith("FROM ")
        ]


def rebuild(
    engine: Engine,
    context: Path,
    change: Change,
    *,
    before: Mapping[str, Any] | None = None,
    after: Mapping[str, Any] | None = None,
) -> Rebuild:
    """Builds ``context`` from an empty cache, changes it, and builds it again.

    ``before`` and ``after`` are options of `build` for the one or the other. Raises
    RuntimeError with the log where either build fails, since nothing was measured then.
    """
    engine.forget_builds()
    first = build(engine, context, **(before or {}))
    if not first.ok:
        raise RuntimeError(f"the first build failed:\n{first.log}")
    change(context)
    second = build(engine, context, **(after or {}))
    if not second.ok:
        raise RuntimeError(f"the second build failed:\n{second.log}")
    return Rebuild(first, second)


def write(path: str, text: str) -> Change:
    """Replaces or makes a file."""

    def change(context: Path) -> None:
        (context / path).parent.mkdir(parents=True, exist_ok=True)
        (context / path).write_text(text)

    return change


def edit(old: str, new: str) -> Change:
    """Replaces ``old`` by ``new`` in the Dockerfile, which has to have it."""

    def change(context: Path) -> None:
        dockerfile = context / "Dockerfile"
        text = dockerfile.read_text()
        assert old in text, f"{old!r} is not in the Dockerfile"
        dockerfile.write_text(text.replace(old, new))

    return change


def chmod(path: str, mode: int) -> Change:
    """Gives a file another mode."""
    return lambda context: (context / path).chmod(mode)


def chown(path: str, uid: int) -> Change:
    """Gives a file another owner."""
    return lambda context: os.chown(context / path, uid, uid)


def touch(path: str) -> Change:
    """Gives a file another modification time and nothing else."""
    return lambda context: os.utime(context / path, (1, 1))


def rename(old: str, new: str) -> Change:
    """Renames a file."""

    def change(context: Path) -> None:
        (context / old).rename(context / new)

    return change


def mkdir(path: str) -> Change:
    """Makes an empty directory."""
    return lambda context: (context / path).mkdir(parents=True)


def nothing(context: Path) -> None:
    """Leaves the context as it is."""


def _ran(vertex: Vertex) -> bool:
    return not vertex.cached and vertex.completed is not None
