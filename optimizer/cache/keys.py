"""Vertices and the parts of their cache keys.

A key is symbolic: where BuildKit has a digest, a part says what the digest is taken of, so two
versions of a file can be compared, and a difference named, without reading what is copied.
"""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass, field
from functools import cached_property
from typing import Literal, TypeAlias

from optimizer.context.gopath import PathPattern, PatternError
from optimizer.context.ignore import IgnoreRules, IgnoreSyntaxError
from optimizer.model.stages import Stage, Step

VERTICES = frozenset({"ADD", "COPY", "RUN", "WORKDIR"})
"""Instructions that BuildKit solves as a vertex of their own (``dispatch*`` in
``dockerfile2llb/convert.go``)."""

PartName: TypeAlias = Literal[
    "parent",
    "command",
    "environment",
    "user",
    "workdir",
    "network",
    "mounts",
    "platform",
    "path",
    "target",
    "sources",
    "owner",
    "mode",
    "layer",
    "context",
    "stage",
    "image",
    "remote",
    "text",
    "step",
]
"""``layer`` is the copy that a LINK puts on top; ``text`` the content of a here-document;
``step`` stands for the whole step where no older one corresponds to it."""


@dataclass(frozen=True, slots=True)
class Above:
    """The result of another vertex, by its position in the model."""

    number: int


@dataclass(frozen=True)
class Selection:
    """Files of the build context.

    ``patterns`` are paths relative to the context, cleaned (``""`` is all of it), with COPY's
    wildcards; ``excludes`` are values of ``--exclude``.
    """

    patterns: tuple[str, ...]
    excludes: tuple[str, ...] = ()

    def selects(self, path: str) -> bool:
        """Tells whether the context path ``path``, ignored or not, is among the files."""
        return any(self._matches(pattern, path) for pattern in self.patterns)

    def _matches(self, pattern: str, path: str) -> bool:
        if not pattern:
            return not self._excluded(path)
        if not is_wildcard(pattern):
            if path == pattern:
                return True
            return path.startswith(pattern + "/") and not self._excluded(path[len(pattern) + 1 :])
        names = path.split("/")
        depth = pattern.count("/") + 1
        return (
            len(names) >= depth
            and _glob(pattern, "/".join(names[:depth]))
            and not (len(names) > depth and self._excluded("/".join(names[depth:])))
        )

    def _excluded(self, path: str) -> bool:
        return self._rules.excludes(path)

    @cached_property
    def _rules(self) -> IgnoreRules:
        try:
            return IgnoreRules.parse("\n".join(self.excludes).encode("utf-8", "surrogateescape"))
        except IgnoreSyntaxError:
            return IgnoreRules.EMPTY


@dataclass(frozen=True, slots=True)
class StageFiles:
    """What lies at ``paths`` at the end of a stage; BuildKit compares it by content."""

    stage: int
    paths: tuple[str, ...]


Value: TypeAlias = Hashable
"""`Above`, `Selection` and `StageFiles` are looked up; everything else is compared as it is."""


@dataclass(frozen=True, slots=True)
class Part:
    """One thing that a cache key holds. ``words`` say it to people."""

    name: PartName
    value: Value
    words: str


@dataclass(frozen=True, eq=False)
class Vertex:
    """One step as BuildKit solves it.

    ``number`` is its position in the model; ``text`` is what BuildKit prints behind
    ``[stage n/m]``. A trigger of a stage below has a step of its own.
    """

    number: int
    step: Step = field(repr=False)
    stage: Stage = field(repr=False)
    text: str
    key: tuple[Part, ...] = field(repr=False)

    @property
    def selections(self) -> tuple[Selection, ...]:
        """The files of the build context that the key holds."""
        return tuple(part.value for part in self.key if isinstance(part.value, Selection))

    def part(self, name: PartName) -> Part | None:
        """Returns the first part called ``name``."""
        return next((part for part in self.key if part.name == name), None)


def is_wildcard(pattern: str) -> bool:
    """Tells whether COPY takes ``pattern`` for one (fsutil, containsWildcards)."""
    return any(mark in pattern for mark in "*?[")


def _glob(pattern: str, path: str) -> bool:
    try:
        return PathPattern(pattern).matches(path)
    except PatternError:
        return False
