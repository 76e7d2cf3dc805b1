"""The files of the build context that lie in an image, or went into what does.

Unlike `StageFiles` it looks through ``COPY --from``: a file that one stage copies from the context
and another takes from there is found at its place in the second.
"""

from __future__ import annotations

import posixpath
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import cached_property

from optimizer.context.tree import BuildContext, ContextError, ContextFile
from optimizer.effects.copies import (
    ARCHIVE_SUFFIXES,
    READ_LIMIT,
    CopyStep,
    ForeignCopy,
    StageFiles,
    is_below,
    is_remote,
    join,
)
from optimizer.knowledge.installs import Kind
from optimizer.model.stages import Stage, StageBase, Step
from optimizer.model.values import Known

_DEEPEST = 8
"""Stages that take files from each other in a row."""
_MOST_STAGES = 100
_ATTRIBUTES = frozenset(("chmod", "chown", "link"))
"""Flags of COPY that change nothing about where files land."""


@dataclass(frozen=True)
class Shipped:
    """The files of ``stage`` when it is done; ``copy`` returns what a COPY or ADD brings.

    It answers for files of the context alone, as `StageFiles` does, and is one of `Files`.
    """

    stage: Stage
    context: BuildContext
    copy: Callable[[Step], CopyStep | ForeignCopy] = field(repr=False)
    depth: int = 0

    @cached_property
    def chain(self) -> tuple[Stage, ...]:
        """The stages whose layers it has, the first one at the front."""
        stages = [self.stage]
        while isinstance(stages[0].base, StageBase) and len(stages) < _MOST_STAGES:
            stages.insert(0, stages[0].base.stage)
        return tuple(stages)

    @cached_property
    def _copies(self) -> tuple[CopyStep | ForeignCopy, ...]:
        steps = (step for stage in self.chain for step in stage.steps)
        return tuple(
            self.copy(step) for step in steps if step.instruction.keyword in ("COPY", "ADD")
        )

    @cached_property
    def _own(self) -> StageFiles:
        return StageFiles(tuple(copy for copy in self._copies if isinstance(copy, CopyStep)))

    @cached_property
    def _others(self) -> dict[int, Shipped]:
        return {}

    def _of(self, stage: Stage) -> Shipped:
        if stage.index not in self._others:
            self._others[stage.index] = Shipped(stage, self.context, self.copy, self.depth + 1)
        return self._others[stage.index]

    def place(self, path: str) -> ContextFile | None:
        """Returns the file of the context that lies at ``path``."""
        for copy in reversed(self._copies):
            if isinstance(copy, CopyStep):
                entry = copy.find(path)
                if entry is not None:
                    return entry
                continue
            entry = self._renamed(copy, path)
            if entry is not None:
                return entry
            for other, inner in self._behind(copy, path):
                found = other.place(inner)
                if found is not None:
                    return found
        return None

    def _renamed(self, copy: ForeignCopy, path: str) -> ContextFile | None:
        """Returns the file that ``COPY a.sh /start`` puts at ``/start``: where something is run
        or read there, it is no directory that the file would land in."""
        instruction = copy.step.instruction
        if path != copy.target or copy.step.sources or len(instruction.words) != 2:
            return None
        if instruction.heredocs or not {f.name for f in instruction.flags} <= _ATTRIBUTES:
            return None
        source = copy.step.state.expand(instruction.words[0].value)
        if not isinstance(source, Known) or is_remote(source.text):
            return None
        found = self.context.glob(source.text)
        return found[0] if len(found) == 1 and found[0].kind == "file" else None

    def _behind(self, copy: ForeignCopy, path: str) -> Iterator[tuple[Shipped, str]]:
        """Yields where the file at ``path`` may come from in the stage that ``copy`` takes from."""
        stages = copy.step.depends_on
        if not stages or copy.target is None or self.depth >= _DEEPEST:
            return
        if not is_below(path, copy.target):
            return
        rest = path[len(copy.target.rstrip("/")) :].lstrip("/")
        for word in copy.step.instruction.words[:-1]:
            source = copy.step.state.expand(word.value)
            if not isinstance(source, Known):
                continue
            start = "/" + posixpath.normpath(source.text).lstrip("/")
            if rest == "" or rest != posixpath.basename(start):
                yield self._of(stages[0]), join(start, rest)
            else:
                yield self._of(stages[0]), start
                yield self._of(stages[0]), join(start, rest)

    def kind(self, path: str) -> Kind | None:
        """Returns what lies at ``path``, as `Files.kind` does."""
        found = self.place(path)
        return found.kind if found is not None else self._own.kind(path)

    def read(self, path: str) -> bytes | None:
        """Returns the content of the file at ``path``, as `Files.read` does."""
        try:
            found = self.place(path)
            if found is None or found.kind != "file":
                return None
            return self.context.read_bytes(found.path, limit=READ_LIMIT)
        except ContextError:
            return None

    def children(self, path: str) -> tuple[str, ...]:
        """Returns the names in the directory at ``path``, as `Files.children` does."""
        names = set(self._own.children(path))
        for copy in self._copies:
            if isinstance(copy, ForeignCopy):
                for other, inner in self._behind(copy, path):
                    names.update(other.children(inner))
        return tuple(sorted(names))

    def is_executable(self, path: str) -> bool:
        """Tells whether everybody may run the file at ``path``, as `Files.is_executable` does."""
        found = self.place(path)
        return found is not None and found.is_executable

    def behind_links(self, path: str) -> str:
        """Returns where ``path`` leads by the links that were copied."""
        return self._own.behind_links(path)

    def sources(self) -> Iterator[ContextFile]:
        """Yields the files of the context that may lie in the image or have gone into it: those
        that were copied into its stages and into stages that these take files from, and those that
        a RUN of them had mounted."""
        seen: set[str] = set()
        for stage in self._taken_from():
            for step in stage.steps:
                for entry in self._brought(step):
                    if entry.path not in seen:
                        seen.add(entry.path)
                        yield entry

    def _brought(self, step: Step) -> Iterator[ContextFile]:
        if step.instruction.keyword in ("COPY", "ADD"):
            copy = self.copy(step)
            if isinstance(copy, CopyStep):
                for _, entry in copy.files():
                    yield entry
            elif not step.sources:
                yield from self._named(step)
            return
        for mount in step.instruction.mounts:
            if mount.type == "bind" and not mount.options.get("from"):
                source = step.state.expand(mount.options.get("source", ""))
                if isinstance(source, Known):
                    inside = posixpath.normpath("/" + source.text).strip("/")
                    yield from (e for e in self.context.files(inside) if e.kind != "dir")

    def _named(self, step: Step) -> Iterator[ContextFile]:
        """Yields what a COPY names in the context, wherever it puts it."""
        for word in step.instruction.words[:-1]:
            source = step.state.expand(word.value)
            if isinstance(source, Known) and not is_remote(source.text):
                for found in self.context.glob(source.text):
                    yield from (e for e in self.context.files(found.path) if e.kind != "dir")

    @cached_property
    def unread(self) -> str | None:
        """Says which files of the context that may be in the image cannot be named, None where
        all can."""
        for stage in self._taken_from():
            for step in stage.steps:
                if step.instruction.keyword in ("COPY", "ADD") and not step.sources:
                    copy = self.copy(step)
                    if isinstance(copy, ForeignCopy) and _hides_sources(copy):
                        return f"line {step.instruction.line} brings sources that are not known"
        return None

    def _taken_from(self) -> tuple[Stage, ...]:
        """Returns the stages whose files may be in the image."""
        queue, found = [self.stage], dict[int, Stage]()
        while queue:
            stage = queue.pop()
            if stage.index in found:
                continue
            found[stage.index] = stage
            if isinstance(stage.base, StageBase):
                queue.append(stage.base.stage)
            for step in stage.steps:
                queue.extend(step.depends_on)
        return tuple(found.values())


def _hides_sources(copy: ForeignCopy) -> bool:
    """Tells whether a copy from the context has sources that are not known, or in an archive."""
    instruction, state = copy.step.instruction, copy.step.state
    values = [state.expand(word.value) for word in instruction.words[:-1]]
    if any(not isinstance(value, Known) for value in values):
        return True
    return instruction.keyword == "ADD" and any(
        isinstance(value, Known)
        and not is_remote(value.text)
        and value.text.lower().endswith(ARCHIVE_SUFFIXES)
        for value in values
    )
