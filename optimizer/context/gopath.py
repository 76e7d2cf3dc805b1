"""Paths and path patterns as Go reads them, since Docker and BuildKit are Go programs."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final, TypeAlias

_REPLACEMENT: Final = 0xFFFD
_SLASH: Final = 0x2F
_BACKSLASH: Final = 0x5C
_STAR: Final = 0x2A
_QUESTION_MARK: Final = 0x3F
_OPEN: Final = 0x5B
_CLOSE: Final = 0x5D
_CARET: Final = 0x5E
_HYPHEN: Final = 0x2D


class PatternError(ValueError):
    """A malformed pattern, said in Go's words (path/filepath, ErrBadPattern)."""

    def __init__(self) -> None:
        super().__init__("syntax error in pattern")


def clean(path: str) -> str:
    """Returns the shortest name of ``path`` by its text alone, as Go's path.Clean does.

    ``""`` becomes ``"."``; a leading ``/`` stays, and ``..`` never climbs above it.
    """
    rooted = path.startswith("/")
    parts: list[str] = []
    for part in path.split("/"):
        if part == "..":
            if parts and parts[-1] != "..":
                parts.pop()
            elif not rooted:
                parts.append(part)
        elif part and part != ".":
            parts.append(part)
    return ("/" if rooted else "") + "/".join(parts) or "."


def inside(path: str) -> str:
    """Returns ``path`` relative to a root that it cannot leave; ``""`` is the root itself.

    COPY sources are read like this: a leading ``/`` and every ``..`` stop at the
    build context (BuildKit, solver/llbsolver/file/backend.go, cleanPath).
    """
    return clean("/" + path)[1:]


def encoded(path: str) -> bytes:
    """Returns the bytes of a path; names that are not UTF-8 come back as they were on disk.

    As a sort key it gives the order of Go's directory listings, which compare bytes.
    """
    return path.encode("utf-8", "surrogateescape")


@dataclass(frozen=True, slots=True)
class _Class:
    """A bracket expression. It may match ``/``: only ``*`` and ``?`` stop there."""

    negated: bool
    ranges: tuple[tuple[int, int], ...]

    def matches(self, rune: int) -> bool:
        return any(low <= rune <= high for low, high in self.ranges) != self.negated


# One byte as it stands, a class, or None for "?".
_Term: TypeAlias = int | _Class | None


@dataclass(frozen=True, slots=True)
class _Chunk:
    """The terms up to the next ``*``, and whether a ``*`` stands before them."""

    star: bool
    terms: tuple[_Term, ...]
    last: bool


class PathPattern:
    """A pattern of filepath.Match, ready to be compared with many names.

    Matching takes time in proportion to the length of the name times that of
    the pattern at worst: like Go, it never tries a ``*`` again once the terms
    behind it have matched.
    """

    def __init__(self, text: str) -> None:
        """Reads ``text``; raises `PatternError` where any part of it is malformed."""
        self.text = text
        self._chunks = tuple(_chunks(encoded(text)))

    def matches(self, name: str) -> bool:
        """Says whether the pattern matches all of ``name``."""
        return _match(self._chunks, encoded(name))

    @property
    def has_class(self) -> bool:
        """Whether a bracket expression occurs, which is able to match ``/``."""
        return any(isinstance(term, _Class) for chunk in self._chunks for term in chunk.terms)


def check_pattern(text: str) -> None:
    """Raises `PatternError` where moby's patternmatcher.New refuses ``text``.

    It compares the pattern with ``.`` and looks at nothing but the error, so a
    mistake behind the first ``*`` that fails to match goes unseen.
    """
    _match(_chunks(encoded(text)), b".")


def _match(chunks: Iterable[_Chunk], name: bytes) -> bool:
    at = 0
    for chunk in chunks:
        if chunk.star and not chunk.terms:
            return b"/" not in name[at:]
        end = _match_terms(chunk.terms, name, at)
        if chunk.star and (end < 0 or (chunk.last and end < len(name))):
            end = _match_behind_star(chunk, name, at)
        if end < 0 or (chunk.last and end < len(name)):
            return False
        at = end
    return at == len(name)


def _match_behind_star(chunk: _Chunk, name: bytes, at: int) -> int:
    while at < len(name) and name[at] != _SLASH:
        at += 1
        end = _match_terms(chunk.terms, name, at)
        if end >= 0 and not (chunk.last and end < len(name)):
            return end
    return -1


def _match_terms(terms: tuple[_Term, ...], name: bytes, at: int) -> int:
    for term in terms:
        if at >= len(name):
            return -1
        if isinstance(term, int):
            if name[at] != term:
                return -1
            at += 1
            continue
        rune, size = _rune(name, at)
        if rune == _SLASH if term is None else not term.matches(rune):
            return -1
        at += size
    return at


def _chunks(pattern: bytes) -> Iterator[_Chunk]:
    at = 0
    while at < len(pattern):
        start = at
        while start < len(pattern) and pattern[start] == _STAR:
            start += 1
        end = _end_of_chunk(pattern, start)
        yield _Chunk(start > at, tuple(_terms(pattern[start:end])), end == len(pattern))
        at = end


def _end_of_chunk(pattern: bytes, at: int) -> int:
    in_class = False
    while at < len(pattern):
        byte = pattern[at]
        if byte == _BACKSLASH:
            at += 1
        elif byte == _OPEN:
            in_class = True
        elif byte == _CLOSE:
            in_class = False
        elif byte == _STAR and not in_class:
            return at
        at += 1
    return len(pattern)


def _terms(chunk: bytes) -> Iterator[_Term]:
    at = 0
    while at < len(chunk):
        byte = chunk[at]
        at += 1
        if byte == _OPEN:
            term, at = _class(chunk, at)
            yield term
        elif byte == _QUESTION_MARK:
            yield None
        elif byte == _BACKSLASH:
            if at == len(chunk):
                raise PatternError
            yield chunk[at]
            at += 1
        else:
            yield byte


def _class(chunk: bytes, at: int) -> tuple[_Class, int]:
    negated = chunk[at : at + 1] == b"^"
    at += negated
    ranges: list[tuple[int, int]] = []
    while not (ranges and chunk[at : at + 1] == b"]"):
        low, at = _class_rune(chunk, at)
        high = low
        if chunk[at] == _HYPHEN:
            high, at = _class_rune(chunk, at + 1)
        ranges.append((low, high))
    return _Class(negated, tuple(ranges)), at + 1


def _class_rune(chunk: bytes, at: int) -> tuple[int, int]:
    if chunk[at : at + 1] in (b"", b"-", b"]"):
        raise PatternError
    if chunk[at] == _BACKSLASH:
        at += 1
        if at == len(chunk):
            raise PatternError
    rune, size = _rune(chunk, at)
    at += size
    if (rune == _REPLACEMENT and size == 1) or at == len(chunk):
        raise PatternError
    return rune, at


def _rune(data: bytes, at: int) -> tuple[int, int]:
    """Reads one rune as Go's utf8.DecodeRune: a byte that starts none counts as U+FFFD."""
    first = data[at]
    if first < 0x80:
        return first, 1
    size = 2 if first < 0xE0 else 3 if first < 0xF0 else 4
    try:
        return ord(data[at : at + size].decode()), size
    except UnicodeDecodeError:
        return _REPLACEMENT, 1
