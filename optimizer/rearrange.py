"""Edits that put instructions into another order, and disturb nothing else.

Comments travel with the instruction that owns them. What stands between blank lines is a
paragraph: one that moves whole stays a paragraph and takes the heading above it along, and a
part of one joins what it comes to stand beside.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence, Set
from dataclasses import dataclass
from functools import cached_property
from itertools import groupby

from optimizer.comments import blank_line_above, line_below
from optimizer.cst.edit import Edit, Insert, Move, Replace
from optimizer.cst.nodes import Dockerfile, Filler, Instruction
from optimizer.cst.source import Span

_STUCK = 1000
"""What it counts in lines if an instruction leaves a heading behind, or has no line end."""

_HEADING = re.compile(r"(?:^|(?<=\n))(?:[ \t]*#[^\n]*\n)+(?:[ \t]*\r?\n)+$")
"""The last comment of a filler, with the blank lines below it."""


def rearrange(
    tree: Dockerfile,
    order: Sequence[Instruction],
    held: Set[Instruction] = frozenset(),
    leading: Set[Instruction] = frozenset(),
) -> tuple[Edit, ...]:
    """Returns the edits after which ``order``, instructions of ``tree``, stand in this order.

    Moved are as few lines as will do, and none of ``held``, which must stand in order
    already. Instructions that are not named stay where they are; what is moved comes to stand
    right below the instruction of ``order`` that it follows or, where it goes up, right above
    the one that it precedes, as do all of ``leading``, in the same paragraph.
    """
    layout = _Layout.of(tree)
    kept = _kept(order, held, layout)
    groups = [list(group) for _, group in groupby(order, kept.__contains__)]
    change = _Change(layout, frozenset(order) - kept, groups)
    edits: list[Edit] = [Replace(span, "") for span in (*change.leftover(), *change.led.values())]
    above: Instruction | None = None
    rest = iter([*(one for one in order if one in kept), None])
    below = next(rest)
    for members in groups:
        if members[0] in kept:
            above = members[-1]
            for _ in members:
                below = next(rest)
        else:
            edits += change.moves(members, above, below, leading)
    return tuple(edits)


@dataclass(frozen=True)
class _Layout:
    """The paragraphs of a file, and by number the fillers that end in a comment which heads one:
    it stands alone, a blank line above what it is about."""

    tree: Dockerfile
    paragraphs: Sequence[Sequence[Instruction]]
    headed: Mapping[int, Filler]

    @classmethod
    def of(cls, tree: Dockerfile) -> _Layout:
        paragraphs: list[list[Instruction]] = [[]]
        headed: dict[int, Filler] = {}
        for node in tree.nodes:
            if isinstance(node, Instruction):
                paragraphs[-1].append(node)
                continue
            if paragraphs[-1]:
                paragraphs.append([])
            if isinstance(node, Filler) and _HEADING.search(tree.text(node.span)):
                headed[len(paragraphs) - 1] = node
        return cls(tree, [each for each in paragraphs if each], headed)

    @cached_property
    def number(self) -> dict[Instruction, int]:
        return {one: i for i, each in enumerate(self.paragraphs) for one in each}

    def heading(self, number: int) -> Span | None:
        """Returns the comment that heads a paragraph, with the blank lines below it."""
        filler = self.headed.get(number)
        found = _HEADING.search(self.tree.text(filler.span)) if filler else None
        if filler is None or found is None:
            return None
        return Span(filler.span.start + found.start(), filler.span.end)

    def weight(self, instruction: Instruction) -> int:
        """Counts the lines that a move changes, twice; of two alike, a whole paragraph moves."""
        number, text = self.number[instruction], self.tree.text(instruction.span)
        paragraph = self.paragraphs[number]
        leaves = number in self.headed and len(paragraph) > 1 and instruction is paragraph[0]
        stuck = leaves or not text.endswith("\n")
        lines = text.count("\n") + 1 + _STUCK * stuck
        return 2 * lines + (len(paragraph) > 1)

    def is_block(self, instruction: Instruction) -> bool:
        """Tells whether an instruction takes several lines, its comments among them, and a blank
        line follows."""
        lines = self.tree.text(instruction.span).strip()
        return "\n" in lines and self.is_blank(line_below(self.tree, instruction))

    def is_blank(self, span: Span) -> bool:
        text = self.tree.text(span)
        return text != "" and not text.strip("\r\n")

    def line_above(self, top: int) -> Span:
        return Span(self.tree.source.text.rfind("\n", 0, top - 1) + 1, top)


def _kept(
    order: Sequence[Instruction], held: Set[Instruction], layout: _Layout
) -> frozenset[Instruction]:
    """Returns the increasing subsequence of ``order`` that weighs most, with all of ``held``."""
    weights = [layout.weight(one) for one in order]
    everything = sum(weights) + 1
    best: list[tuple[int, int]] = []
    for at, one in enumerate(order):
        score, last = 0, -1
        for i in range(at):
            if order[i].code.start < one.code.start and best[i][0] > score:
                score, last = best[i][0], i
        best.append((score + weights[at] + everything * (one in held), last))
    kept: set[Instruction] = set()
    at = max(range(len(order)), key=lambda at: best[at][0], default=-1)
    while at >= 0:
        kept.add(order[at])
        at = best[at][1]
    return frozenset(kept)


@dataclass(frozen=True)
class _Change:
    """What becomes of the layout when ``moved`` are taken out. ``groups`` are the new order, in
    runs of what is moved and what is not."""

    layout: _Layout
    moved: frozenset[Instruction]
    groups: Sequence[Sequence[Instruction]]

    @cached_property
    def going(self) -> frozenset[int]:
        """The paragraphs that move whole."""
        numbers = {self.layout.number[one] for one in self.moved}
        return frozenset(n for n in numbers if self.moved.issuperset(self.layout.paragraphs[n]))

    @cached_property
    def led(self) -> Mapping[int, Span]:
        """The headings that go along: of paragraphs that move whole to one place."""
        found: dict[int, Span] = {}
        for group in self.groups:
            if self._is_whole(group):
                for number in {self.layout.number[one] for one in group}:
                    heading = self.layout.heading(number)
                    if heading and set(group).issuperset(self.layout.paragraphs[number]):
                        found[number] = heading
        return found

    def _is_whole(self, members: Sequence[Instruction]) -> bool:
        return all(self.layout.number[one] in self.going for one in members)

    def leftover(self) -> Iterator[Span]:
        """Yields the blank line that each paragraph which moves whole would leave too many:
        the one below it, or above it where nothing is left below."""
        tree, last = self.layout.tree, len(self.layout.paragraphs) - 1
        while last in self.going:
            last -= 1
        for number in sorted(self.going):
            paragraph = self.layout.paragraphs[number]
            heading = self.led.get(number)
            top = heading.start if heading else paragraph[0].span.start
            below = line_below(tree, paragraph[-1])
            if tree.source.text.endswith(("\n\n", "\n\r\n"), 0, top):
                if number > last:
                    yield self.layout.line_above(top)
                elif self.layout.is_blank(below):
                    yield below

    def moves(
        self,
        members: Sequence[Instruction],
        above: Instruction | None,
        below: Instruction | None,
        leading: Set[Instruction],
    ) -> Iterator[Edit]:
        """Yields the edits that put ``members`` between ``above`` and ``below``."""
        last = len(members)
        while below is not None and last and members[last - 1] in leading:
            last -= 1
        yield from self._put(members[:last], above, below)
        yield from (Move(one, before=below) for one in members[last:])

    def _put(
        self, members: Sequence[Instruction], above: Instruction | None, below: Instruction | None
    ) -> Iterator[Edit]:
        if not members:
            return
        whole = self._is_whole(members)
        up = below is not None and any(one.code.start > below.code.start for one in members)
        if below is None or (above is not None and not up):
            assert above is not None
            goes_on = self._goes_on(above)
            whole = whole or (not goes_on and self.layout.is_block(above))
            for one, lead in self._led(members, whole, first=True):
                yield Move(one, after=above, lead=lead)
            if whole and goes_on:
                yield Insert("\n", after=above)
            return
        filler = self._filler(below)
        anchor = filler or below
        begins = filler is not None and self.layout.tree.text(filler.span)[:1] not in "\r\n"
        for one, lead in self._led(
            members, whole, first=filler is not None or not self._begins(below)
        ):
            yield Move(one, before=anchor, lead=lead)
        if begins or (whole and filler is None):
            yield Insert("\n", before=anchor)

    def _filler(self, instruction: Instruction) -> Filler | None:
        """Returns what stands above ``instruction`` if it begins a paragraph with a heading, and
        what is above that stays."""
        number = self.layout.number[instruction]
        stays = number - 1 not in self.going and instruction is self.layout.paragraphs[number][0]
        return self.layout.headed.get(number) if stays else None

    def _led(
        self, members: Sequence[Instruction], whole: bool, first: bool
    ) -> Iterator[tuple[Instruction, str]]:
        """Yields each of ``members`` with the blank line and heading that belong in front of it."""
        last: int | None = None
        seen: set[int] = set()
        for one in members:
            number = self.layout.number[one]
            apart = first if last is None else number != last
            heading = self.led.get(number) if number not in seen else None
            seen.add(number)
            text = self.layout.tree.text(heading) if heading else ""
            yield one, ("\n" if whole and apart else "") + text.replace("\r\n", "\n")
            last = number

    def _begins(self, instruction: Instruction) -> bool:
        """Tells whether ``instruction`` begins a paragraph once ``moved`` are gone."""
        paragraph = self.layout.paragraphs[self.layout.number[instruction]]
        before = paragraph[: paragraph.index(instruction)]
        return self.moved.issuperset(before) and blank_line_above(self.layout.tree, paragraph[0])

    def _goes_on(self, instruction: Instruction) -> bool:
        """Tells whether something of its paragraph is left below ``instruction``."""
        paragraph = self.layout.paragraphs[self.layout.number[instruction]]
        return not self.moved.issuperset(paragraph[paragraph.index(instruction) + 1 :])
