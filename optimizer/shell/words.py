"""Words of a shell script: what they say once quotes are removed and variables are put in.

The rules are POSIX.1-2024, Shell Command Language, 2.2 (quoting) and 2.6 (word
expansions), as dash, busybox ash and bash share them. Where these shells differ
(brace expansion, ``$'...'``) a word has no known value.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Final, TypeAlias

from optimizer.cst.nodes import LogicalLine
from optimizer.cst.source import Span

Environment: TypeAlias = Mapping[str, str | None]
"""Values of variables. A missing name, or None, means that the value is not known."""

DEFAULT_IFS: Final = " \t\n"

_PLAIN = re.compile(r"[^\\'\"$`~*?\[{ \t\n;|&<>()]+")
_ASSIGNED_TILDE = re.compile(r"[A-Za-z0-9_+\]]=~|:~")
_GLOB = re.compile(r"[*?\[]")
_LONGEST = 64 * 1024
"""Characters of the longest value that is known: ``A=$A$A`` doubles one with each turn."""

_DEEPEST = 20
"""How deep ``${a:-${b:-...}}`` may nest; what is deeper has no known value."""


@dataclass(frozen=True, slots=True)
class ShellText:
    """The text of one script. ``at`` leads from a slice of it to the file."""

    text: str
    at: Callable[[int, int], Span]


@dataclass(frozen=True, slots=True)
class Text:
    """Characters that stand for themselves; ``start`` is where they begin in the script."""

    value: str
    start: int
    quoted: bool


@dataclass(frozen=True, slots=True)
class Parameter:
    """``$name`` or ``${name}``; ``operator`` and ``operand`` are those of ``${name:-operand}``."""

    name: str
    quoted: bool
    operator: str = ""
    operand: tuple[Part, ...] = ()


@dataclass(frozen=True, slots=True)
class Computed:
    """A command substitution, arithmetic, or anything else that only a shell can work out."""

    quoted: bool


Part: TypeAlias = Text | Parameter | Computed


class TornWordError(Exception):
    """A word that is none: an open quote, or an operator outside quotes; where it lies."""

    def __init__(self, offset: int) -> None:
        super().__init__(offset)
        self.offset = offset


@dataclass(frozen=True)
class ShellWord:
    """One word of a script, ``[start, end)`` of its text.

    ``verbatim`` is set for words that no shell reads, those of the exec form:
    their text is their value.
    """

    source: ShellText
    start: int
    end: int
    verbatim: bool = False

    @cached_property
    def text(self) -> str:
        """The word as written, quotes included."""
        return self.source.text[self.start : self.end]

    @cached_property
    def span(self) -> Span:
        return self.source.at(self.start, self.end)

    @cached_property
    def parts(self) -> tuple[Part, ...]:
        """The word without its quotes, piece by piece. Raises `TornWordError`."""
        if self.verbatim:
            return (Text(self.text, self.start, True),)
        if _PLAIN.fullmatch(self.text):
            return (Text(self.text, self.start, False),)
        return read_parts(self.text, self.start)

    @cached_property
    def literal(self) -> str | None:
        """The value that the word has whatever the variables are, or None.

        A glob is kept as written; see `has_glob`.
        """
        return self.expand({})

    @property
    def has_glob(self) -> bool:
        """Whether ``*``, ``?`` or ``[`` stands outside quotes."""
        return any(
            isinstance(part, Text) and not part.quoted and _GLOB.search(part.value) is not None
            for part in self.parts
        )

    @cached_property
    def has_braces(self) -> bool:
        """Whether bash would read ``{a,b}`` or ``{1..3}`` in the word."""
        if self.verbatim or "{" not in self.text:
            return False
        shown = "".join(
            part.value if isinstance(part, Text) and not part.quoted else "." * 3
            for part in self.parts
        )
        _, _, inside = shown.partition("{")
        inside, closed, _ = inside.rpartition("}")
        return bool(closed) and ("," in inside or ".." in inside)

    def expand(self, env: Environment) -> str | None:
        """Returns the word's text with the values of ``env`` in it, not split into fields.

        None where something in it is not known. This is the expansion that the
        right side of an assignment and the target of a redirection get.
        """
        home = self._home(env)
        if home is None or self.has_braces:
            return None
        text = _joined(self.parts, env)
        return text if text is None or not home else home + text[1:]

    def fields(self, env: Environment) -> tuple[str, ...] | None:
        """Returns the arguments that the word becomes: values of unquoted variables are
        split at white space, and a word of nothing but empty ones vanishes.

        None where something is not known, where ``IFS`` is not the default, or where
        a value holds a glob.
        """
        if all(isinstance(part, Text) for part in self.parts):
            text = self.expand(env)
            return None if text is None else (text,)
        home = self._home(env)
        if home is None or self.has_braces:
            return None
        fields = _Fields()
        length = 0
        for part in self.parts:
            value = part_value(part, env)
            # bash splits nothing in a word with a lone dollar sign.
            if value is None or (value == "$" and isinstance(part, Text) and not part.quoted):
                return None
            length += len(value)
            if length > _LONGEST:
                return None
            if isinstance(part, Text) or part.quoted:
                fields.join(value)
            elif _GLOB.search(value) or env.get("IFS", DEFAULT_IFS) != DEFAULT_IFS:
                return None
            else:
                fields.split(value)
        if home:
            fields.done[0] = home + fields.done[0][1:]
        return tuple(fields.done)

    def _home(self, env: Environment) -> str | None:
        """Returns what a leading ``~`` stands for: "" for no tilde, None for an unknown home."""
        if self.verbatim or "~" not in self.text:
            return ""
        if not self.text.startswith("~"):
            # bash, unlike dash, reads name=~ as an assignment wherever it stands.
            return None if _ASSIGNED_TILDE.search(self.text) else ""
        return env.get("HOME") if self.text == "~" or self.text.startswith("~/") else None


class _Fields:
    """Joins pieces of one word into fields."""

    def __init__(self) -> None:
        self.done: list[str] = []
        self.open = False

    def join(self, value: str) -> None:
        if self.open:
            self.done[-1] += value
        else:
            self.done.append(value)
            self.open = True

    def split(self, value: str) -> None:
        pieces = re.split(f"[{DEFAULT_IFS}]+", value)
        for number, piece in enumerate(pieces):
            if number:
                self.open = False
            if piece:
                self.join(piece)


def part_value(part: Part, env: Environment) -> str | None:
    """Returns what one part of a word stands for, None where that is not known."""
    if isinstance(part, Text):
        return part.value
    if isinstance(part, Computed):
        return None
    value = env.get(part.name)
    if value is None or not part.operator:
        return value
    is_set = value != "" or not part.operator.startswith(":")
    if part.operator in (":-", "-"):
        return value if is_set else _joined(part.operand, env)
    if part.operator in (":+", "+"):
        return _joined(part.operand, env) if is_set else ""
    return value if is_set else None


def _joined(parts: tuple[Part, ...], env: Environment) -> str | None:
    values: list[str] = []
    length = 0
    for part in parts:
        value = part_value(part, env)
        length += 0 if value is None else len(value)
        if value is None or length > _LONGEST:
            return None
        values.append(value)
    return "".join(values)


def literal_text(word: ShellWord) -> ShellText | None:
    """Returns the value of a word as a script of its own (``sh -c 'script'``).

    Spans of that script lie in the same file. None where the word is not all literal.
    """
    if word.literal is None:
        return None
    pieces: list[str] = []
    segments: list[tuple[int, int]] = []
    length = 0
    for part in word.parts:
        if isinstance(part, Text):
            pieces.append(part.value)
            segments.append((length, part.start))
            length += len(part.value)
    line = LogicalLine("".join(pieces), tuple(segments) or ((0, word.start),))

    def at(start: int, end: int) -> Span:
        inside = line.span(start, end)
        return word.source.at(inside.start, inside.end)

    return ShellText(line.text, at)


_RUN = re.compile(r"[^\\'\"$`]+")
_RUN_IN_QUOTES = re.compile(r"[^\\\"$`]+")
_OPERAND = re.compile(r"[^\\'\"$`}]+")
_OPERATOR = re.compile(r"[ \t\n;|&<>()]")
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_BRACED = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_]*)(\}|:?[-+=?])")
_SPECIAL = re.compile(r"[@*#?$!0-9-]")


def read_parts(text: str, start: int) -> tuple[Part, ...]:
    """Takes the quotes off a word that begins at ``start`` of a script.

    Raises `TornWordError`.
    """
    return tuple(_Parts(text, start).read())


class _Parts:
    """Reads one word from left to right.

    Where a command substitution begins, reading stops: it has no known value, and
    so has none the whole word.
    """

    def __init__(self, text: str, start: int) -> None:
        self.text = text
        self.start = start
        self.at = 0

    def read(self) -> Iterator[Part]:
        while self.at < len(self.text):
            yield from self._piece(_RUN)

    def _piece(self, run: re.Pattern[str], depth: int = 0) -> Iterator[Part]:
        char = self.text[self.at]
        if char == "\\":
            yield from self._escaped()
        elif char == "'":
            yield self._single_quoted()
        elif char == '"':
            yield from self._double_quoted(depth)
        elif char in "$`":
            yield self._dollar(False, depth)
        else:
            yield self._plain(run)

    def _plain(self, run: re.Pattern[str]) -> Part:
        found = run.match(self.text, self.at)
        assert found is not None
        operator = _OPERATOR.search(found[0]) if run is _RUN else None
        if operator is not None:
            return self._operator(self.at + operator.start())
        start, self.at = self.at, found.end()
        return Text(found[0], self.start + start, False)

    def _operator(self, at: int) -> Part:
        """``<(...)`` and ``>(...)`` are the only operators that may stand in a word."""
        if self.text[at : at + 2] in ("<(", ">("):
            return self._rest(False)
        raise TornWordError(self.start + at)

    def _escaped(self) -> Iterator[Part]:
        at, self.at = self.at, self.at + 2
        escaped = self.text[at + 1 : at + 2]
        if escaped != "\n":
            yield Text(escaped or "\\", self.start + at + bool(escaped), True)

    def _single_quoted(self) -> Part:
        at = self.at
        end = self.text.find("'", at + 1)
        if end < 0:
            raise TornWordError(self.start + at)
        self.at = end + 1
        return Text(self.text[at + 1 : end], self.start + at + 1, True)

    def _double_quoted(self, depth: int) -> Iterator[Part]:
        opened = self.at
        self.at += 1
        # The empty part makes "" one empty field.
        yield Text("", self.start + self.at, True)
        while self.at < len(self.text):
            char = self.text[self.at]
            if char == '"':
                self.at += 1
                return
            if char == "\\":
                yield from self._escaped_in_quotes()
            elif char in "$`":
                yield self._dollar(True, depth)
            else:
                found = _RUN_IN_QUOTES.match(self.text, self.at)
                assert found is not None
                yield Text(found[0], self.start + self.at, True)
                self.at = found.end()
                continue
            if self.at > len(self.text):
                return
        raise TornWordError(self.start + opened)

    def _escaped_in_quotes(self) -> Iterator[Part]:
        at = self.at
        escaped = self.text[at + 1 : at + 2]
        if escaped == "\n":
            self.at += 2
        elif escaped and escaped in '$`"\\':
            self.at += 2
            yield Text(escaped, self.start + at + 1, True)
        else:
            self.at += 1
            yield Text("\\", self.start + at, True)

    def _dollar(self, quoted: bool, depth: int) -> Part:
        at = self.at
        following = self.text[at + 1 : at + 2]
        if self.text[at] == "`" or following in ("(", "["):
            return self._rest(quoted)
        if not quoted and following in ("'", '"'):
            return self._rest(quoted)
        if following == "{":
            return self._braced(quoted, depth)
        if self.text.startswith("\\\n", at + 1):
            return self._rest(quoted)
        name = _NAME.match(self.text, at + 1)
        if name is not None:
            if self.text.startswith("\\\n", name.end()):
                # The name goes on in the next line.
                return self._rest(quoted)
            self.at = name.end()
            return Parameter(name[0], quoted)
        self.at = at + 2 if _SPECIAL.match(following) else at + 1
        return Computed(quoted) if self.at > at + 1 else Text("$", self.start + at, quoted)

    def _braced(self, quoted: bool, depth: int) -> Part:
        found = _BRACED.match(self.text, self.at)
        if found is None or depth == _DEEPEST:
            return self._rest(quoted)
        self.at = found.end()
        if found[2] == "}":
            return Parameter(found[1], quoted)
        operand: list[Part] = []
        while self.at < len(self.text):
            char = self.text[self.at]
            if char == "}":
                self.at += 1
                return Parameter(found[1], quoted, found[2], tuple(operand))
            if char in "'\"\\~":
                # Shells differ on quotes in "${x:-'y'}"; outside quotes they would have
                # to keep the operand from being split.
                break
            operand += self._piece(_OPERAND, depth + 1)
        return self._rest(quoted)

    def _rest(self, quoted: bool) -> Part:
        self.at = len(self.text) + 1
        return Computed(quoted)
