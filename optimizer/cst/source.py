"""The text of one file, and places in it.

Everything above this module speaks of a file in *code points of its decoded
text*. Decoding never fails and never loses anything: undecodable bytes become
lone surrogates (PEP 383) and are written back as the bytes they were.
"""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass
from functools import cached_property
from itertools import accumulate


@dataclass(frozen=True, slots=True, order=True)
class Span:
    """A half-open range of code points, ``[start, end)``, in one version of one text."""

    start: int
    end: int

    def __len__(self) -> int:
        return self.end - self.start

    def of(self, text: str) -> str:
        """Returns the part of ``text`` that this span covers."""
        return text[self.start : self.end]


@dataclass(frozen=True)
class Source:
    """One version of one file: where it lies and what it says.

    ``path`` is what messages call the file; nothing is read from it here.
    ``text`` starts with U+FEFF where the file starts with a byte order mark.
    """

    path: str
    text: str

    @classmethod
    def from_bytes(cls, path: str, data: bytes) -> Source:
        """Decodes ``data``; ``source.data == data`` holds for any bytes."""
        return cls(path, data.decode("utf-8", "surrogateescape"))

    @property
    def data(self) -> bytes:
        """The bytes of the file.

        A surrogate that stands for no byte (possible only in text that did not
        come from bytes, such as an editor's buffer) is written as UTF-8 would
        write it, so this never raises.
        """
        try:
            return self.text.encode("utf-8", "surrogateescape")
        except UnicodeEncodeError:
            return self.text.encode("utf-8", "surrogatepass")

    @cached_property
    def line_starts(self) -> tuple[int, ...]:
        """Offsets at which lines begin. Only LF ends a line, as in BuildKit's scanner."""
        lengths = [len(line) + 1 for line in self.text.split("\n")]
        return tuple(accumulate(lengths[:-1], initial=0))

    def position(self, offset: int) -> tuple[int, int]:
        """Returns ``(line, column)`` of an offset, both counted from 1, column in code points.

        The byte order mark has no column of its own.
        """
        line = bisect_right(self.line_starts, offset)
        column = offset - self.line_starts[line - 1] + 1
        if line == 1 and column > 1 and self.text.startswith("\ufeff"):
            column -= 1
        return line, column

    @cached_property
    def newline(self) -> str:
        """The line end that most lines use, for lines that are added."""
        return "\r\n" if self.text.count("\r\n") * 2 > self.text.count("\n") else "\n"
