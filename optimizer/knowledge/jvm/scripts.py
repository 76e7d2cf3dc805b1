"""Build scripts in Groovy, Kotlin or Scala as tokens: what they say without being run.

Sources: the Groovy language documentation ("Syntax": strings, comments), the Kotlin grammar
(lexer rules), the Scala language specification ("Lexical Syntax"), the Gradle DSL reference.
Nothing is opened here; the text goes in.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias


@dataclass(frozen=True, slots=True)
class Token:
    """A name, a string (its text between the quotes) or a sign, with its line."""

    kind: Literal["name", "string", "sign"]
    text: str
    line: int


class ScriptError(Exception):
    """The text cannot be cut into tokens; ``line`` says where."""

    def __init__(self, message: str, line: int) -> None:
        super().__init__(message)
        self.line = line


_TOKEN = re.compile(
    r"""(?P<blank>\s+|//[^\n]*|\#![^\n]*)
    |(?P<comment>/\*)
    |(?P<triple>\"\"\"|''')
    |(?P<quote>["'])
    |(?P<name>[^\W\d]\w*|`[^`\n]+`|\d[\w.]*)
    |(?P<dollar>\$/)
    |(?P<sign>.)""",
    re.VERBOSE | re.DOTALL,
)
_SLASHY = re.compile(r"/(?:[^/\\\n]|\\.)+/")
_CHARACTER = re.compile(r"'(?:\\u+[0-9a-fA-F]{4}|\\.|[^\\\n])'")
_BEFORE_SLASHY = frozenset("(=,~[{:")


Language: TypeAlias = Literal["groovy", "kotlin", "scala"]


def read_script(text: str, language: Language) -> Script:
    """Returns a script without its comments. Raises `ScriptError`."""
    return Script(tuple(_tokens(text, language)))


def _tokens(text: str, language: Language) -> Iterator[Token]:
    position, line = 0, 1
    last = ""
    while position < len(text):
        match = _TOKEN.match(text, position)
        assert match is not None, "the last alternative takes any character"
        start, kind = position, match.lastgroup
        position = match.end()
        if kind == "comment":
            position = _comment_end(text, start, line, nests=language != "groovy")
        elif kind == "quote" and match.group() == "'" and language == "scala":
            char = _CHARACTER.match(text, start)
            position = char.end() if char else position
        elif kind in ("triple", "quote"):
            position, inner = _string(text, match.group(), position, line)
            yield Token("string", inner, line)
        elif kind == "dollar" and language == "groovy":
            end = text.find("/$", position)
            if end < 0:
                raise ScriptError("does not close a string", line)
            yield Token("string", text[position:end], line)
            position = end + 2
        elif slashy := _slashy(text, start, language, last):
            position = slashy.end()
            yield Token("string", slashy.group()[1:-1], line)
        elif kind == "name":
            yield Token("name", match.group().strip("`"), line)
        elif kind in ("sign", "dollar"):
            yield Token("sign", match.group()[0], line)
            position = start + 1
        line += text.count("\n", start, position)
        if kind not in ("blank", "comment"):
            last = text[position - 1]


def _slashy(text: str, start: int, language: Language, last: str) -> re.Match[str] | None:
    """Groovy's strings in slashes stand where no operand can stand in front of a division."""
    if language != "groovy" or last not in _BEFORE_SLASHY or not last:
        return None
    return _SLASHY.match(text, start)


def _comment_end(text: str, start: int, line: int, nests: bool) -> int:
    """Kotlin's and Scala's comments nest, Groovy's do not."""
    depth, position = 0, start
    for mark in re.compile(r"/\*|\*/").finditer(text, start):
        depth += 1 if mark.group() == "/*" and (nests or depth == 0) else 0
        depth -= 1 if mark.group() == "*/" else 0
        position = mark.end()
        if depth == 0:
            return position
    raise ScriptError("does not close a comment", line)


def _string(text: str, quote: str, start: int, line: int) -> tuple[int, str]:
    """Returns where the string ends and what stands in it. A quote inside ``${...}`` of a string
    in double quotes belongs to the string."""
    position, depth = start, 0
    while position < len(text):
        char = text[position]
        if char == "\\":
            position += 2
            continue
        if depth == 0 and text.startswith(quote, position):
            return position + len(quote), text[start:position]
        if char == "\n" and len(quote) == 1:
            break
        if quote[0] == '"' and text.startswith("${", position):
            depth += 1
        elif depth and char == "}":
            depth -= 1
        position += 1
    raise ScriptError("does not close a string", line)


@dataclass(frozen=True, slots=True)
class Script:
    """The tokens of one script."""

    tokens: tuple[Token, ...]

    def strings_after(self, *names: str) -> Iterator[tuple[Token, tuple[str, ...] | None]]:
        """Yields, for every call of one of ``names``, its name and the strings it is given, as in
        ``include 'a', 'b'`` or ``include("a", "b")``; None where it is given something else."""
        for index, token in enumerate(self.tokens):
            if token.kind != "name" or token.text not in names or self._is_member(index):
                continue
            yield token, _strings(self.tokens, index + 1)

    def named(self, *names: str) -> Token | None:
        """Returns the first token that is one of the names ``names``."""
        return next((t for t in self.tokens if t.kind == "name" and t.text in names), None)

    def all_strings(self) -> Iterator[Token]:
        """Yields every string."""
        return (token for token in self.tokens if token.kind == "string")

    def arguments(self, name: str, label: str) -> Iterator[tuple[Token, str | None]]:
        """Yields the string that calls of ``name`` are given as ``label``, in Groovy's form
        (``apply from: 'x'``) or Kotlin's (``apply(from = "x")``); None where it is no string."""
        for index, token in enumerate(self.tokens):
            if token.kind != "name" or token.text != name:
                continue
            here = index + 1
            if self._text(here) == "(":
                here += 1
            if self._text(here) != label or self._text(here + 1) not in (":", "="):
                continue
            value = self.tokens[here + 2] if here + 2 < len(self.tokens) else None
            after = self._text(here + 3)
            plain = value is not None and value.kind == "string" and after not in ("+", ".")
            yield token, value.text if plain and value is not None else None

    def _text(self, index: int) -> str:
        return self.tokens[index].text if index < len(self.tokens) else ""

    def _is_member(self, index: int) -> bool:
        return index > 0 and self.tokens[index - 1].text == "."


def _strings(found: Sequence[Token], start: int) -> tuple[str, ...] | None:
    position, strings = start, []
    if position < len(found) and found[position].text == "(":
        position += 1
    while position < len(found) and found[position].kind == "string":
        strings.append(found[position].text)
        position += 1
        if position < len(found) and found[position].text == ",":
            position += 1
            continue
        if position < len(found) and found[position].text in ("+", "."):
            return None
        return tuple(strings)
    return None


READERS = frozenset(
    {
        # java.io, java.nio.file; Groovy's and Kotlin's additions to java.io.File; Gradle's
        # ProviderFactory.fileContents; java.util.Properties.load; parsers of files.
        "readText", "readLines", "readBytes", "getText", "newReader", "newInputStream",
        "bufferedReader", "FileInputStream", "FileReader", "Files",
        "Paths", "withInputStream", "withReader", "useLines", "forEachLine", "eachLine",
        "eachFile", "eachDir", "eachFileRecurse", "eachDirRecurse", "eachFileMatch",
        "traverse", "listFiles", "walk", "walkTopDown", "fileContents", "JsonSlurper",
        "YamlSlurper", "XmlSlurper", "XmlParser", "ConfigSlurper", "Properties", "exists",
        "isFile", "isDirectory", "canRead",
    }
)  # fmt: skip
"""Names in a script that open files, or look whether there are any."""

STARTERS = frozenset(("exec", "execute", "ProcessBuilder", "Runtime", "javaexec"))
"""Names in a script that start other programs (Project.exec, Groovy's String.execute)."""
