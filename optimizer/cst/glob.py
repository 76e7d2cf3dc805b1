"""The shell patterns inside ``${x#p}``, ``${x%p}`` and ``${x/p/q}``.

``*`` stands for any text and ``?`` for any character, neither for a line feed;
there are no brackets. BuildKit (frontend/dockerfile/shell/lex.go,
convertShellPatternToRegex) turns such a pattern into a regular expression for
Go's engine, which never backtracks. The same promise is kept here: the set of
pattern positions that are alive is one integer, moved along the text once.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

_UNDECODABLE = re.compile("[\ud800-\udfff]")


def decodable(text: str) -> str:
    """Returns ``text`` with U+FFFD for each undecodable byte, as Go reads runes."""
    return _UNDECODABLE.sub("\ufffd", text)


class PatternError(Exception):
    """A pattern that BuildKit refuses; the text is BuildKit's."""


@dataclass(frozen=True, slots=True)
class _Automaton:
    """Bit ``i`` of a state is set when the first ``i`` characters of the pattern are matched."""

    size: int
    literals: dict[str, int]
    """For each character, the places of the pattern where it stands."""
    anything: int
    """The places of ``?``."""
    loops: int
    """The places that a ``*`` lets wait."""

    def step(self, state: int, char: str) -> int:
        places = self.literals.get(char, 0)
        if char == "\n":
            return (state & places) << 1
        return (state & (places | self.anything)) << 1 | state & self.loops

    def accepts(self, state: int) -> bool:
        return bool(state >> self.size & 1)


@dataclass(frozen=True, slots=True)
class Glob:
    """A pattern: single characters, None for ``*`` and "" for ``?``."""

    atoms: tuple[str | None, ...]

    @classmethod
    def parse(cls, pattern: str) -> Glob:
        """Reads a pattern; raises `PatternError` where a backslash stands before another
        character than ``*``, ``?``, ``\\``, ``}`` or ``/``."""
        atoms: list[str | None] = []
        chars = iter(decodable(pattern.removeprefix("\ufeff")))
        for char in chars:
            if char == "*":
                atoms.append(None)
            elif char == "?":
                atoms.append("")
            elif char == "\\":
                escaped = next(chars, "\ufffd")
                if escaped not in "*?\\}/":
                    raise PatternError(f"invalid escape '\\{escaped}'")
                atoms.append(escaped)
            else:
                atoms.append(char)
        return cls(tuple(atoms))

    def prefix(self, text: str, longest: bool) -> int | None:
        """Returns the end of the shortest or longest prefix that matches, None without one."""
        return _end(_automaton(self.atoms), decodable(text), 0, longest)

    def matches(self, text: str) -> Iterator[tuple[int, int]]:
        """Yields the leftmost longest matches from left to right, as Go's regexp finds them.

        A match of nothing moves on by one character; it is also found right behind
        another match.
        """
        text = decodable(text)
        starts = _starts(_automaton(self.atoms[::-1]), text)
        forward = _automaton(self.atoms)
        at = 0
        while (index := bisect_left(starts, at)) < len(starts):
            start = starts[index]
            end = _end(forward, text, start, longest=True)
            if end is None:
                raise AssertionError("a start without an end")
            yield start, end
            at = max(at + 1, end)


def replace_first(glob: Glob, text: str, replacement: str) -> str:
    """Replaces the first match."""
    for start, end in glob.matches(text):
        return text[:start] + replacement + text[end:]
    return text


def replace_all(glob: Glob, text: str, template: Sequence[str], limit: int) -> str | None:
    """Replaces every match by the texts of ``template`` with the match between them.

    Returns None for a result longer than ``limit``.
    """
    without_match = "".join(template)
    parts: list[str] = []
    length = last = 0
    for start, end in glob.matches(text):
        parts.append(text[last:start])
        # An empty match right behind another match is not replaced.
        if end > last or start == 0:
            match = text[start:end]
            parts.append(match.join(template) if match else without_match)
            length += len(parts[-1])
        length += start - last
        last = end
        if length > limit:
            return None
    parts.append(text[last:])
    return "".join(parts) if length + len(text) - last <= limit else None


def _automaton(atoms: tuple[str | None, ...]) -> _Automaton:
    places: dict[str, list[int]] = {}
    loops: list[int] = []
    size = 0
    for atom in atoms:
        if atom is None:
            loops.append(size)
            continue
        places.setdefault(atom, []).append(size)
        size += 1
    literals = {char: _bits(at, size) for char, at in places.items()}
    return _Automaton(size, literals, literals.pop("", 0), _bits(loops, size))


def _bits(places: list[int], size: int) -> int:
    octets = bytearray(size // 8 + 1)
    for place in places:
        octets[place >> 3] |= 1 << (place & 7)
    return int.from_bytes(octets, "little")


def _end(automaton: _Automaton, text: str, start: int, longest: bool) -> int | None:
    state = 1
    found = None
    for at in range(start, len(text) + 1):
        if automaton.accepts(state):
            found = at
            if not longest:
                break
        if not state or at == len(text):
            break
        state = automaton.step(state, text[at])
    return found


def _starts(backwards: _Automaton, text: str) -> list[int]:
    """Returns every place where a match starts, ascending."""
    state = 1
    found: list[int] = []
    for at in range(len(text), -1, -1):
        if backwards.accepts(state):
            found.append(at)
        if at:
            state = backwards.step(state, text[at - 1]) | 1
    found.reverse()
    return found
