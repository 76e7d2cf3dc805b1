"""Which here-documents a logical line opens.

BuildKit finds them with its word lexer, not with a shell's rules (parser.go,
heredocsFromLine): blanks may stand between ``<<`` and the name, and a line that
the lexer refuses opens none. So ``echo $((1 << 3))`` opens one called ``3))``,
and ``echo don't <<EOF`` opens none.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from optimizer.cst.lex import Lexer, LexError

_WORD = re.compile(r"([0-9]*)<<(-?)[\t\n\f\r ]*([^<]*)")
_LARGEST_DESCRIPTOR = 2**64 - 1

# A here-document's word is read with a backslash even where the file's escape is a backtick.
_LINE = Lexer(raw_quotes=True, raw_escapes=True, skip_unset=True)
_NAME = Lexer(skip_unset=True)
_QUOTED_NAME = Lexer(raw_quotes=True, skip_unset=True)


class HeredocError(Exception):
    """A word that BuildKit takes for a here-document and then cannot read; its message."""


@dataclass(frozen=True, slots=True)
class Opening:
    """``<<`` and a name: what the body's end looks like, and how the body is read.

    ``expand`` is False when a part of the name is quoted, ``chomp`` stands for ``<<-``.
    """

    name: str
    expand: bool
    chomp: bool
    descriptor: int


def openings(line: str) -> Iterator[Opening]:
    """Yields the here-documents of a logical line, in order; raises `HeredocError`."""
    try:
        words = _LINE.process_words(line, {})
    except LexError:
        return
    for word in words:
        opening = read_opening(word)
        if opening is not None:
            yield opening


def read_opening(word: str) -> Opening | None:
    """Reads one word, None where it opens nothing (parser.go, ParseHeredoc).

    Raises `HeredocError`.
    """
    match = _WORD.fullmatch(word)
    if match is None or not match[3]:
        return None
    digits, dash, rest = match.groups()
    try:
        names = _NAME.process_words(rest, {})
        if len(names) != 1:
            return None
        quoted = _QUOTED_NAME.process_words(rest, {})
    except LexError as error:
        raise HeredocError(str(error)) from error
    if len(quoted) != 1:
        raise HeredocError(f"internal lexing of heredoc produced inconsistent results: {rest}")
    return Opening(
        name=names[0],
        expand=_quotes(names[0]) == _quotes(quoted[0]),
        chomp=bool(dash),
        descriptor=_descriptor(digits),
    )


def _quotes(word: str) -> int:
    return word.count("'") + word.count('"')


def _descriptor(digits: str) -> int:
    """strconv.ParseUint, its error ignored: the largest number where it is too large."""
    significant = digits.lstrip("0")
    return min(int(significant[:21] or "0"), _LARGEST_DESCRIPTOR)
