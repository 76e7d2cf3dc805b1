"""What lies at a path of a stage, as far as the steps that wrote it say.

The content is symbolic: the steps and commands that write at or around the path, in their
order, each with what it reads. A step whose effects are not known, that asks other machines
or does not repeat itself stands for itself with its whole key: it may come out the same.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from optimizer.cache.keys import Above, Selection, StageFiles, Vertex, is_wildcard
from optimizer.effects.copies import CopyStep, ForeignCopy, is_below
from optimizer.effects.effects import CommandEffects, Effects
from optimizer.effects.paths import Paths
from optimizer.model.stages import StageBase, Stages, Step

T = TypeVar("T")

DEEPEST = 50
"""How long a chain of reads is followed; behind it a step stands for itself."""

STEADY = frozenset(
    (
        "[", "basename", "cat", "chgrp", "chmod", "chown", "cp", "cut", "dirname", "echo", "false",
        "grep", "head", "install", "ln", "ls", "mkdir", "mv", "printf", "rm", "rmdir", "sed",
        "sort", "tail", "tee", "test", "touch", "tr", "true", "uniq", "wc",
    )
)  # fmt: skip
"""Commands that write the same content and modes whenever they read the same (POSIX.1-2017,
XCU). Times differ, which BuildKit leaves out of a file's digest (cache/contenthash)."""

MOST_LOOKS = 50_000
"""Commands that are looked at in one evaluation; behind it a stage stands for itself."""


@dataclass(frozen=True)
class Algebra(Generic[T]):
    """What is made of a graph: keys to compare, or sets of scenarios.

    ``combine`` joins results under a name, ``context`` answers for files of the build context
    that a vertex takes.
    """

    combine: Callable[[Hashable, Sequence[T]], T]
    context: Callable[[Vertex, Selection], T]


@dataclass(frozen=True)
class Event:
    """Something that writes: a vertex, or one command of a RUN."""

    vertex: Vertex
    command: CommandEffects | None = None


@dataclass
class Contents(Generic[T]):
    """Answers for the paths of all stages in one evaluation.

    ``results`` holds the result of each vertex so far, ``parts`` that of its key's parts.
    """

    stages: Stages
    layers: dict[int, list[Vertex]]
    effects: Callable[[Step], Effects]
    copy: Callable[[Step], CopyStep | ForeignCopy]
    algebra: Algebra[T]
    results: list[T] = field(default_factory=list)
    parts: list[tuple[T, ...]] = field(default_factory=list)
    _events: dict[int, list[Event]] = field(default_factory=dict)
    _known: dict[tuple[int, int, str], T] = field(default_factory=dict)
    _looks: int = 0

    def value(self, vertex: Vertex, value: Hashable, name: Hashable) -> T:
        """Returns the result of one part of the key of ``vertex``."""
        if isinstance(value, Above):
            return self.results[value.number]
        if isinstance(value, Selection):
            return self.algebra.context(vertex, value)
        if isinstance(value, StageFiles):
            found = [self.at(value.stage, None, path, 0) for path in value.paths]
            return self.algebra.combine("files", found)
        return self.algebra.combine((name, value), ())

    def at(self, stage: int, behind: int | None, path: str, depth: int) -> T:
        """Returns what lies at ``path`` behind the first ``behind`` events of a stage, None
        for all of them."""
        events = self._stage_events(stage)
        end = len(events) if behind is None else behind
        known = self._known.get((stage, end, path))
        if known is not None:
            return known
        if self._looks > MOST_LOOKS or depth > DEEPEST:
            return self._whole(stage)
        found = self._below(stage, path, depth)
        for number, event in enumerate(events[:end]):
            self._looks += 1
            written = self._written(stage, number, event, path, depth)
            if written is not None:
                found = self.algebra.combine("then", (found, written))
        self._known[stage, end, path] = found
        return found

    def _whole(self, stage: int) -> T:
        layers = self.layers.get(stage)
        return self.results[layers[-1].number] if layers else self._below(stage, "/", DEEPEST)

    def _below(self, stage: int, path: str, depth: int) -> T:
        base = self.stages.stages[stage].base
        if isinstance(base, StageBase):
            return self.at(base.stage.index, None, path, depth + 1)
        return self.algebra.combine(("base", base_token(base)), ())

    def _stage_events(self, stage: int) -> list[Event]:
        if stage not in self._events:
            layers = self.layers.get(stage, ())
            self._events[stage] = [event for vertex in layers for event in self._of(vertex)]
        return self._events[stage]

    def _of(self, vertex: Vertex) -> Iterator[Event]:
        if vertex.step.instruction.keyword != "RUN":
            yield Event(vertex)
            return
        effects = self.effects(vertex.step)
        if effects.commands and effects.obstacle is None:
            for command in effects.commands:
                yield Event(vertex, command)
        else:
            yield Event(vertex)

    def _written(self, stage: int, number: int, event: Event, path: str, depth: int) -> T | None:
        match event.vertex.step.instruction.keyword:
            case "RUN":
                return self._run(stage, number, event, path, depth)
            case "WORKDIR":
                return self._workdir(event.vertex, path)
        return self._copied(event.vertex, path)

    def _run(self, stage: int, number: int, event: Event, path: str, depth: int) -> T | None:
        vertex, command = event.vertex, event.command
        if command is None:
            writes = self.effects(vertex.step).writes
            return self.results[vertex.number] if _meets(writes, path) else None
        if not _meets(command.writes, path):
            return None
        if not _is_known(command):
            return self.results[vertex.number]
        reads = [self.at(stage, number, read, depth + 1) for read in command.reads.prefixes]
        return self.algebra.combine(
            ("command", command.text, command.words, _variables(vertex, command), _owner(vertex)),
            [*reads, *self._taken(vertex)],
        )

    def _workdir(self, vertex: Vertex, path: str) -> T | None:
        made = vertex.part("path")
        if made is None or not isinstance(made.value, str):
            return self.results[vertex.number]
        if not is_below(made.value, path):
            return None
        return self.algebra.combine(("mkdir", made.value, _owner(vertex)), ())

    def _copied(self, vertex: Vertex, path: str) -> T | None:
        copy = self.copy(vertex.step)
        if isinstance(copy, ForeignCopy):
            if copy.target is not None and not _overlap(copy.target, path):
                return None
            return self.algebra.combine("copied", [*self._own(vertex), *self._taken(vertex)])
        found = [self.algebra.context(vertex, selection) for selection in _narrowed(copy, path)]
        if not found:
            return None
        return self.algebra.combine(
            "copied", [*self._own(vertex, "owner", "mode", "target"), *found]
        )

    def _own(self, vertex: Vertex, *names: str) -> list[T]:
        return [
            result
            for part, result in zip(vertex.key, self.parts[vertex.number], strict=True)
            if not isinstance(part.value, Above | Selection | StageFiles)
            and part.name not in ("parent", "image", "remote")
            and (not names or part.name in names)
        ]

    def _taken(self, vertex: Vertex) -> list[T]:
        return [
            result
            for part, result in zip(vertex.key, self.parts[vertex.number], strict=True)
            if isinstance(part.value, Selection | StageFiles) or part.name in ("image", "remote")
        ]


def base_token(base: object) -> Hashable:
    """Returns what stands for a base that is no stage: bases with equal tokens are the same."""
    text = getattr(base, "text", None)
    return text if text is not None else getattr(base, "reason", "scratch")


def _meets(paths: Paths, path: str) -> bool:
    if paths.opaque is None and not paths.copies:
        return any(_overlap(prefix, path) for prefix in paths.prefixes)
    return paths.meets(Paths((path,))) is not None


def _overlap(one: str, other: str) -> bool:
    return is_below(one, other) or is_below(other, one)


def _is_known(command: CommandEffects) -> bool:
    return (
        command.obstacle is None
        and (command.repeatable or bool(command.words and command.words[0] in STEADY))
        and not command.network
        and command.reads.opaque is None
        and not command.reads.copies
        and command.writes.opaque is None
    )


def _variables(vertex: Vertex, command: CommandEffects) -> Hashable:
    part = vertex.part("environment")
    if part is None or not isinstance(part.value, tuple):
        return None
    if command.variables.opaque is not None:
        return part.value
    return tuple(pair for pair in sorted(part.value, key=repr) if command.variables.reads(pair[0]))


def _owner(vertex: Vertex) -> Hashable:
    part = vertex.part("user")
    return None if part is None or part.value in ("root", "0", "") else part.value


def _narrowed(copy: CopyStep, path: str) -> Iterator[Selection]:
    """Yields the context files of ``copy`` that land at or below ``path``, or above it."""
    for source in copy.sources:
        if is_below(source.target, path) or path == source.target:
            written = copy.step.state.expand(source.word.value)
            text = getattr(written, "text", "")
            if is_wildcard(text):
                from optimizer.context.gopath import inside

                yield Selection((inside(text),))
            else:
                yield Selection((source.entry.path,))
        elif source.is_dir and is_below(path, source.target):
            inner = source.context_path(path)
            if inner is not None:
                yield Selection((inner,))
