"""The cache model of one version of a file, and what two versions have in common."""

from __future__ import annotations

import os
from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property

from optimizer.cache.contents import Algebra, Contents, T
from optimizer.cache.keys import Selection, Vertex
from optimizer.cache.vertices import Builder
from optimizer.context.tree import BuildContext, ContextError
from optimizer.cst.nodes import Dockerfile
from optimizer.effects.copies import CopyStep, ForeignCopy
from optimizer.effects.effects import Effects
from optimizer.model.stages import Invocation, Stages, Step

MOST_COMPARED = 100_000
"""Files that are listed to compare what two ignore files let through."""


@dataclass(frozen=True, slots=True)
class ContextChange:
    """A change of the build context; paths are relative to it.

    ``changed`` are files that get another content or mode, ``added`` and ``removed`` those that
    come and go, new empty directories among them. Modification times, owners and the modes
    of directories make no difference and are no change.
    """

    changed: tuple[str, ...] = ()
    added: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()

    @property
    def paths(self) -> tuple[str, ...]:
        """Everything that the change touches."""
        return tuple(
            dict.fromkeys(path.strip("/") for path in (*self.changed, *self.added, *self.removed))
        )


@dataclass(frozen=True)
class CacheModel:
    """What BuildKit solves for one Dockerfile, context and invocation.

    ``effects`` and ``copy`` say what a step does; they are asked only for stages whose content
    is copied. ``merges`` says that the builder has merge operations, which ``--link`` needs:
    the containerd image store and the docker-container driver have, the classic store has
    not. ``versions`` counts the changes of context files since the model was made.
    """

    dockerfile: Dockerfile
    stages: Stages
    context: BuildContext
    invocation: Invocation
    effects: Callable[[Step], Effects] = field(repr=False)
    copy: Callable[[Step], CopyStep | ForeignCopy] = field(repr=False)
    merges: bool = False
    versions: Mapping[str, int] = field(default_factory=dict, repr=False)

    @cached_property
    def _built(self) -> Builder:
        builder = Builder(self.dockerfile, self.stages, self.invocation, self.merges)
        builder.build()
        return builder

    @cached_property
    def vertices(self) -> tuple[Vertex, ...]:
        """The vertices that the target needs, in build order."""
        return tuple(self._built.vertices)

    def after(self, change: ContextChange) -> CacheModel:
        """Returns the model of the same file in a context with ``change``."""
        versions = dict(self.versions)
        for path in change.paths:
            versions[path] = versions.get(path, 0) + 1
        changed = replace(self, versions=versions)
        if "_built" in self.__dict__:
            changed.__dict__["_built"] = self._built
        return changed

    @property
    def dockerfile_path(self) -> str | None:
        """The Dockerfile's path in the context, None where it lies outside."""
        if self.context.dockerfile is None:
            return None
        path = os.path.relpath(self.context.dockerfile, self.context.root).replace(os.sep, "/")
        return None if path.startswith("../") else path

    def evaluate(self, algebra: Algebra[T]) -> Contents[T]:
        """Returns the result of every vertex and of every part of its key."""
        contents = Contents(self.stages, self._built.layers, self.effects, self.copy, algebra)
        for vertex in self.vertices:
            parts = tuple(contents.value(vertex, part.value, part.name) for part in vertex.key)
            contents.parts.append(parts)
            contents.results.append(algebra.combine("vertex", parts))
        return contents


@dataclass
class Comparison:
    """The keys of two models in one numbering: equal numbers are equal keys."""

    before: CacheModel
    after: CacheModel
    _numbers: dict[tuple[Hashable, tuple[int, ...]], int] = field(default_factory=dict)
    _same: dict[Selection, bool] = field(default_factory=dict)

    def keys(self) -> tuple[Contents[int], Contents[int]]:
        """Returns the evaluation of the one and the other."""
        before = self.before.evaluate(Algebra(self._number, self._old))
        return before, self.after.evaluate(Algebra(self._number, self._new))

    def _number(self, name: Hashable, children: Sequence[int]) -> int:
        return self._numbers.setdefault((name, tuple(children)), len(self._numbers))

    def _old(self, _: Vertex, selection: Selection) -> int:
        return self._number(("context", selection, 0), ())

    def _new(self, _: Vertex, selection: Selection) -> int:
        if selection not in self._same:
            self._same[selection] = self._is_same(selection)
        return self._number(("context", selection, int(not self._same[selection])), ())

    def _is_same(self, selection: Selection) -> bool:
        if any(self._is_taken(selection, path) for path in self._differing):
            return False
        if not self._other_rules:
            return True
        return _listing(self.before.context, selection) == _listing(self.after.context, selection)

    def _is_taken(self, selection: Selection, path: str) -> bool:
        if not any(selection.selects(each) for each in self._names(path)):
            folder = path + "/"
            if not any(pattern.startswith(folder) for pattern in selection.patterns):
                return False
        return not (_excluded(self.before.context, path) and _excluded(self.after.context, path))

    def _names(self, path: str) -> tuple[str, ...]:
        return (path,)

    @cached_property
    def _differing(self) -> frozenset[str]:
        """The context paths whose content, mode or presence differs."""
        one, other = self.before, self.after
        paths = {path for path, _ in one.versions.items() ^ other.versions.items()}
        written = one.context.written.items() ^ other.context.written.items()
        paths |= {path for path, _ in written}
        path = other.dockerfile_path
        if path is not None and one.dockerfile.source.text != other.dockerfile.source.text:
            paths.add(path)
        return frozenset(paths)

    @cached_property
    def _other_rules(self) -> bool:
        one, other = self.before.context, self.after.context
        return one is not other and _rules(one) != _rules(other)


def _rules(context: BuildContext) -> str:
    try:
        return context.rules.text
    except ContextError as error:
        return str(error)


def _excluded(context: BuildContext, path: str) -> bool:
    try:
        return context.excluded(path)
    except ContextError:
        return False


def _listing(context: BuildContext, selection: Selection) -> list[tuple[str, str]] | None:
    """Returns the paths and kinds that a build would send of a selection; None for too many."""
    found: list[tuple[str, str]] = []
    try:
        for pattern in selection.patterns:
            for entry in context.glob(pattern or "."):
                for each in context.files(entry.path):
                    if selection.selects(each.path):
                        found.append((each.path, each.kind))
                    if len(found) > MOST_COMPARED:
                        return None
    except ContextError as error:
        return [(str(error), "error")]
    return found
