"""go.mod and go.work as lists of directives, and go.sum as a set of hashed names.

Sources: "Go Modules Reference", sections "go.mod files: Lexical elements" and
"Grammar", "Workspaces" and "go.sum files"; golang.org/x/mod/modfile/read.go.
Nothing is opened here; the text goes in.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Directive:
    """One directive: ``require``, ``replace``, ``use`` ... with its words, and its line."""

    verb: str
    words: tuple[str, ...]
    line: int


class GoModError(Exception):
    """The file does not follow the grammar; ``line`` says where."""

    def __init__(self, message: str, line: int) -> None:
        super().__init__(message)
        self.line = line


_TOKEN = re.compile(r'\s+|//.*|"(?:[^"\\\n]|\\.)*"|`[^`\n]*`|[()]|(?:(?!//)[^\s()"`])+')


def read_directives(text: str) -> tuple[Directive, ...]:
    """Returns the directives of a go.mod or go.work. Raises `GoModError`."""
    found: list[Directive] = []
    block: str | None = None
    number = 0
    for number, line in enumerate(text.split("\n"), start=1):
        words = _words(line, number)
        if not words:
            continue
        if block is not None and words == [")"]:
            block = None
        elif block is not None:
            found.append(Directive(block, tuple(words), number))
        elif words[1:] == ["("]:
            block = words[0]
        elif words[1:] == ["(", ")"]:
            continue
        elif "(" in words or ")" in words:
            raise GoModError("has a parenthesis out of place", number)
        else:
            found.append(Directive(words[0], tuple(words[1:]), number))
    if block is not None:
        raise GoModError(f"does not close the block of {block}", number)
    return tuple(found)


def _words(line: str, number: int) -> list[str]:
    words: list[str] = []
    position = 0
    while position < len(line):
        match = _TOKEN.match(line, position)
        if match is None:
            raise GoModError("has a quotation mark without its partner", number)
        token = match.group()
        position = match.end()
        if token[0] in '"`':
            words.append(token[1:-1])
        elif not token.isspace() and not token.startswith("//"):
            words.append(token)
    return words


@dataclass(frozen=True, slots=True)
class Replacement:
    """``replace old [version] => new [new_version]``."""

    old: str
    version: str | None
    new: str
    new_version: str | None

    @property
    def is_local(self) -> bool:
        """Tells whether the replacement is a directory (modfile.IsDirectoryPath)."""
        return self.new in (".", "..") or self.new.startswith(("./", "../", "/"))


def requirements(directives: tuple[Directive, ...]) -> Iterator[tuple[str, str, int]]:
    """Yields the module path, version and line of every requirement."""
    for directive in directives:
        if directive.verb == "require":
            if len(directive.words) != 2:
                raise GoModError("has a require that is not a path and a version", directive.line)
            yield directive.words[0], directive.words[1], directive.line


def replacements(directives: tuple[Directive, ...]) -> Iterator[Replacement]:
    """Yields every replacement. Raises `GoModError`."""
    for directive in directives:
        if directive.verb != "replace":
            continue
        words = directive.words
        arrow = words.index("=>") if "=>" in words else 0
        old, new = words[:arrow], words[arrow + 1 :]
        if len(old) not in (1, 2) or len(new) not in (1, 2):
            raise GoModError("has a replace that is not old => new", directive.line)
        yield Replacement(old[0], old[1] if old[1:] else None, new[0], new[1] if new[1:] else None)


def read_sums(text: str) -> frozenset[tuple[str, str]]:
    """Returns the (module path, version) pairs that go.sum has hashes for; versions as written,
    so ``v1.2.3/go.mod`` stands beside ``v1.2.3``. Raises `GoModError`.

    modfetch/fetch.go, readGoSum: every line has three fields or none.
    """
    found = set()
    for number, line in enumerate(text.split("\n"), start=1):
        fields = line.split()
        if fields and len(fields) != 3:
            raise GoModError(f"has {len(fields)} fields on a line", number)
        if fields:
            found.add((fields[0], fields[1]))
    return frozenset(found)
