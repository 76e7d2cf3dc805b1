"""What of the copied sources the runtime stage needs, once the build is done."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from optimizer.cst.nodes import Dockerfile
from optimizer.effects.copies import CopyStep, StageFiles, is_below, join
from optimizer.effects.manifests import copy_lines, unspeakable
from optimizer.effects.split.tasks import Task
from optimizer.model.stages import Step

MOST_LINES = 4
"""Lines, at most, that take the place of one COPY; where more were needed, it stays whole."""

MOST_ENTRIES = 2000
"""Files and directories of one COPY that are looked at; a larger one stays whole."""

_CARRIERS = frozenset(("cp", "install", "ln", "mv", "rm", "strip", "upx"))
"""Programs that bring elsewhere what others built (`optimizer.knowledge.carried`)."""


@dataclass(frozen=True, slots=True)
class Rest:
    """What is left of a COPY: its ``lines``, none where nothing is; ``gone`` are the image paths
    that only building needs."""

    lines: str
    gone: tuple[str, ...]


def build_only(tasks: Mapping[Step, tuple[Task, ...]]) -> tuple[str, ...]:
    """Returns the copied paths that nothing needs any more; none where one of the builds makes a
    program that may read any of them."""
    found: dict[str, None] = {}
    for task in (task for each in tasks.values() for task in each):
        call, product = task.command.call, task.product
        if product is None or not product.keeps:
            continue
        if product.build_only is None:
            if call is None or call.program not in _CARRIERS:
                return ()
            continue
        found.update(dict.fromkeys(product.build_only))
    return tuple(found)


def rest_of(tree: Dockerfile, copy: CopyStep, spare: Iterable[str]) -> Rest | None:
    """Returns what is left of ``copy`` without the paths ``spare``; None where it stays whole."""
    walk = _Walk(StageFiles((copy,)), tuple(spare))
    for source in dict.fromkeys(source.target for source in copy.sources):
        walk.look(source, top=True)
    if not walk.gone or walk.seen > MOST_ENTRIES:
        return None
    if unspeakable(walk.context_paths(copy)) is not None:
        return None
    lines = copy_lines(tree, copy, walk.files, walk.trees)
    if lines.count("\n") > MOST_LINES:
        return None
    return Rest(lines, tuple(walk.gone))


@dataclass
class _Walk:
    """A walk over what a COPY brings: ``files`` and ``trees`` that stay, and what is ``gone``."""

    brought: StageFiles
    spare: tuple[str, ...]
    files: list[str] = field(default_factory=list)
    trees: list[str] = field(default_factory=list)
    gone: list[str] = field(default_factory=list)
    seen: int = 0

    def look(self, path: str, *, top: bool = False) -> None:
        self.seen += 1
        if self.seen > MOST_ENTRIES:
            return
        if any(is_below(path, each) for each in self.spare):
            self.gone.append(path)
        elif self.brought.kind(path) != "dir":
            self.files.append(path)
        elif not top and not any(is_below(each, path) for each in self.spare):
            self.trees.append(path)
        else:
            for name in self.brought.children(path):
                self.look(join(path, name))

    def context_paths(self, copy: CopyStep) -> Iterator[str]:
        """Yields the names in the build context of what stays."""
        for path in (*self.files, *self.trees):
            entry = copy.find(path)
            if entry is not None:
                yield entry.path
