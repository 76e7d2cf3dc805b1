"""Places in a text: offsets in code points here, lines and code units at the client."""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import accumulate

from lsprotocol.types import Position, Range

from optimizer.cst.source import Span

_LINE_END = re.compile(r"\r\n|\n|\r")
"""The protocol's line ends (Language Server Protocol 3.17, "Text Documents")."""


@dataclass(frozen=True)
class Text:
    """The text of a document, and the encoding (``utf-8``, ``utf-16`` or ``utf-32``) in whose
    code units its client counts."""

    value: str
    encoding: str = "utf-16"

    def offset(self, position: Position) -> int:
        """Returns the offset of a place. One behind a line's end is the line's end, one behind
        the text the end of the text; one within a character is the character's start."""
        if position.line >= len(self._starts):
            return len(self.value)
        start, line = self._line(max(position.line, 0))
        if line.isascii() or self.encoding == "utf-32":
            return start + min(max(position.character, 0), len(line))
        wanted = max(position.character, 0)
        at = bisect_left(range(len(line)), wanted, key=lambda end: self._units(line[:end]))
        return start + (at - 1 if self._units(line[:at]) > wanted else at)

    def position(self, offset: int) -> Position:
        """Returns the place of an offset."""
        line = bisect_right(self._starts, offset) - 1
        return Position(line, self._units(self.value[self._starts[line] : offset]))

    def range(self, span: Span) -> Range:
        """Returns the places of the start and the end of a span."""
        return Range(self.position(span.start), self.position(span.end))

    def first_line(self, span: Span) -> Range:
        """Returns the range of as much of a span as stands on its first line."""
        _, end = self._bounds(bisect_right(self._starts, span.start) - 1)
        return self.range(Span(span.start, max(span.start, min(span.end, end))))

    def with_change(self, where: Range | None, text: str) -> Text:
        """Returns the text in which ``text`` stands at ``where``; everywhere where that is None."""
        if where is None:
            return Text(text, self.encoding)
        start, end = sorted((self.offset(where.start), self.offset(where.end)))
        return Text(self.value[:start] + text + self.value[end:], self.encoding)

    @cached_property
    def _starts(self) -> Sequence[int]:
        if "\r" in self.value:
            return [0, *(match.end() for match in _LINE_END.finditer(self.value))]
        lengths = [len(line) + 1 for line in self.value.split("\n")]
        return tuple(accumulate(lengths[:-1], initial=0))

    def _line(self, number: int) -> tuple[int, str]:
        start, end = self._bounds(number)
        return start, self.value[start:end]

    def _bounds(self, number: int) -> tuple[int, int]:
        """Returns where a line starts and ends, without what ends it."""
        start = self._starts[number]
        if number + 1 == len(self._starts):
            return start, len(self.value)
        end = self._starts[number + 1]
        return start, end - (2 if self.value[max(start, end - 2) : end] == "\r\n" else 1)

    def _units(self, text: str) -> int:
        if self.encoding == "utf-32" or text.isascii():
            return len(text)
        if self.encoding == "utf-8":
            return len(text.encode("utf-8", "surrogatepass"))
        return len(text.encode("utf-16-le", "surrogatepass")) // 2
