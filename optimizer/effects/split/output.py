"""What the builder makes: the part that the runtime stage copies, and the part that it lacks."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from posixpath import dirname

from optimizer.effects.copies import ALWAYS_THERE, is_below, workdir_of
from optimizer.effects.effects import CommandEffects
from optimizer.effects.paths import Paths
from optimizer.effects.split.tasks import Task
from optimizer.knowledge.installs import Obstacle
from optimizer.knowledge.products import Product
from optimizer.model.stages import Step
from optimizer.model.values import Known

_PATTERN = re.compile(r"[*?\[]")
MARKS = frozenset(("chgrp", "chmod", "chown"))
"""Programs that give files an owner or a mode."""
_SETS_FOLDERS = MARKS | {"install", "mkdir"}
_TAKES_AWAY = frozenset(("mv", "rm", "rmdir"))


@dataclass(frozen=True, slots=True)
class Kept:
    """A ``path`` that the runtime stage takes from the builder; ``owner`` is the user that it
    belongs to where COPY would not keep that, ``early`` says that it may stand above sources."""

    path: str
    owner: str | None
    early: bool


def plain(path: str) -> str:
    """Returns ``path``, or the directory in which a pattern names files."""
    return dirname(path) if _PATTERN.search(path) else path


@dataclass(frozen=True)
class Output:
    """What all ``products`` of a stage leave together."""

    products: tuple[Product, ...]

    @cached_property
    def keeps(self) -> tuple[str, ...]:
        """The paths that are copied, none of them inside another. They may hold ``*`` in their last
        name."""
        paths: dict[str, None] = {}
        for product in self.products:
            for gone in product.replaces:
                paths.pop(gone, None)
            paths.update(dict.fromkeys(product.keeps))
        return tuple(
            p for p in paths if not any(p != other and is_below(p, other) for other in paths)
        )

    @cached_property
    def built(self) -> Paths:
        """What the builder makes and the runtime stage gets by COPY."""
        return Paths(tuple(map(plain, self.keeps)))

    @cached_property
    def drops(self) -> tuple[str, ...]:
        """What only the builder has, directories that others write to as well among it."""
        found = dict.fromkeys(path for product in self.products for path in product.drops)
        return tuple(path for path in found if not self.built.covers(path))

    @cached_property
    def lost(self) -> Paths:
        """What only the builder has, and somebody may look for: files that a pattern names are of
        no use but to who made them."""
        named = (path for path in self.drops if not _PATTERN.search(path))
        return Paths(tuple(path for path in named if path not in ALWAYS_THERE))

    @cached_property
    def hidden(self) -> Paths:
        """Where it makes no difference what the runtime stage writes itself."""
        return Paths((*self.built.prefixes, *self.lost.prefixes))

    def reads_lost(self, command: CommandEffects) -> str | None:
        """Returns a path that ``command`` reads and only the builder has. A command that gives
        owners and modes, or takes things away, does without what is not there."""
        program = command.call.program if command.call is not None else ""
        if command.reads.opaque is not None or program in MARKS | _TAKES_AWAY - {"mv"}:
            return None
        others = tuple(path for path in command.reads.prefixes if not self.built.covers(path))
        return replace(command.reads, prefixes=others).meets(self.lost)

    def is_done_by_copying(self, task: Task) -> bool:
        """Tells whether all that a command writes comes from the builder, or stays there.

        A COPY keeps what is in a directory with owners and modes, but not those of the directory
        itself (fsutil, copy/copy.go, prepareTargetDir).
        """
        written = task.command.writes.prefixes
        call = task.command.call
        if call is not None and call.program in _SETS_FOLDERS and set(written) & set(self.keeps):
            return False
        return bool(written) and all(map(self.hidden.covers, written))

    def taken_away(self, task: Task) -> str | None:
        """Returns a path that is to be copied and that ``task`` may take away whole."""
        call = task.command.call
        if call is None or call.program not in _TAKES_AWAY:
            return None
        if any("*" in word for word in call.words):
            # The directory in which a pattern names what goes stays itself.
            return None
        written = Paths(task.command.writes.prefixes)
        return next((path for path in self.keeps if written.covers(path)), None)


def kept_by_step(
    output: Output, steps: Sequence[Step], tasks: Mapping[Step, tuple[Task, ...]]
) -> Mapping[Step, tuple[Kept, ...]] | Obstacle:
    """Returns what is copied in the place of each of ``steps``, those of the builder: below the
    last one that writes it."""
    found: dict[Step, list[Kept]] = {}
    for path in output.keeps:
        step = _last_writer(path, steps, tasks)
        kept = _owned(path, step, tasks[step])
        if isinstance(kept, Obstacle):
            return kept
        found.setdefault(step, []).append(kept)
    return {step: tuple(each) for step, each in found.items()}


def _last_writer(path: str, steps: Sequence[Step], tasks: Mapping[Step, tuple[Task, ...]]) -> Step:
    at = Paths((plain(path),))
    for step in reversed(steps):
        for task in tasks.get(step, ()):
            known = task.product.keeps if task.product is not None else ()
            if any(is_below(each, path) for each in known):
                return step
            if task.role == "prepares" and task.command.writes.meets(at) is not None:
                return step
    raise AssertionError(f"no step leaves {path}")


def _owned(path: str, step: Step, tasks: Sequence[Task]) -> Kept | Obstacle:
    early = all(
        product.ecosystem is not None
        for task in tasks
        if (product := task.product) is not None and path in product.keeps
    )
    user = step.state.user
    if not isinstance(user, Known) or _is_there(path, step):
        return Kept(path, None, early)
    name, _, group = user.text.partition(":")
    if name in ("", "root", "0"):
        return Kept(path, None, early)
    if name.isdigit() and not group:
        return Obstacle(
            "numeric-user-without-group",
            f"{path} belongs to user {name}, and the group that COPY has to give it is not known.",
            f"Name the group: USER {name}:{name}.",
        )
    return Kept(path, user.text, early)


def _is_there(path: str, step: Step) -> bool:
    """Tells whether the directory is in the runtime stage before it is copied, so that it keeps its
    owner."""
    workdir = workdir_of(step)
    if path in ALWAYS_THERE or (workdir is not None and is_below(workdir, path)):
        return True
    return any(is_below(path, prefix) for prefix in ("/usr/local/lib", "/usr/lib"))
