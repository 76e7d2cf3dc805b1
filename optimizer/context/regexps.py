"""Many Go regular expressions run over one path at once, without backtracking.

moby's patternmatcher turns a pattern into a regular expression for Go's RE2
engine. What a pattern then means follows from Go's syntax and not from the
pattern's own (``\\d`` is a digit, ``[[:alpha:]]`` a letter, a ``^`` outside of
brackets an anchor), so this module reads that syntax: the part of it that the
translation can produce. Python's ``re`` reads another dialect, and backtracks.

All expressions of one `Automaton` are simulated together: every position of
every expression is one bit of an integer, a step over one character is a few
operations on such integers, and the outcome of a step is remembered.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum, auto
from functools import lru_cache
from typing import Final

_LAST_RUNE: Final = 0x10FFFF
_REPLACEMENT: Final = "\ufffd"
# How many bits the remembered states of one automaton may hold altogether (4 MiB).
_MEMORY: Final = 1 << 25
_MOST_STATES: Final = 1024


class RegexpError(ValueError):
    """A regular expression that Go's regexp.Compile refuses."""


@dataclass(frozen=True, slots=True)
class CharSet:
    """A set of characters: ranges of code points, and Unicode categories by name."""

    ranges: tuple[tuple[int, int], ...]
    categories: tuple[tuple[str, bool], ...] = ()
    negated: bool = False

    @property
    def single(self) -> int | None:
        """The only character of the set, where it was written as one."""
        if self.negated or self.categories or len(self.ranges) != 1:
            return None
        low, high = self.ranges[0]
        return low if low == high else None

    def __contains__(self, char: str) -> bool:
        code = ord(char)
        inside = any(low <= code <= high for low, high in self.ranges) or any(
            unicodedata.category(char).startswith(name) == wanted
            for name, wanted in self.categories
        )
        return inside != self.negated


class Op(Enum):
    """What one term of an expression does."""

    ONE = auto()  # consumes one character of the set
    OPTIONAL = auto()  # consumes one or none
    MANY = auto()  # consumes any number of characters of the set
    DIRECTORIES = auto()  # (.*/)?
    BEGIN = auto()
    END = auto()
    WORD_BOUNDARY = auto()
    NO_WORD_BOUNDARY = auto()


@dataclass(frozen=True, slots=True)
class Term:
    """One term of an expression; ``chars`` is None for those that consume nothing of their own."""

    op: Op
    chars: CharSet | None = None


# regexp/syntax, perl_groups.go.
_DIGITS = ((0x30, 0x39),)
_UPPER = ((0x41, 0x5A),)
_LOWER = ((0x61, 0x7A),)
_WORD = (*_DIGITS, *_UPPER, (0x5F, 0x5F), *_LOWER)
_PERL_CLASSES: Final = {
    "d": _DIGITS,
    "s": ((0x09, 0x0A), (0x0C, 0x0D), (0x20, 0x20)),
    "w": _WORD,
}
_NAMED_CLASSES: Final = {
    "alnum": (*_DIGITS, *_UPPER, *_LOWER),
    "alpha": (*_UPPER, *_LOWER),
    "ascii": ((0x00, 0x7F),),
    "blank": ((0x09, 0x09), (0x20, 0x20)),
    "cntrl": ((0x00, 0x1F), (0x7F, 0x7F)),
    "digit": _DIGITS,
    "graph": ((0x21, 0x7E),),
    "lower": _LOWER,
    "print": ((0x20, 0x7E),),
    "punct": ((0x21, 0x2F), (0x3A, 0x40), (0x5B, 0x60), (0x7B, 0x7E)),
    "space": ((0x09, 0x0D), (0x20, 0x20)),
    "upper": _UPPER,
    "word": _WORD,
    "xdigit": (*_DIGITS, (0x41, 0x46), (0x61, 0x66)),
}
# regexp/syntax, parse.go, parseEscape.
_CONTROL_ESCAPES: Final = {"a": 7, "f": 12, "n": 10, "r": 13, "t": 9, "v": 11}
# regexp/syntax, parse.go, the escapes that are no characters.
_ASSERTIONS: Final = {
    "A": Op.BEGIN,
    "z": Op.END,
    "b": Op.WORD_BOUNDARY,
    "B": Op.NO_WORD_BOUNDARY,
}
_CHARACTER_ESCAPE: Final = re.compile(
    r"x(?P<hex>[0-9a-fA-F]{2})|x\{(?P<braced>[0-9a-fA-F]+)\}"
    r"|(?P<octal>0[0-7]{0,2}|[1-7][0-7]{1,2})"
    r"|(?P<itself>[afnrtv]|[^0-9A-Za-z\x80-\U0010ffff])",
    re.DOTALL,
).match
# parse.go, parseRepeat and parseInt.
_REPETITION: Final = re.compile(r"\{(0|[1-9][0-9]*)(,(0|[1-9][0-9]*)?)?\}").match
# The categories that unicodedata knows by these names; "Any" and the scripts are missing.
_CATEGORY: Final = re.compile(
    r"\{(\^)?(C[cfos]?|L[lmotu]?|M[cen]?|N[dlo]?|P[cdefios]?|S[ckmo]?|Z[lps]?)\}|([CLMNPSZ])",
    re.IGNORECASE,
).match
# Go's own limit is on memory, and far higher.
_MOST_TERMS: Final = 100_000

_EVERYTHING: Final = CharSet(((0, _LAST_RUNE),))
_NOT_NEWLINE: Final = CharSet(((0x0A, 0x0A),), negated=True)


def parse_regexp(text: str) -> tuple[tuple[Term, ...], ...]:
    """Reads an expression that moby's translation of a pattern has produced.

    Returns its alternatives, each of which has to match the whole of a path.
    The translation writes no groups but ``(.*/)?``; what it escapes and what it
    leaves of the pattern decides the rest. Raises `RegexpError` for what Go
    refuses, and besides for a Unicode script (``\\p{Greek}``), for a repetition
    of a repetition (``a{2}\\Q\\E{2}``) and for more than 100,000 terms.
    """
    parser = _Parser(text)
    parser.parse()
    return tuple(map(_in_whole_path, parser.alternatives))


def _in_whole_path(terms: list[Term]) -> tuple[Term, ...]:
    """Go searches: what no anchor holds may have anything around it."""
    anything = Term(Op.MANY, _EVERYTHING)
    before = () if terms and terms[0].op is Op.BEGIN else (anything,)
    behind = () if terms and terms[-1].op is Op.END else (anything,)
    return (*before, *terms, *behind)


class _Parser:
    """Reads one expression from left to right (regexp/syntax, parse.go)."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._at = 0
        self._terms: list[Term] = []
        self._repeated = False
        self.alternatives = [self._terms]

    def parse(self) -> None:
        while self._at < len(self._text):
            self._repeated = self._read_term()
            if len(self._terms) > _MOST_TERMS:
                raise RegexpError("expression too large")

    def _read_term(self) -> bool:
        """Reads what comes next and says whether it was a repetition."""
        text, char = self._text, self._text[self._at]
        if char == "\\":
            self._read_escape()
        elif char == "[":
            return self._read_brackets()
        elif char == "{" and (bounds := _REPETITION(text, self._at)):
            self._repeat(bounds)
            return True
        elif text.startswith("(.*/)?", self._at):
            self._add(Term(Op.DIRECTORIES), 6)
            return True
        elif text.startswith(".*", self._at):
            self._add(Term(Op.MANY, _NOT_NEWLINE), 2)
            return True
        elif char == "|":
            self._terms = []
            self.alternatives.append(self._terms)
            self._at += 1
        else:
            anchor = {"^": Op.BEGIN, "$": Op.END}.get(char)
            self._add(Term(anchor) if anchor else _literal(ord(char)), 1)
        return False

    def _add(self, term: Term, length: int) -> None:
        self._terms.append(term)
        self._at += length

    def _repeat(self, bounds: re.Match[str]) -> None:
        """Writes out ``{2}``, ``{2,}`` or ``{2,3}`` behind a term."""
        # Five digits are more than is allowed, and int() does not read thousands of them.
        least = int(bounds[1][:5])
        most = int(bounds[3][:5]) if bounds[3] else None if bounds[2] else least
        if self._repeated or not self._terms or self._terms[-1].op in (Op.MANY, Op.DIRECTORIES):
            raise RegexpError(bounds[0])
        if max(least, most or 0) > 1000 or (most is not None and most < least):
            raise RegexpError(bounds[0])
        term = self._terms.pop()
        if term.chars is None:
            self._terms += [term] * min(least, 1)
        else:
            self._terms += [term] * least
            if most is None:
                self._terms.append(Term(Op.MANY, term.chars))
            else:
                self._terms += [Term(Op.OPTIONAL, term.chars)] * (most - least)
        self._at = bounds.end()

    def _read_escape(self) -> None:
        kind = self._text[self._at + 1 : self._at + 2]
        if kind in _ASSERTIONS:
            self._add(Term(_ASSERTIONS[kind]), 2)
        elif kind == "Q":
            quoted, end, _ = self._text[self._at + 2 :].partition("\\E")
            self._terms += [_literal(ord(char)) for char in quoted]
            self._at += 2 + len(quoted) + len(end)
        elif (group := self._read_group()) is not None:
            self._add(Term(Op.ONE, group), 0)
        else:
            self._add(_literal(self._read_character_escape()), 0)

    def _read_group(self) -> CharSet | None:
        r"""Reads ``\d``, ``\W``, ``\pL``, ``\p{Lu}``; None for another escape."""
        kind = self._text[self._at + 1 : self._at + 2]
        if kind in ("p", "P"):
            return self._read_category(kind == "p")
        ranges = _PERL_CLASSES.get(kind.lower())
        if ranges is None:
            return None
        self._at += 2
        return CharSet(ranges if kind.islower() else _complement(ranges))

    def _read_category(self, wanted: bool) -> CharSet:
        named = _CATEGORY(self._text, self._at + 2)
        if named is None:
            raise RegexpError(self._text[self._at :])
        self._at = named.end()
        name = named[2] or named[3]
        if named[1]:
            wanted = not wanted
        return CharSet((), ((name.capitalize(), wanted),))

    def _read_character_escape(self) -> int:
        """Reads an escape that stands for one character (parse.go, parseEscape)."""
        escape = _CHARACTER_ESCAPE(self._text, self._at + 1)
        if escape is None:
            raise RegexpError(self._text[self._at : self._at + 2])
        self._at = escape.end()
        digits = escape["hex"] or escape["braced"]
        code = int(digits, 16) if digits else int(escape["octal"] or "0", 8)
        if escape["itself"]:
            code = _CONTROL_ESCAPES.get(escape["itself"], ord(escape["itself"]))
        if code > _LAST_RUNE:
            raise RegexpError(escape[0])
        return code

    def _read_brackets(self) -> bool:
        """Reads brackets and a ``*`` behind them (parse.go, parseClass)."""
        self._at += 1
        negated = self._text.startswith("^", self._at)
        self._at += negated
        ranges: list[tuple[int, int]] = []
        categories: list[tuple[str, bool]] = []
        first = self._at
        while self._at == first or not self._text.startswith("]", self._at):
            named = self._read_named_class()
            if named is None and self._text.startswith("\\", self._at):
                named = self._read_group()
            if named is None:
                ranges.append(self._read_range())
            else:
                ranges += named.ranges
                categories += named.categories
        self._at += 1
        many = self._text.startswith("*", self._at)
        chars = CharSet(tuple(ranges), tuple(categories), negated)
        self._add(Term(Op.MANY if many else Op.ONE, chars), int(many))
        return many

    def _read_named_class(self) -> CharSet | None:
        start = self._at
        end = self._text.find(":]", start + 2) if self._text.startswith("[:", start) else -1
        if end < 0:
            return None
        name = self._text[start + 2 : end]
        ranges = _NAMED_CLASSES.get(name.removeprefix("^"))
        if ranges is None:
            raise RegexpError(self._text[start : end + 2])
        self._at = end + 2
        return CharSet(_complement(ranges) if name.startswith("^") else ranges)

    def _read_range(self) -> tuple[int, int]:
        low = high = self._read_class_character()
        at = self._at
        if self._text.startswith("-", at) and self._text[at + 1 : at + 2] not in ("", "]"):
            self._at += 1
            high = self._read_class_character()
        if high < low:
            raise RegexpError(self._text[at : self._at])
        return low, high

    def _read_class_character(self) -> int:
        if self._at >= len(self._text):
            raise RegexpError("missing closing ]")
        if self._text[self._at] == "\\":
            return self._read_character_escape()
        self._at += 1
        return ord(self._text[self._at - 1])


@lru_cache(maxsize=1024)
def _literal(code: int) -> Term:
    return Term(Op.ONE, CharSet(((code, code),)))


def _complement(ranges: tuple[tuple[int, int], ...]) -> tuple[tuple[int, int], ...]:
    starts = (0, *(high + 1 for _, high in ranges))
    ends = (*(low - 1 for low, _ in ranges), _LAST_RUNE)
    return tuple((low, high) for low, high in zip(starts, ends, strict=True) if low <= high)


class _State:
    """The positions reached after some characters, and where the next character leads."""

    __slots__ = ("alive", "at_word", "inside", "matching", "next", "reached")

    def __init__(self, reached: int, inside: int, at_word: bool) -> None:
        self.reached = reached
        # Positions of (.*/)? that are between their "(" and their "/".
        self.inside = inside
        self.at_word = at_word
        self.next: dict[str, _State] = {}
        # Labels, once somebody has asked: of what matches here, and of what still may.
        self.matching: tuple[int, ...] | None = None
        self.alive: tuple[int, ...] | None = None


class Automaton:
    """Says which of several expressions match a path.

    Every expression comes with a label, a number that several may share. Paths
    are relative, with ``/`` between names; undecodable bytes in them (lone
    surrogates) count as U+FFFD, as they do for Go. The state behind a directory
    is kept, so that the files in it cost the length of their names.
    """

    def __init__(self, expressions: Iterable[tuple[int, tuple[Term, ...]]]) -> None:
        starts: list[int] = []
        by_op: dict[Op, list[int]] = {op: [] for op in Op}
        by_chars: dict[CharSet, list[int]] = {}
        accepting: dict[int, list[int]] = {}
        everywhere: dict[int, list[int]] = {}
        position = 0
        for label, expression in expressions:
            starts.append(position)
            for at, term in enumerate(expression, start=position):
                by_op[term.op].append(at)
                if term.chars is not None:
                    by_chars.setdefault(term.chars, []).append(at)
            end = position + len(expression)
            accepting.setdefault(label, []).append(end)
            everywhere.setdefault(label, []).extend(range(position, end + 1))
            position = end + 1
        self._by_op = {op: _bits(positions) for op, positions in by_op.items()}
        self._accepting = {label: _bits(positions) for label, positions in accepting.items()}
        self._everywhere = {label: _bits(positions) for label, positions in everywhere.items()}
        self._literals = {chr(c.single): ps for c, ps in by_chars.items() if c.single is not None}
        self._sets = [(c, _bits(ps)) for c, ps in by_chars.items() if c.single is None]
        self._watches_words = bool(by_op[Op.WORD_BOUNDARY] or by_op[Op.NO_WORD_BOUNDARY])
        self._most_states = max(16, min(_MOST_STATES, _MEMORY // (2 * position + 1)))
        self._start = _State(_bits(starts), 0, False)
        self._forget()

    def _forget(self) -> None:
        self._start.next.clear()
        self._masks: dict[str, int] = {}
        self._states: dict[tuple[int, int, bool], _State] = {}
        self._directories: dict[str, _State] = {"": self._start}

    def matching(self, directory: str, name: str) -> tuple[int, ...]:
        """Returns the labels that match ``name`` in ``directory`` (``""`` for the root)."""
        state = self._run(self._behind(directory), name)
        if state.matching is None:
            closure = self._closure(state, None)
            state.matching = _labels(self._accepting, closure)
        return state.matching

    def below(self, directory: str) -> tuple[int, ...]:
        """Returns the labels that may match a path below ``directory``; the others never do."""
        state = self._behind(directory)
        if state.alive is None:
            state.alive = _labels(self._everywhere, state.reached | state.inside)
        return state.alive

    def _behind(self, directory: str) -> _State:
        """Returns the state behind ``directory`` and its ``/``."""
        missing: list[str] = []
        while (state := self._directories.get(directory)) is None:
            parent, _, name = directory.rpartition("/")
            missing.append(name)
            directory = parent
        for name in reversed(missing):
            directory = f"{directory}/{name}" if directory else name
            state = self._run(state, name + "/")
            self._directories[directory] = state
        return state

    def _run(self, state: _State, text: str) -> _State:
        for char in text:
            state = state.next.get(char) or self._step(state, char)
        return state

    def _step(self, state: _State, char: str) -> _State:
        by_op = self._by_op
        closure = self._closure(state, char)
        consumed = closure & self._mask(char)
        single = consumed & (by_op[Op.ONE] | by_op[Op.OPTIONAL])
        reached = single << 1 | consumed & by_op[Op.MANY]
        inside = state.inside | closure & by_op[Op.DIRECTORIES]
        if char == "/":
            reached |= inside << 1
        elif char == "\n":
            inside = 0
        key = (reached, inside, self._watches_words and _is_word(char))
        if len(self._states) >= self._most_states:
            self._forget()
        following = self._states.get(key)
        if following is None:
            following = self._states[key] = _State(*key)
        state.next[char] = following
        return following

    def _closure(self, state: _State, char: str | None) -> int:
        """Returns the positions reached without consuming ``char``, or the end where it is None."""
        by_op = self._by_op
        passable = by_op[Op.MANY] | by_op[Op.DIRECTORIES] | by_op[Op.OPTIONAL]
        if state is self._start:
            passable |= by_op[Op.BEGIN]
        if char is None:
            passable |= by_op[Op.END]
        at_boundary = state.at_word != (char is not None and _is_word(char))
        passable |= by_op[Op.WORD_BOUNDARY if at_boundary else Op.NO_WORD_BOUNDARY]
        # The carry of the addition runs from each reached position through the
        # passable ones behind it to the first that is not.
        entered = state.reached & passable
        return state.reached | entered | ((entered + passable) ^ passable)

    def _mask(self, char: str) -> int:
        """Returns the positions that ``char`` satisfies."""
        mask = self._masks.get(char)
        if mask is None:
            seen = _REPLACEMENT if "\ud800" <= char <= "\udfff" else char
            mask = _bits(self._literals.get(seen, ()))
            for chars, positions in self._sets:
                if seen in chars:
                    mask |= positions
            self._masks[char] = mask
        return mask


def _labels(positions: Mapping[int, int], reached: int) -> tuple[int, ...]:
    """Returns the labels that have a position among the reached ones."""
    if not reached:
        return ()
    return tuple(label for label, places in positions.items() if reached & places)


def _bits(positions: Sequence[int]) -> int:
    """Returns the integer with these bits set; ``positions`` ascend."""
    buffer = bytearray(positions[-1] // 8 + 1 if positions else 0)
    for position in positions:
        buffer[position >> 3] |= 1 << (position & 7)
    return int.from_bytes(buffer, "little")


def _is_word(char: str) -> bool:
    return char.isascii() and (char.isalnum() or char == "_")
