"""May two steps change places? A conflict is a value that says what stands against it.

They may where none of Bernstein's three conditions fails (A. J. Bernstein, "Analysis of
Programs for Parallel Processing", 1966), and where both find the same state in either place.
"""

from __future__ import annotations

import posixpath
from collections.abc import Iterator, Set
from dataclasses import dataclass
from typing import Literal, TypeAlias

from optimizer.effects.copies import ALWAYS_THERE, workdir_of
from optimizer.effects.effects import NO_VARIABLES, Effects
from optimizer.effects.paths import ancestors, canonical
from optimizer.knowledge.installs import Obstacle
from optimizer.model.stages import Step
from optimizer.model.values import Known

Condition: TypeAlias = Literal[
    "read-after-write",
    "write-after-read",
    "write-after-write",
    "opaque-command",
    "state-between",
    "made-directory",
]
"""Which condition failed. ``state-between``: one sets a variable, directory, user or shell that
the other inherits. ``made-directory``: both would make the same missing directory, with another
owner or mode."""

_STATE = {"workdir": "WORKDIR", "user": "USER", "shell": "SHELL"}


@dataclass(frozen=True, slots=True)
class Conflict:
    """Why ``second``, which stands below ``first``, may not go above it.

    ``at`` is the image path, or the name of what is inherited (``$NODE_ENV``, ``USER``).
    ``obstacle`` says more where a command is opaque.
    """

    condition: Condition
    at: str
    first: Step
    second: Step
    obstacle: Obstacle | None = None

    def as_obstacle(self) -> Obstacle:
        """Returns the conflict as a reason with a way out, for a refusal."""
        one, other = self.first.instruction.line, self.second.instruction.line
        match self.condition:
            case "read-after-write":
                return Obstacle(
                    self.condition,
                    f"Line {other} reads {self.at}, which line {one} writes.",
                    f"Leave line {other} below line {one}, or let it read something else.",
                )
            case "write-after-read":
                return Obstacle(
                    self.condition,
                    f"Line {other} writes {self.at}, which line {one} reads.",
                    f"Leave line {other} below line {one}, or let it write somewhere else.",
                )
            case "write-after-write":
                return Obstacle(
                    self.condition,
                    f"Line {other} writes {self.at}, where line {one} writes too.",
                    f"Let lines {one} and {other} write to different places.",
                )
            case "opaque-command":
                assert self.obstacle is not None
                return self.obstacle
            case "state-between":
                return Obstacle(
                    self.condition,
                    f"Lines {one} and {other} cannot change places: one sets {self.at}, and the "
                    "other would find another value.",
                    f"Set {self.at} above both.",
                )
            case "made-directory":
                return Obstacle(
                    self.condition,
                    f"Lines {one} and {other} both make {self.at} where it is missing, with "
                    "another owner or mode.",
                    f"Make {self.at} above both.",
                )


def conflict(first: Effects, second: Effects, in_place: Set[str] = frozenset()) -> Conflict | None:
    """Returns what keeps ``second`` from going above ``first``, None where nothing does.

    ``in_place`` are image paths that hold the same file in either order.
    """
    condition, at = _state(first, second) or _touched(first, second, in_place) or (None, "")
    if condition is None:
        condition, at = _missed(first, second, in_place) or _made(first, second) or (None, "")
    if condition is None:
        return None
    obstacle = first.obstacle or second.obstacle if condition == "opaque-command" else None
    return Conflict(condition, at, first.step, second.step, obstacle)


_Found: TypeAlias = tuple[Condition, str]


def _state(first: Effects, second: Effects) -> _Found | None:
    for one, other in ((first, second), (second, first)):
        for name in one.assigns:
            if _depends_on(other, name):
                return "state-between", f"${name}"
        for name in one.settings:
            if name in other.settings:
                return "state-between", name
        for what in sorted(one.sets):
            if what in other.inherits or what in other.sets:
                return "state-between", _STATE[what]
    return None


def _depends_on(effects: Effects, name: str) -> bool:
    """Tells whether a step reads or sets a variable; ``*`` is one whose name is not known."""
    if name == "*":
        return bool(effects.assigns or effects.variables != NO_VARIABLES)
    return name in effects.assigns or "*" in effects.assigns or effects.variables.reads(name)


def _touched(first: Effects, second: Effects, in_place: Set[str]) -> _Found | None:
    """Files that stay in place count where they are written, not where they are only read."""
    pairs: tuple[tuple[Condition, str | None], ...] = (
        ("read-after-write", first.writes.meets(second.reads, in_place)),
        ("write-after-read", first.reads.meets(second.writes)),
        ("write-after-write", first.writes.meets(second.writes)),
    )
    for condition, at in pairs:
        if at is not None:
            opaque = first.obstacle is not None or second.obstacle is not None
            return ("opaque-command" if opaque else condition), at
    return None


def _missed(first: Effects, second: Effects, in_place: Set[str]) -> _Found | None:
    """A directory that ``second`` finds may be there because ``first`` makes it. One that holds
    a file that stays in place is there in either order."""
    if not second.needs:
        return None
    there = ALWAYS_THERE.union(*map(ancestors, in_place)) if in_place else ALWAYS_THERE
    needed = {top for path in second.needs for top in ancestors(canonical(path))}
    needed -= there | second.reads.above
    if not needed:
        return None
    made = needed.intersection(_makes(first))
    for copy in first.writes.copies:
        made.update(path for path in needed if copy.find(path) is not None)
    # A WORKDIR in force makes its directory, and stays above what runs in it.
    for step in (first.step, second.step):
        made.difference_update(_workdirs(step))
    return ("read-after-write", max(made, key=len)) if made else None


def _made(first: Effects, second: Effects) -> _Found | None:
    """Two makers of a directory differ in what they give it: a COPY its flags, a RUN its user."""
    if _gives(first) == _gives(second):
        return None
    there = {*ALWAYS_THERE, *_workdirs(first.step)}
    mine = set(_makes(first))
    shared = (path for path in _makes(second) if path in mine and path not in there)
    return next((("made-directory", path) for path in shared), None)


def _gives(effects: Effects) -> tuple[str | None, str | None]:
    instruction = effects.step.instruction
    if instruction.keyword in ("COPY", "ADD"):
        return instruction.flag("chown"), instruction.flag("chmod")
    user = effects.step.state.user
    name = user.text.partition(":")[0] if isinstance(user, Known) else "?"
    return (None if name in ("", "0", "root") else name), None


def _makes(effects: Effects) -> Iterator[str]:
    """Yields the directories that the step makes where they are missing."""
    for path in effects.makes:
        yield from ancestors(canonical(path))
    for prefix in effects.writes.prefixes:
        yield from ancestors(canonical(posixpath.dirname(prefix)))
        if effects.commands:
            yield canonical(prefix)


def _workdirs(step: Step) -> tuple[str, ...]:
    """Returns the working directory and those that it lies in, as far as it is known."""
    workdir = workdir_of(step)
    return () if workdir is None else ancestors(canonical(workdir))
