"""Texts as lines, and which lines of one text stand in another."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from difflib import SequenceMatcher

_ALL_LINES_COUNT = 2000
"""Up to this many lines every line is used to align two texts. Above it difflib leaves out
those that stand in more than one percent of the lines, which keeps its work linear."""


def split_lines(text: str) -> list[str]:
    """Splits at LF only, as git and patch do; the line ends stay."""
    lines = [line + "\n" for line in text.split("\n")]
    last = lines.pop()[:-1]
    return [*lines, last] if last else lines


def unchanged_blocks(before: Sequence[str], after: Sequence[str]) -> Iterator[tuple[int, int, int]]:
    """Yields ``(start in before, start in after, size)`` of what stayed, the last one empty."""
    shorter = min(len(before), len(after))
    head = 0
    while head < shorter and before[head] == after[head]:
        head += 1
    tail = 0
    while tail < shorter - head and before[-1 - tail] == after[-1 - tail]:
        tail += 1
    if head:
        yield 0, 0, head
    first = before[head : len(before) - tail]
    second = after[head : len(after) - tail]
    if first and second:
        few = max(len(first), len(second)) <= _ALL_LINES_COUNT
        matcher = SequenceMatcher(None, first, second, autojunk=not few)
        for start, target, size in matcher.get_matching_blocks():
            if size:
                yield head + start, head + target, size
    if tail:
        yield len(before) - tail, len(after) - tail, tail
    yield len(before), len(after), 0
