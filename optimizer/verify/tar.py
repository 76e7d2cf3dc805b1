"""Reads tar archives as streams: every member once, in order, without seeking or unpacking.

Formats: POSIX ustar and pax (IEEE Std 1003.1, pax, "ustar Interchange Format" and "pax
Extended Header"), and GNU's long names, base-256 numbers and old sparse files (GNU tar manual,
"Basic Tar Format"). Content is handed on in blocks, so memory does not grow with its size.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import IO, Literal, Protocol, TypeAlias, cast

BLOCK = 1 << 20
"""Bytes that are asked of the source at once."""

_RECORD = 512
_LONGEST_HEADER = 16 << 20
"""Bytes of an extended header; longer ones are no honest names."""

_XATTR = "SCHILY.xattr."
_GZIP, _ZSTD = b"\x1f\x8b", b"\x28\xb5\x2f\xfd"

MemberKind: TypeAlias = Literal["file", "hard link", "link", "dir", "device", "pipe"]
_KINDS: dict[bytes, MemberKind] = {
    b"0": "file",
    b"\0": "file",
    b"7": "file",
    b"S": "file",
    b"1": "hard link",
    b"2": "link",
    b"3": "device",
    b"4": "device",
    b"5": "dir",
    b"6": "pipe",
}


class ArchiveError(ValueError):
    """What was read is no archive, or not a whole one."""


class Readable(Protocol):
    """Anything that bytes come out of; ``read`` gives at most ``size``, nothing at the end."""

    def read(self, size: int = ..., /) -> bytes: ...


@dataclass(frozen=True, slots=True)
class Member:
    """One header of an archive. ``size`` counts the bytes of content that follow it."""

    name: str
    kind: MemberKind
    mode: int
    uid: int
    gid: int
    size: int
    target: str = ""
    device: tuple[int, int] = (0, 0)
    xattrs: tuple[tuple[str, str], ...] = ()


class Buffered:
    """Gives exact numbers of bytes from a source that gives what it has."""

    def __init__(self, source: Readable) -> None:
        self._source = source
        self._data = b""
        self._at = 0

    def read(self, size: int = BLOCK, /) -> bytes:
        """Returns between 1 and ``size`` bytes, none at the end."""
        if self._at == len(self._data):
            self._data, self._at = self._source.read(BLOCK), 0
        data = self._data[self._at : self._at + size]
        self._at += len(data)
        return data

    def exactly(self, size: int) -> bytes:
        """Returns ``size`` bytes, or fewer at the end."""
        data = self.read(size)
        if len(data) == size or not data:
            return data
        parts, missing = [data], size - len(data)
        while missing and (data := self.read(missing)):
            parts.append(data)
            missing -= len(data)
        return b"".join(parts)

    def peek(self, size: int) -> bytes:
        """Returns the next ``size`` bytes, or fewer at the end, without taking them."""
        data = self.exactly(size)
        self._data, self._at = data + self._data[self._at :], 0
        return data

    def skip(self, size: int) -> None:
        """Leaves out ``size`` bytes. Raises ArchiveError where there are fewer."""
        while size:
            data = self.read(size)
            if not data:
                raise ArchiveError("the archive ends in the middle")
            size -= len(data)


class Content:
    """The bytes of one member; what is not read of them is passed over by the archive."""

    def __init__(self, source: Buffered, size: int) -> None:
        self._source = source
        self.left = size

    def read(self, size: int = -1, /) -> bytes:
        """Returns at most ``size`` bytes. Raises ArchiveError where the archive ends too early."""
        size = self.left if size < 0 else min(size, self.left)
        if not size:
            return b""
        data = self._source.exactly(size)
        if len(data) < size:
            raise ArchiveError("the archive ends in the middle")
        self.left -= size
        return data


@dataclass
class _Said:
    """What extended headers say of the members that follow."""

    of_all: dict[str, str] = field(default_factory=dict)
    of_next: dict[str, str] = field(default_factory=dict)


def members(source: Readable) -> Iterator[tuple[Member, Content]]:
    """Yields each member with its content, which can be read until the next one is asked for.

    Bytes of names that are not UTF-8 are surrogates (PEP 383). Raises ArchiveError.
    """
    stream = source if isinstance(source, Buffered) else Buffered(source)
    said = _Said()
    while (header := _header(stream)) is not None:
        kind = header[156:157]
        if kind in (b"x", b"g", b"L", b"K"):
            _note(said, kind, _extended(stream, _number(header[124:136])))
            continue
        member = _member(header, said)
        said.of_next = {}
        if kind == b"S":
            _pass_over_sparse_map(stream, header)
        content = Content(stream, member.size)
        if kind in _KINDS:
            yield member, content
        stream.skip(content.left + -member.size % _RECORD)


def unpacked(source: Readable) -> Buffered:
    """Returns what ``source`` holds after gzip or zstd, or as it is where it is neither."""
    stream = source if isinstance(source, Buffered) else Buffered(source)
    start = stream.peek(len(_ZSTD))
    if start.startswith(_GZIP):
        return Buffered(_Unpacking(stream, _gunzip))
    if start == _ZSTD:
        return Buffered(_Unpacking(stream, _unzstd))
    return stream


Unpack: TypeAlias = Callable[[Buffered], Iterator[bytes]]


class _Unpacking:
    """Turns an iterator of blocks into something to read from."""

    def __init__(self, source: Buffered, unpack: Unpack) -> None:
        self._blocks = unpack(source)

    def read(self, _: int = BLOCK, /) -> bytes:
        return next((block for block in self._blocks if block), b"")


def _gunzip(source: Buffered) -> Iterator[bytes]:
    """Yields the content of gzip members that follow each other (RFC 1952)."""
    rest = source.read(BLOCK)
    while rest.startswith(_GZIP[:1]):
        inflate = zlib.decompressobj(wbits=31)
        while not inflate.eof:
            try:
                data = inflate.decompress(rest, BLOCK)
            except zlib.error as error:
                raise ArchiveError(f"broken gzip data: {error}") from None
            yield data
            rest = inflate.unconsumed_tail
            if not rest and not inflate.eof and len(data) < BLOCK:
                rest = source.read(BLOCK)
                if not rest:
                    raise ArchiveError("the gzip data ends in the middle")
        rest = inflate.unused_data or source.read(BLOCK)


def _unzstd(source: Buffered) -> Iterator[bytes]:
    import zstandard

    reader = zstandard.ZstdDecompressor(max_window_size=1 << 31).stream_reader(
        cast("IO[bytes]", source), read_size=BLOCK, read_across_frames=True
    )
    try:
        while data := reader.read(BLOCK):
            yield data
    except zstandard.ZstdError as error:
        raise ArchiveError(f"broken zstd data: {error}") from None


def _header(stream: Buffered) -> bytes | None:
    """Returns the next header, None at the end (two records of zeros, or simply the end)."""
    header = stream.exactly(_RECORD)
    if not header or not any(header):
        return None
    if len(header) < _RECORD:
        raise ArchiveError("the archive ends in the middle of a header")
    unsigned = sum(header) - sum(header[148:156]) + 8 * 32
    if header[148:156].strip(b"\0 ").lstrip(b"0") != b"%o" % unsigned:
        raise ArchiveError("this is no tar archive, or a broken one")
    return header


def _number(data: bytes) -> int:
    """Reads an octal number, or GNU's base 256 for large ones."""
    if data[0] & 0x80:
        number = int.from_bytes(bytes([data[0] & 0x7F]) + data[1:], "big")
        if data[0] & 0x40:
            raise ArchiveError("a negative number in a header")
        return number
    text = data.split(b"\0", 1)[0].strip(b" ")
    if not text:
        return 0
    if text.strip(b"01234567"):
        raise ArchiveError("a broken number in a header")
    return int(text, 8)


def _extended(stream: Buffered, size: int) -> bytes:
    if size > _LONGEST_HEADER:
        raise ArchiveError("an extended header is too long")
    data = Content(stream, size).read()
    stream.skip(-size % _RECORD)
    return data


def _note(said: _Said, kind: bytes, data: bytes) -> None:
    if kind == b"L":
        said.of_next["path"] = _text(data)
    elif kind == b"K":
        said.of_next["linkpath"] = _text(data)
    else:
        (said.of_all if kind == b"g" else said.of_next).update(_pax(data))


def _pax(data: bytes) -> Iterator[tuple[str, str]]:
    """Yields the records ``LENGTH KEYWORD=VALUE\\n`` of a pax header."""
    at = 0
    while at < len(data):
        length, blank, _ = data[at : at + 20].partition(b" ")
        if not blank or not length.isdigit() or int(length) <= len(length):
            raise ArchiveError("a broken extended header")
        record = data[at + len(length) + 1 : at + int(length) - 1]
        name, _, value = record.partition(b"=")
        yield _decoded(name), _decoded(value)
        at += int(length)


def _member(header: bytes, said: _Said) -> Member:
    words = {**said.of_all, **said.of_next}
    kind = _KINDS.get(header[156:157], "file")
    name = words.get("path") or _name(header)
    if kind == "file" and name.endswith("/") and header[156:157] == b"\0":
        kind = "dir"
    target = words.get("linkpath") or _text(header[157:257])
    return Member(
        name,
        kind,
        _number(header[100:108]) & 0o7777,
        _word_number(words, "uid", header[108:116]),
        _word_number(words, "gid", header[116:124]),
        _word_number(words, "size", header[124:136]) if kind == "file" else 0,
        target if kind in ("link", "hard link") else "",
        (_number(header[329:337]), _number(header[337:345])) if kind == "device" else (0, 0),
        _xattrs(words),
    )


def _name(header: bytes) -> str:
    name = _text(header[:100])
    prefix = _text(header[345:500]) if header[257:263] == b"ustar\0" else ""
    return f"{prefix}/{name}" if prefix else name


def _word_number(words: dict[str, str], name: str, data: bytes) -> int:
    if name not in words:
        return _number(data)
    if not words[name].isascii() or not words[name].isdigit():
        raise ArchiveError(f"a broken {name} in an extended header")
    return int(words[name][:20])


def _xattrs(words: dict[str, str]) -> tuple[tuple[str, str], ...]:
    if not any(name.startswith(_XATTR) for name in words):
        return ()
    return tuple(
        sorted(
            (name.removeprefix(_XATTR), value)
            for name, value in words.items()
            if name.startswith(_XATTR)
        )
    )


def _pass_over_sparse_map(stream: Buffered, header: bytes) -> None:
    """An old GNU sparse file says in records of its own where its pieces lie."""
    more = header[482]
    while more:
        record = stream.exactly(_RECORD)
        if len(record) < _RECORD:
            raise ArchiveError("the archive ends in the middle")
        more = record[504]


def _text(data: bytes) -> str:
    return _decoded(data.split(b"\0", 1)[0])


def _decoded(data: bytes) -> str:
    return data.decode("utf-8", "surrogateescape")
