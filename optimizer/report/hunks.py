"""Which lines a chain of changes touched, and which change touched each.

The chain is followed change by change: a line of the last text either was
carried through from the first, or some change wrote it; a line of the first
text that is gone was taken away by some change. So no hunk is ever without an
author, and none is guessed.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

from optimizer.cst.lines import split_lines, unchanged_blocks

Tag: TypeAlias = Literal[" ", "-", "+"]

CONTEXT = 3
"""Unchanged lines around a change, as git and diff show them."""


@dataclass(frozen=True, slots=True)
class Change:
    """One step of a chain: the whole text on either side, and the transform that made it.

    ``before`` is None where the change made the file.
    """

    transform: str
    before: str | None
    after: str


@dataclass(frozen=True, slots=True)
class Hunk:
    """Neighbouring changed lines with their context. Starts count lines from 0."""

    old_start: int
    old_count: int
    new_start: int
    new_count: int
    lines: tuple[tuple[Tag, str], ...]
    transforms: tuple[str, ...]
    """Who made it, in the order in which they were applied."""


def hunks(changes: Sequence[Change]) -> list[Hunk]:
    """Returns the hunks that lead from the first text to the last.

    Each change has to start from the text that the one before it left.
    """
    old = split_lines(changes[0].before or "")
    woven = _weave(old, changes)
    new = [line.text for line in woven.lines]
    order = {change.transform: index for index, change in reversed([*enumerate(changes)])}
    return [_hunk(group, old, new, woven, order) for group in _grouped(list(_regions(old, woven)))]


@dataclass(frozen=True, slots=True)
class _Line:
    """A line of the newest text: where it comes from in the oldest, or else who wrote it."""

    text: str
    origin: int | None
    writer: str = ""


@dataclass(frozen=True, slots=True)
class _Woven:
    lines: list[_Line]
    removers: dict[int, str]
    """Who took each missing line of the oldest text away."""


@dataclass(frozen=True, slots=True)
class _Region:
    """Lines ``[old_start, old_end)`` were replaced by lines ``[new_start, new_end)``."""

    old_start: int
    old_end: int
    new_start: int
    new_end: int


def _weave(old: Sequence[str], changes: Sequence[Change]) -> _Woven:
    lines = [_Line(text, index) for index, text in enumerate(old)]
    removers: dict[int, str] = {}
    for change in changes:
        after = split_lines(change.after)
        woven = [_Line(text, None, change.transform) for text in after]
        gone = 0
        for start, target, size in unchanged_blocks([line.text for line in lines], after):
            for line in lines[gone:start]:
                if line.origin is not None:
                    removers[line.origin] = change.transform
            woven[target : target + size] = lines[start : start + size]
            gone = start + size
        lines = woven
    return _Woven(lines, removers)


def _regions(old: Sequence[str], woven: _Woven) -> Iterator[_Region]:
    """Yields what differs between the oldest and the newest text, in order."""
    at_old = at_new = 0
    for index, line in enumerate([*woven.lines, _Line("", len(old))]):
        if line.origin is None:
            continue
        if at_old < line.origin or at_new < index:
            yield from _narrowed(old, woven.lines, _Region(at_old, line.origin, at_new, index))
        at_old, at_new = line.origin + 1, index + 1


def _narrowed(old: Sequence[str], lines: Sequence[_Line], region: _Region) -> Iterator[_Region]:
    """Leaves out lines that one change took away and a later one brought back."""
    removed = old[region.old_start : region.old_end]
    added = [line.text for line in lines[region.new_start : region.new_end]]
    at_old, at_new = 0, 0
    for start, target, size in unchanged_blocks(removed, added):
        if at_old < start or at_new < target:
            yield _Region(
                region.old_start + at_old,
                region.old_start + start,
                region.new_start + at_new,
                region.new_start + target,
            )
        at_old, at_new = start + size, target + size


def _grouped(regions: Sequence[_Region]) -> Iterator[list[_Region]]:
    """Puts regions whose context lines would meet into one hunk."""
    group: list[_Region] = []
    for region in regions:
        if group and region.old_start - group[-1].old_end > 2 * CONTEXT:
            yield group
            group = []
        group.append(region)
    if group:
        yield group


def _hunk(
    group: Sequence[_Region],
    old: Sequence[str],
    new: Sequence[str],
    woven: _Woven,
    order: dict[str, int],
) -> Hunk:
    first, last = group[0], group[-1]
    lead = min(CONTEXT, first.old_start)
    trail = min(CONTEXT, len(old) - last.old_end)
    lines: list[tuple[Tag, str]] = []
    transforms: set[str] = set()
    at = first.old_start - lead
    for region in group:
        lines += ((" ", text) for text in old[at : region.old_start])
        lines += (("-", text) for text in old[region.old_start : region.old_end])
        lines += (("+", text) for text in new[region.new_start : region.new_end])
        transforms |= {woven.removers[line] for line in range(region.old_start, region.old_end)}
        transforms |= {line.writer for line in woven.lines[region.new_start : region.new_end]}
        at = region.old_end
    lines += ((" ", text) for text in old[at : at + trail])
    return Hunk(
        old_start=first.old_start - lead,
        old_count=last.old_end + trail - (first.old_start - lead),
        new_start=first.new_start - lead,
        new_count=last.new_end + trail - (first.new_start - lead),
        lines=tuple(lines),
        transforms=tuple(sorted(transforms, key=order.__getitem__)),
    )


@dataclass(frozen=True, slots=True)
class Replacement:
    """Lines ``[start, end)`` of the first text, counted from 0, are to read ``text``."""

    start: int
    end: int
    text: str


def replacements(changes: Sequence[Change]) -> list[Replacement]:
    """Returns the smallest runs of lines that lead from the first text to the last, in order."""
    old = split_lines(changes[0].before or "")
    woven = _weave(old, changes)
    return [
        Replacement(
            region.old_start,
            region.old_end,
            "".join(line.text for line in woven.lines[region.new_start : region.new_end]),
        )
        for region in _regions(old, woven)
    ]
