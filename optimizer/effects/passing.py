"""May a COPY follow a step that it stands above today?

It may where neither writes what the other reads or writes (Bernstein's three
conditions). Files that a second, earlier copy of the same context file keeps in
place do not count as moved.
"""

from __future__ import annotations

from collections.abc import Iterable, Set

from optimizer.effects.calls import PlacedCall, StepCalls
from optimizer.effects.copies import CopyStep, ForeignCopy
from optimizer.effects.installs import touches
from optimizer.knowledge.installs import Obstacle, Touch
from optimizer.model.stages import Step


def copy_conflict(copy: CopyStep, other: CopyStep | ForeignCopy) -> Obstacle | None:
    """Returns why ``copy`` may not follow ``other``, a COPY or ADD below it."""
    line = other.step.instruction.line
    if isinstance(other, ForeignCopy):
        if other.target is None:
            return Obstacle(
                "unknown-copy",
                f"Where line {line} copies to is not known: {other.reason}.",
                "Use an absolute target.",
            )
        if copy.writes_below(other.target):
            return Obstacle(
                "write-after-write",
                f"Line {line} writes {other.target}, where line {copy.step.instruction.line} "
                f"writes too, and {other.reason}.",
                f"Move line {line} above line {copy.step.instruction.line} if its files may be "
                "overwritten.",
            )
        return None
    for path, entry in other.files():
        mine = copy.find(path)
        if mine is not None and mine.path != entry.path:
            return Obstacle(
                "write-after-write",
                f"Line {line} replaces {path}, which line {copy.step.instruction.line} copies too.",
                f"Leave {mine.path} out of line {copy.step.instruction.line}.",
            )
    return None


def run_conflict(
    copy: CopyStep, step: Step, calls: StepCalls, in_place: Set[str]
) -> Obstacle | None:
    """Returns why ``copy`` may not follow the RUN ``step``.

    ``in_place`` are image paths that hold the same file in either order.
    """
    line = step.instruction.line
    found = touches(calls)
    if isinstance(found, str | PlacedCall):
        what = found if isinstance(found, str) else f"`{' '.join(found.text.split())}`"
        return Obstacle(
            "opaque-command",
            f"Line {line} stands in between, and {what} may read or write what is copied.",
            f"Move line {line} above the COPY if it needs none of its files, or below the "
            "install if it does.",
        )
    return touch_conflict(copy, step, found, in_place)


def touch_conflict(
    copy: CopyStep, step: Step, found: Iterable[Touch], in_place: Set[str]
) -> Obstacle | None:
    """Returns why ``copy`` may not follow commands of ``step`` that touch ``found``."""
    line = step.instruction.line
    for touch in found:
        for path in touch.reads:
            if hits(copy, path, in_place):
                return Obstacle(
                    "read-after-write",
                    f"Line {line} reads {path}, which the COPY brings.",
                    f"Move the command that reads {path} below the install.",
                )
        for path in touch.writes:
            if hits(copy, path, frozenset()):
                return Obstacle(
                    "write-after-write",
                    f"Line {line} writes {path}, where the COPY writes too.",
                    "Move that command above the COPY or below the install.",
                )
    return None


def hits(copy: CopyStep, prefix: str, in_place: Set[str]) -> bool:
    """Tells whether ``copy`` brings ``prefix`` or anything below it, but for ``in_place``."""
    return prefix not in in_place and copy.writes_below(prefix)
