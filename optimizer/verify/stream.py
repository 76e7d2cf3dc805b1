"""A file that can only be read forward, made seekable as far as somebody looks into it."""

from __future__ import annotations

import tempfile
from types import TracebackType
from typing import Protocol, Self

IN_MEMORY = 8 << 20
"""Bytes kept in memory; what goes beyond lies in a nameless temporary file for a moment.

Only a look at the end of a large program gets there: its dynamic section stands behind its
code, and the names that this section points to may stand anywhere.
"""

_BLOCK = 1 << 18


class Readable(Protocol):
    """What a member of an archive gives: bytes in order, fewer than asked for at the end."""

    def read(self, count: int = ..., /) -> bytes: ...


def read_up_to(stream: Readable, count: int) -> bytes:
    """Returns the next ``count`` bytes, fewer only where the stream ends."""
    blocks: list[bytes] = []
    while count > 0 and (block := stream.read(min(count, _BLOCK))):
        blocks.append(block)
        count -= len(block)
    return b"".join(blocks)


class Forward:
    """Random access to the bytes of ``stream``, which is read no further than needed.

    ``start`` is what has been read of it before.
    """

    def __init__(self, stream: Readable, start: bytes = b"") -> None:
        self._stream = stream
        self._kept = tempfile.SpooledTemporaryFile(max_size=IN_MEMORY)  # noqa: SIM115
        self._kept.write(start)
        self._length = len(start)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._kept.close()

    def at(self, offset: int, count: int) -> bytes:
        """Returns ``count`` bytes from ``offset``, fewer where the file ends before.

        Raises OSError where the temporary file cannot be written, and whatever the stream
        raises.
        """
        self._reach(offset + count)
        if offset >= self._length:
            return b""
        self._kept.seek(offset)
        return self._kept.read(count)

    def _reach(self, end: int) -> None:
        if end <= self._length:
            return
        self._kept.seek(self._length)
        while self._length < end:
            block = self._stream.read(min(_BLOCK, end - self._length))
            if not block:
                return
            self._kept.write(block)
            self._length += len(block)
