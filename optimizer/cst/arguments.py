"""What stands behind a keyword, split as BuildKit splits it.

Every function takes logical text (see `optimizer.cst.nodes.LogicalLine`) and
answers with slices of it, so that the nodes can lead each answer back to the
file. All of them take time linear in the text.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple

from optimizer.cst.glob import decodable
from optimizer.cst.golang import SPACE
from optimizer.cst.lex import go_quote

JSON_KEYWORDS = frozenset(
    ("ADD", "CMD", "COPY", "ENTRYPOINT", "HEALTHCHECK", "RUN", "SHELL", "VOLUME")
)
"""The instructions that BuildKit looks for a JSON array in (parser.go, ``dispatch``)."""

_WHOLE_KEYWORDS = frozenset(
    ("CMD", "ENTRYPOINT", "MAINTAINER", "RUN", "SHELL", "STOPSIGNAL", "USER", "WORKDIR")
)
"""The instructions whose arguments are one string unless they are a JSON array."""

_PAIR_KEYWORDS = frozenset(("ARG", "ENV", "LABEL"))

_ASCII_SPACE = " \t\n\v\f\r"
# BuildKit looks at single bytes here, and unicode.IsSpace takes the bytes 0x85 and 0xA0, too.
_FLAG_GAP = _ASCII_SPACE + "\udc85\udca0"
_FLAG_END = _FLAG_GAP + "\x85\xa0"
_FLAG_GAPS = frozenset(_FLAG_GAP)
_QUOTES = ("'", '"')
_BLANK = "\t\v\f\r "
_FIELD = re.compile(f"[^{_BLANK}]+")
_TYPE = re.compile(f"([^{_FLAG_GAP}]+)[{_FLAG_GAP}]*")

# Go's decoder takes nothing but these four for white space between tokens.
_JSON_BLANK = r"[ \t\r\n]*+"
_JSON_STRING = r'"(?:[^"\\\x00-\x1f]++|\\["\\/bfnrt]|\\u[0-9a-fA-F]{4})*+"'
_JSON_STRINGS = re.compile(
    rf"\[{_JSON_BLANK}(?:{_JSON_STRING}{_JSON_BLANK}"
    rf"(?:,{_JSON_BLANK}{_JSON_STRING}{_JSON_BLANK})*+)?\]{_JSON_BLANK}\Z"
)
_JSON_ITEM = re.compile(_JSON_STRING)
_JSON_TOKEN = re.compile(
    rf"{_JSON_BLANK}(?:(?P<string>{_JSON_STRING})|(?P<word>true|false|null)"
    r"|(?P<number>-?(?:0|[1-9][0-9]*+)(?:\.[0-9]++)?(?:[eE][+-]?[0-9]++)?)"
    rf"|(?P<mark>[\[\]{{}},:]))"
)
_JSON_ESCAPE = re.compile(
    r"\\u([dD][89abAB][0-9a-fA-F]{2})\\u([dD][c-fC-F][0-9a-fA-F]{2})"
    r"|\\u([0-9a-fA-F]{4})|\\(.)"
)
_CSV_QUOTED = re.compile(r'"(?:[^"]++|"")*+"')
_JSON_LETTERS = {"b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t"}
_JSON_DEPTH = 10_000
"""How deep Go's encoding/json follows (scanner.go, maxNestingDepth)."""


class Slice(NamedTuple):
    """``text[start:end]``, and what it means."""

    start: int
    end: int
    value: str


class RawPair(NamedTuple):
    """``name``, ``separator`` and ``value`` of one assignment; no value for ``ARG name``."""

    name: Slice
    value: Slice | None
    separator: str


class PairError(Exception):
    """Arguments of ENV or LABEL that are no assignments: BuildKit's message, and the word."""

    def __init__(self, message: str, at: Slice) -> None:
        super().__init__(message)
        self.at = at


class CsvError(Exception):
    """A flag's value that is no line of comma-separated values; the text is Go's."""


@dataclass(frozen=True, slots=True)
class NotStrings:
    """A JSON array that holds something else than strings, which BuildKit refuses."""


def split_flags(text: str, at: int, escape: str) -> tuple[list[Slice], int]:
    """Reads the ``--flags`` that begin at ``at``; returns them and where the rest begins.

    BuildKit (split_command.go, extractBuilderFlags) goes byte by byte and so tears
    characters that hold the byte 0x85 or 0xA0 apart; here a flag ends at such a
    character only where it is white space itself.
    """
    flags: list[Slice] = []
    at = _skip_gap(text, at)
    while text.startswith("--", at):
        flag = _read_flag(text, at, escape)
        at = flag.end
        if flag.value == "--":
            break
        flags.append(flag)
        at = _skip_gap(text, at + 1)
    return flags, min(at, len(text))


def _skip_gap(text: str, at: int) -> int:
    while text[at : at + 1] in _FLAG_GAPS:
        at += 1
    return at


def _read_flag(text: str, at: int, escape: str) -> Slice:
    parts: list[str] = []
    quote = ""
    for match in _flag_piece(escape).finditer(text, at):
        piece = match.group()
        if piece[0] == escape:
            parts.append(piece[1:])
        elif piece == quote:
            quote = ""
        elif not quote and piece in _QUOTES:
            quote = piece
        elif not quote and piece in _FLAG_END:
            return Slice(at, match.start(), "".join(parts))
        else:
            parts.append(piece)
    return Slice(at, len(text), "".join(parts))


@lru_cache(maxsize=2)
def _flag_piece(escape: str) -> re.Pattern[str]:
    e = re.escape(escape)
    return re.compile(rf"[^{_FLAG_END}'\"{e}]+|{e}.?|[{_FLAG_END}'\"]", re.DOTALL)


def split_blanks(text: str) -> list[Slice]:
    """Splits at blanks, whatever the quotes (parser.go, parseStringsWhitespaceDelimited)."""
    return [Slice(match.start(), match.end(), match.group()) for match in _FIELD.finditer(text)]


def split_quoted(text: str, escape: str) -> list[Slice]:
    """Splits at white space outside quotes, which stay (line_parsers.go, parseWords)."""
    words = []
    for match in _quoted_word(escape).finditer(text):
        # BuildKit drops an escape character that has nothing behind it.
        end = match.end() if match.lastindex is None else match.end() - 1
        if end > match.start():
            words.append(Slice(match.start(), end, text[match.start() : end]))
    return words


@lru_cache(maxsize=2)
def _quoted_word(escape: str) -> re.Pattern[str]:
    e = re.escape(escape)
    return re.compile(
        rf"(?:[^{SPACE}'\"{e}]++|{e}.|({e}\Z)"
        rf"|\"(?:[^\"{e}]++|{e}.)*+(?:\"|({e})?\Z)|'[^']*+(?:'|\Z))++",
        re.DOTALL,
    )


def split_words(keyword: str, text: str, escape: str) -> list[Slice]:
    """Splits the arguments of ``keyword`` as BuildKit does, the JSON form aside."""
    if keyword in _PAIR_KEYWORDS:
        return split_quoted(text, escape)
    if keyword == "HEALTHCHECK":
        match = _TYPE.match(text)
        parts = [(match.start(), match.end(1)), (match.end(), len(text))] if match else []
    elif keyword in _WHOLE_KEYWORDS:
        parts = [(0, len(text))]
    else:
        return split_blanks(text)
    return [Slice(start, end, text[start:end]) for start, end in parts if start < end]


def split_pairs(keyword: str, text: str, escape: str) -> list[RawPair]:
    """Reads the assignments of ENV, LABEL and ARG (line_parsers.go, parseNameVal).

    Raises `PairError` where BuildKit does.
    """
    words = split_quoted(text, escape)
    if not words:
        return []
    if keyword != "ARG" and "=" not in words[0].value:
        return [_old_pair(keyword, text)]
    return [_pair(keyword, word) for word in words]


def _old_pair(keyword: str, text: str) -> RawPair:
    name = _FIELD.match(text)
    assert name is not None
    first = Slice(0, name.end(), name.group())
    value = text[name.end() :].lstrip(_BLANK)
    if not value:
        raise PairError(f"{keyword} must have two arguments", first)
    return RawPair(first, Slice(len(text) - len(value), len(text), value), " ")


def _pair(keyword: str, word: Slice) -> RawPair:
    name, separator, value = word.value.partition("=")
    middle = word.start + len(name)
    if separator:
        return RawPair(
            Slice(word.start, middle, name), Slice(middle + 1, word.end, value), separator
        )
    if keyword == "ARG":
        return RawPair(Slice(word.start, middle, name), None, "")
    shown = go_quote(decodable(word.value))
    message = f"Syntax error - can't find = in {shown}. Must be of the form: name=value"
    raise PairError(message, word)


def read_json(keyword: str, text: str) -> list[Slice] | NotStrings | None:
    """Reads the JSON form of ``keyword``'s arguments; None where they are not in it.

    The slices run from quote to quote, their values are decoded
    (line_parsers.go, parseJSON and parseHealthConfig).
    """
    at = 0
    if keyword == "HEALTHCHECK":
        match = _TYPE.match(text)
        at = match.end() if match else 0
    at = len(text) - len(text[at:].lstrip(SPACE))
    if not text.startswith("[", at):
        return None
    if _JSON_STRINGS.match(text, at):
        return [
            Slice(match.start(), match.end(), _json_value(match.group()[1:-1]))
            for match in _JSON_ITEM.finditer(text, at)
        ]
    return NotStrings() if _is_json(text, at) else None


def _json_value(inside: str) -> str:
    return _JSON_ESCAPE.sub(_json_unescape, inside) if "\\" in inside else inside


def _json_unescape(match: re.Match[str]) -> str:
    high, low, single, letter = match.groups()
    if high:
        return chr(0x10000 + ((int(high, 16) & 0x3FF) << 10 | int(low, 16) & 0x3FF))
    if letter:
        return _JSON_LETTERS.get(letter, letter)
    code = int(single, 16)
    return "\ufffd" if 0xD800 <= code <= 0xDFFF else chr(code)


def _is_json(text: str, at: int) -> bool:
    """Tells whether Go's encoding/json takes ``text[at:]`` for one value."""
    open_marks: list[str] = []
    wanted = "value"
    while wanted != "end":
        token = _JSON_TOKEN.match(text, at)
        if token is None or len(open_marks) > _JSON_DEPTH:
            return False
        at = token.end()
        step = _json_step(wanted, token, open_marks)
        if step is None:
            return False
        wanted = step
    return not text[at:].strip(" \t\r\n")


def _json_step(wanted: str, token: re.Match[str], open_marks: list[str]) -> str | None:
    """Takes one token; returns what has to follow, None where ``token`` is out of place."""
    mark = token["mark"]
    if wanted.startswith("value") and mark in ("[", "{"):
        open_marks.append(mark)
        return "value or ]" if mark == "[" else "key or }"
    if wanted.startswith("value") and mark is None:
        number = token["number"]
        is_too_large = number is not None and abs(float(number)) == float("inf")
        return None if is_too_large else _json_after_value(open_marks)
    if wanted.startswith("key") and token["string"]:
        return ":"
    if wanted == ":" and mark == ":":
        return "value"
    if wanted == "," and mark == ",":
        return "value" if open_marks[-1] == "[" else "key"
    is_closing = mark is not None and mark + open_marks[-1] in ("][", "}{")
    if is_closing and (wanted == "," or wanted.endswith(mark)):
        open_marks.pop()
        return _json_after_value(open_marks)
    return None


def _json_after_value(open_marks: list[str]) -> str:
    return "," if open_marks else "end"


def split_csv(text: str) -> Iterator[Slice]:
    """Reads one line of comma-separated values (go-csvvalue, as --mount and --device use it).

    A slice includes the quotes around a value. Raises `CsvError` where Go does.
    """
    if not text:
        raise CsvError("EOF")
    at = 0
    while True:
        if text.startswith('"', at):
            end, value = _quoted_field(text, at)
        else:
            comma = text.find(",", at)
            end = len(text) if comma < 0 else comma
            value = text[at:end]
            if '"' in value:
                raise _csv_error(text, at + value.index('"'), 'bare " in non-quoted-field')
        yield Slice(at, end, value)
        if end == len(text):
            return
        at = end + 1


def _quoted_field(text: str, at: int) -> tuple[int, str]:
    match = _CSV_QUOTED.match(text, at)
    if match is None:
        behind_last_quote = text.rindex('"', at) + 1
        raise _csv_error(text, behind_last_quote, 'extraneous or missing " in quoted-field')
    if match.end() < len(text) and text[match.end()] != ",":
        raise _csv_error(text, match.end() - 1, 'extraneous or missing " in quoted-field')
    return match.end(), match.group()[1:-1].replace('""', '"')


def _csv_error(text: str, at: int, reason: str) -> CsvError:
    column = len(text[:at].encode("utf-8", "surrogatepass")) + 1
    return CsvError(f"parse error on line 1, column {column}: {reason}")
