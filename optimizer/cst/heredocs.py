"""Which here-documents a logical line opens.

BuildKit finds them with its word lexer, not with a shell's rules (parser.go,
heredocsFromLine): blanks may stand between ``<<`` and the name, and a line that
the lexer refuses opens none. So ``echo $((1 << 3))`` opens one called ``3))``,
and ``echo don't <<EOF`` opens none.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from optimizer.cst.lex import Lexer, LexError

_WORD = re.compile(r"([0-9]*)<<(-?)[\t\n\f\r ]*([^<]*)")
_LARGEST_DESCRIPTOR = 2**64 - 1

# A here-document's word is read with a backslash even where the file's escape is a backtick.
_LINE = Lexer(raw_quotes=True, raw_escapes=True, skip_unset=True)
_NAME = Lexer(skip_unset=True)
_QUOTED_NAME = Lexer(raw_quotes=True, skip_unset=True)


@dataclass(frozen=True, slots=True)
class Opening:
    """``<<`` and a name: what the body's end looks like, and how the body is read.

    ``expand`` is False when a part of the name is quoted, ``chomp`` stands for ``<<-``.
    """

    name: str
    expand: bool
    chomp: bool
    descriptor: int


def openings(line: str) -> list[Opening]:
    """Returns the here-documents of a logical line, in order."""
    try:
        words = _LINE.process_words(line, {})
    except LexError:
        return []
    found = (read_opening(word) for word in words)
    return [opening for opening in found if opening is not None]


def read_opening(word: str) -> Opening | None:
    """Reads one word, None where it opens nothing (parser.go, ParseHeredoc).

    A name that cannot be read opens nothing, either: BuildKit has an error for it,
    but no line leads to a word that is read once and then cannot be read again.
    """
    match = _WORD.fullmatch(word)
    if match is None or not match[3]:
        return None
    digits, dash, rest = match.groups()
    try:
        names = _NAME.process_words(rest, {})
        quoted = _QUOTED_NAME.process_words(rest, {})
    except LexError:
        return None
    if len(names) != 1 or len(quoted) != 1:
        return None
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
