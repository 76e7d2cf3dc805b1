"""Words: quotes, escapes and ``$variables``, with BuildKit's answers.

A port of the behaviour of BuildKit's frontend/dockerfile/shell/lex.go. Where that
lexer is odd (an operand such as ``${x:-y}`` wipes what a split word held so far,
undecodable bytes become U+FFFD), so is this one.

Two bounds are ours, both reported as `LexLimitError`: how deep operands nest, and
how much text variables may add to one word. The time taken is linear in the word
and in the text that its variables add.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Protocol

from optimizer.cst.glob import Glob, PatternError, decodable, replace_all, replace_first

MAX_DEPTH = 100
"""How deep operands may nest: ``${a:-${b:-c}}`` is two deep."""

MAX_GROWTH = 1 << 20
"""How many characters variables may add to one word."""

_SPECIAL_PARAMETERS = frozenset("@*#?-$!0")
_HEREDOC_BLANKS = re.compile(r"<<[\t\r ]*")
_NAME = re.compile(r"\w+")
# Go's unicode.IsSpace, which is narrower than Python's str.isspace.
_SPACE = re.compile("[\t\n\v\f\r \x85\xa0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000]+")
_REPLACEMENT_CHARACTER = "\ufffd"


class LexError(Exception):
    """A word that BuildKit refuses.

    ``reason`` says what is wrong, ``word`` is the whole word.
    """

    def __init__(self, reason: str, word: str = "") -> None:
        super().__init__(reason)
        self.reason = reason
        self.word = word

    @cached_property
    def message(self) -> str:
        """The text of BuildKit's error."""
        return f"failed to process {go_quote(self.word)}: {self.reason}"

    def __str__(self) -> str:
        return self.message


class LexLimitError(LexError):
    """A word that goes beyond `MAX_DEPTH` or `MAX_GROWTH`; BuildKit might accept it."""


class Variables(Protocol):
    """Where the lexer looks names up; a mapping of strings will do."""

    def get(self, name: str, /) -> str | None:
        """Returns the value of a variable, None for one that is unset."""


@dataclass(frozen=True, slots=True)
class Expansion:
    """A word after expansion, with the variables it asked for.

    ``used`` are the names that had a value, ``unset`` those that had none. A
    variable counts as asked for even where its value did not matter in the end.
    """

    text: str
    used: frozenset[str]
    unset: frozenset[str]


@dataclass(frozen=True, slots=True)
class Lexer:
    """BuildKit's word lexer.

    ``escape`` is the file's escape character. ``raw_quotes`` and ``raw_escapes``
    keep quotes and escape characters in the result, ``skip_quotes`` treats quotes
    as ordinary characters, ``skip_unset`` leaves references to unset variables as
    they are (the switches RawQuotes, RawEscapes, SkipProcessQuotes, SkipUnsetEnv).
    """

    escape: str = "\\"
    raw_quotes: bool = False
    raw_escapes: bool = False
    skip_unset: bool = False
    skip_quotes: bool = False

    def process_word(self, word: str, env: Variables) -> Expansion:
        """Expands ``word`` and takes its quotes off; blanks stay as they are.

        Raises `LexError` where BuildKit refuses the word.
        """
        scan = _Scan(self, word, env, None)
        text = scan.whole()
        return Expansion(text, frozenset(scan.used), frozenset(scan.unset))

    def process_words(self, word: str, env: Variables) -> list[str]:
        """Expands ``word``, then splits it at white space that is not quoted.

        Raises `LexError` where BuildKit refuses the word.
        """
        words = _Words()
        _Scan(self, word, env, words).whole()
        words.end()
        return words.found


class _Words:
    """Collects the words of a split text."""

    def __init__(self) -> None:
        self.found: list[str] = []
        self._parts: list[str] = []

    def add_raw(self, text: str) -> None:
        if text:
            self._parts.append(text)

    def add(self, text: str) -> None:
        at = 0
        for space in _SPACE.finditer(text):
            self.add_raw(text[at : space.start()])
            self.end()
            at = space.end()
        self.add_raw(text[at:])

    def end(self) -> None:
        if self._parts:
            self.found.append("".join(self._parts))
            self.wipe()

    def wipe(self) -> None:
        self._parts.clear()


class _Scan:
    """One pass over one word."""

    def __init__(self, lexer: Lexer, word: str, env: Variables, words: _Words | None) -> None:
        self.word = word
        self.env = env
        self.words = words
        self.used: set[str] = set()
        self.unset: set[str] = set()
        self._lexer = lexer
        # Go's text/scanner reads each undecodable byte as U+FFFD and drops a BOM in front.
        self._text = decodable(word)
        self._at = 1 if word.startswith("\ufeff") else 0
        self._raw_escapes = lexer.raw_escapes
        self._is_pattern = False
        self._depth = 0
        self._growth = 0

    def whole(self) -> str:
        """Expands the whole word."""
        try:
            return self._until("", self.words)
        except LexError as error:
            error.word = self.word
            raise

    def _peek(self) -> str:
        """The next character, "" at the end."""
        return self._text[self._at : self._at + 1]

    def _next(self) -> str:
        char = self._peek()
        self._at += len(char)
        return char

    def _until(self, stop: str, words: _Words | None) -> str:
        """Expands up to ``stop`` and steps over it; "" stands for the end of the word."""
        quotes = "" if self._lexer.skip_quotes else "'\""
        plain = _plain("$" + quotes + self._lexer.escape + stop + ("<" if words else ""))
        parts: list[str] = []
        while char := self._peek():
            if char == stop:
                self._at += 1
                return "".join(parts)
            if run := plain.match(self._text, self._at):
                self._at = run.end()
                part = run.group()
                if words:
                    words.add(part)
            else:
                part = self._special(char, words)
            parts.append(part)
        if stop:
            raise LexError(f"unexpected end of statement while looking for matching {stop}")
        return "".join(parts)

    def _special(self, char: str, words: _Words | None) -> str:
        if char == "$":
            part = self._dollar()
            if words:
                words.add(decodable(part))
            return part
        if char == "<":
            part = self._less_than()
        elif char == self._lexer.escape:
            part = self._escaped()
        elif char == "'":
            part = self._single_quoted()
        else:
            part = self._double_quoted()
        if words:
            words.add_raw(part)
        return part

    def _less_than(self) -> str:
        """``<<`` binds the blanks behind it, so that ``<< EOF`` is one word."""
        blanks = _HEREDOC_BLANKS.match(self._text, self._at)
        part = blanks.group() if blanks else "<"
        self._at += len(part)
        return part

    def _escaped(self) -> str:
        token = self._next()
        return (token if self._raw_escapes else "") + self._next()

    def _single_quoted(self) -> str:
        end = self._text.find("'", self._at + 1)
        if end < 0:
            self._at = len(self._text)
            raise LexError("unexpected end of statement while looking for matching single-quote")
        part = self._text[self._at + 1 : end]
        self._at = end + 1
        if self._is_pattern:
            part = part.replace(self._lexer.escape, self._lexer.escape * 2)
        return f"'{part}'" if self._lexer.raw_quotes else part

    def _double_quoted(self) -> str:
        self._at += 1
        quote = '"' if self._lexer.raw_quotes else ""
        plain = _plain('$"' + self._lexer.escape)
        parts = [quote]
        while char := self._peek():
            if char == '"':
                self._at += 1
                parts.append(quote)
                return "".join(parts)
            if char == "$":
                parts.append(self._dollar())
            elif run := plain.match(self._text, self._at):
                self._at = run.end()
                parts.append(run.group())
            else:
                parts.append(self._escaped_in_quotes())
        raise LexError("unexpected end of statement while looking for matching double-quote")

    def _escaped_in_quotes(self) -> str:
        escape = self._next()
        char = self._peek()
        if char in ('"', "$", escape):
            return (escape if self._raw_escapes else "") + self._next()
        # The pattern's own reader takes one escape character off again.
        twice = self._raw_escapes and (self._is_pattern or not self._lexer.raw_quotes)
        return escape * 2 if twice else escape

    def _dollar(self) -> str:
        self._at += 1
        if self._peek() == "{":
            self._at += 1
            return self._braced()
        name = self._name()
        if not name:
            return "$"
        value = self._get(name)
        if value is None:
            return "$" + name if self._lexer.skip_unset else ""
        return value

    def _braced(self) -> str:
        first = self._peek()
        if not first:
            raise LexError("syntax error: missing '}'")
        if first in "{}:":
            raise LexError("syntax error: bad substitution")
        name = self._name()
        modifier = self._next()
        if modifier == "}":
            value = self._get(name)
            if value is None:
                return f"${{{name}}}" if self._lexer.skip_unset else ""
            return value
        if modifier == "/":
            return self._replaced(name)
        if modifier == ":":
            return self._modified(name, self._next(), colon=":")
        if modifier and modifier in "+-?#%":
            return self._modified(name, modifier, colon="")
        raise _unsupported(modifier)

    def _modified(self, name: str, modifier: str, colon: str) -> str:
        is_pattern = modifier in ("#", "%")
        if colon and is_pattern:
            raise _unsupported(colon + modifier)
        operand = self._operand("}", "syntax error: missing '}'", is_pattern, is_pattern)
        value = self._get(name)
        if value is None and self._lexer.skip_unset:
            return f"${{{name}{colon}{modifier}{operand}}}"
        has_value = value is not None and not (colon and value == "")
        match modifier:
            case "-":
                return value if has_value and value is not None else operand
            case "+":
                return operand if has_value else ""
            case "?":
                if has_value and value is not None:
                    return value
                state = "unset" if value is None else "empty"
                raise LexError(f"{name}: {operand or f'is not allowed to be {state}'}")
            case "#":
                return _without_prefix(operand, value or "")
            case "%":
                return _without_suffix(operand, value or "")
        raise _unsupported(colon + modifier)

    def _replaced(self, name: str) -> str:
        every = self._peek() == "/"
        if every:
            self._at += 1
        pattern = self._operand("/", "syntax error: missing '/' in ${}", True, True)
        replacement = self._operand("}", "syntax error: missing '}'", True, False)
        value = self._get(name)
        if value is None and self._lexer.skip_unset:
            return f"${{{name}/{pattern}/{replacement}}}"
        glob = _glob(pattern)
        if not every:
            return replace_first(glob, value or "", replacement)
        room = MAX_GROWTH - self._growth
        result = replace_all(glob, value or "", _template(replacement), room)
        if result is None:
            raise _too_long()
        self._grow(len(result))
        return result

    def _operand(self, stop: str, missing: str, raw_escapes: bool, is_pattern: bool) -> str:
        """Expands an operand; ``missing`` is the error for one that never ends."""
        if self._depth == MAX_DEPTH:
            raise LexLimitError(f"operands nest deeper than {MAX_DEPTH} levels")
        if self.words:
            self.words.wipe()
        outer = self._raw_escapes, self._is_pattern
        self._raw_escapes, self._is_pattern = raw_escapes, is_pattern
        self._depth += 1
        try:
            return self._until(stop, None)
        except LexLimitError:
            raise
        except LexError:
            if self._peek():
                raise
            raise LexError(missing) from None
        finally:
            self._depth -= 1
            self._raw_escapes, self._is_pattern = outer

    def _name(self) -> str:
        """Reads a name: letters, digits and ``_``; or digits; or one special parameter."""
        char = self._peek()
        if not char.isdecimal() and char in _SPECIAL_PARAMETERS:
            return self._next()
        start = self._at
        self._at = _name_end(self._text, start, digits_alone=True)
        return self._text[start : self._at]

    def _get(self, name: str) -> str | None:
        value = self.env.get(name)
        if value is None:
            self.unset.add(name)
            return None
        self.used.add(name)
        self._grow(len(value))
        return value

    def _grow(self, length: int) -> None:
        self._growth += length
        if self._growth > MAX_GROWTH:
            raise _too_long()


def go_quote(text: str) -> str:
    """Returns ``text`` as Go's ``%q`` prints it (strconv.Quote)."""
    return '"' + "".join(map(_go_quote_char, text)) + '"'


_GO_ESCAPES = {
    "\a": r"\a",
    "\b": r"\b",
    "\f": r"\f",
    "\n": r"\n",
    "\r": r"\r",
    "\t": r"\t",
    "\v": r"\v",
    "\\": r"\\",
    '"': r"\"",
}


def _go_quote_char(char: str) -> str:
    if escaped := _GO_ESCAPES.get(char):
        return escaped
    if char.isprintable():
        return char
    code = ord(char)
    if 0xDC80 <= code <= 0xDCFF:
        return f"\\x{code - 0xDC00:02x}"
    if code < 0x20 or code == 0x7F:
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


@lru_cache(maxsize=64)
def _plain(special: str) -> re.Pattern[str]:
    return re.compile(f"[^{re.escape(special)}]+")


def _name_end(text: str, start: int, digits_alone: bool) -> int:
    """Returns where the run of letters, digits and ``_`` at ``start`` ends.

    With ``digits_alone`` a run that starts with a digit holds digits only.
    """
    run = _NAME.match(text, start)
    if not run:
        return start
    name = run.group()
    if name.isascii() and not (digits_alone and name[0].isdecimal()):
        return run.end()
    only_digits = digits_alone and name[0].isdecimal()
    for at, char in enumerate(name, start):
        # \w also takes numbers such as U+00B2, which are neither letters nor digits for Go.
        if not char.isdecimal() and (only_digits or not (char.isalpha() or char == "_")):
            return at
    return run.end()


def _template(replacement: str) -> list[str]:
    """Returns the texts between the places where the match goes in.

    For an expression without groups, Go's Regexp.Expand puts the match in for ``$0``,
    a dollar for ``$$`` and nothing for every other name.
    """
    texts: list[str] = []
    parts: list[str] = []
    at = 0
    while (dollar := replacement.find("$", at)) >= 0:
        parts.append(replacement[at:dollar])
        braced = replacement.startswith("{", dollar + 1)
        start = dollar + 1 + braced
        end = _name_end(replacement, start, digits_alone=False)
        if replacement.startswith("$", dollar + 1):
            parts.append("$")
            at = dollar + 2
        elif end == start or (braced and not replacement.startswith("}", end)):
            parts.append("$")
            at = dollar + 1
        else:
            at = end + braced
            if replacement[start:end] == "0":
                texts.append("".join(parts))
                parts.clear()
    return [*texts, "".join([*parts, replacement[at:]])]


def _unsupported(modifier: str) -> LexError:
    # At the end of the word Go prints the rune -1, which is U+FFFD.
    shown = modifier if modifier not in ("", ":") else modifier + _REPLACEMENT_CHARACTER
    return LexError(f"unsupported modifier ({shown}) in substitution")


def _too_long() -> LexLimitError:
    return LexLimitError(f"variables add more than {MAX_GROWTH} characters")


def _glob(pattern: str) -> Glob:
    try:
        return Glob.parse(pattern)
    except PatternError as error:
        raise LexError(f"invalid pattern ({pattern}) in substitution: {error}") from None


def _without_prefix(operand: str, value: str) -> str:
    greedy = operand.startswith("#")
    end = _glob(operand[greedy:]).prefix(value, greedy)
    return value if end is None else value[end:]


def _without_suffix(operand: str, value: str) -> str:
    """Removes a prefix of the text read backwards, as BuildKit does."""
    greedy = operand.startswith("%")
    glob = _glob(_reversed_pattern(decodable(operand[greedy:])))
    backwards = decodable(value)[::-1]
    end = glob.prefix(backwards, greedy)
    return backwards[end or 0 :][::-1]


def _reversed_pattern(pattern: str) -> str:
    """Reads a pattern backwards, but keeps each backslash in front of what it escapes."""
    return "".join(reversed(re.findall(r"\\.|.", pattern, re.DOTALL)))
