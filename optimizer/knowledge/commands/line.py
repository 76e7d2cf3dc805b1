"""Command lines: options by the conventions of getopt, and the paths that words name.

A word that is not known before the step runs, or a part of one, stands as `HOLE` in the words
of a call, and in its directory or HOME where those are not known. A row that meets one where it
matters has no answer; a path that it answers with may hold one, and is known up to there.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from optimizer.knowledge.installs import HOLE, Call, Touch
from optimizer.knowledge.manifests import resolve


def names(text: str) -> frozenset[str]:
    """Returns the words of ``text``."""
    return frozenset(text.split())


class Unknown(Exception):
    """The command line has something whose effect is not known; `touch` answers None."""


@dataclass(frozen=True, slots=True)
class Line:
    """A command line taken apart: ``operands`` without options, options by their first name.

    ``sequence`` has both in the order in which they stand, operands under the name "".
    """

    operands: tuple[str, ...]
    options: Mapping[str, tuple[str, ...]]
    sequence: tuple[tuple[str, str], ...] = ()

    def has(self, *names: str) -> bool:
        """Tells whether one of the options is given."""
        return any(name in self.options for name in names)

    def value(self, name: str) -> str | None:
        """Returns the last value of the option ``name``; None where it is not given."""
        found = self.options.get(name)
        return found[-1] if found else None

    def values(self, *names: str) -> tuple[str, ...]:
        """Returns all values of the options, in the order of ``names``."""
        return tuple(value for name in names for value in self.options.get(name, ()))


class Syntax:
    """The options of one program, from a text such as ``-f|--force -m|--mode= --color[=]``.

    ``=`` marks an option that takes a value, ``[=]`` one whose value stands in the same word or
    is missing; ``-#`` is a number as an option (``head -5``). ``stops`` says that options end at
    the first operand. ``single`` says that long options begin with one dash.
    """

    def __init__(self, spec: str, stops: bool = False, single: bool = False) -> None:
        self.stops = stops
        self.single = single
        self.kinds: dict[str, tuple[str, str]] = {}
        for word in spec.split():
            names = word.removesuffix("[=]").removesuffix("=").split("|")
            kind = "[=]" if word.endswith("[=]") else "=" if word.endswith("=") else ""
            for name in names:
                self.kinds[name] = (names[0], kind)

    def read(self, words: Sequence[str]) -> Line:
        """Takes ``words``, without the program, apart. Raises `Unknown` for any other option."""
        reading = _Reading(self, list(reversed(words)))
        while reading.queue:
            reading.word(reading.queue.pop())
        found = {name: tuple(values) for name, values in reading.options.items()}
        return Line(tuple(reading.operands), found, tuple(reading.sequence))


@dataclass(slots=True)
class _Reading:
    syntax: Syntax
    queue: list[str]
    operands: list[str] = field(default_factory=list)
    options: dict[str, list[str]] = field(default_factory=dict)
    sequence: list[tuple[str, str]] = field(default_factory=list)

    def word(self, word: str) -> None:
        if word == "--":
            self._rest()
        elif word.startswith(HOLE):
            raise Unknown
        elif not word.startswith("-") or word == "-":
            self._operand(word)
            if self.syntax.stops:
                self._rest()
        elif HOLE in word.partition("=")[0]:
            raise Unknown
        elif word.startswith("--") or self.syntax.single:
            self._long(word)
        elif "-#" in self.syntax.kinds and re.fullmatch(r"-\d+", word):
            self._add("-#", word[1:])
        else:
            self._short(word[1:])

    def _rest(self) -> None:
        while self.queue:
            self._operand(self.queue.pop())

    def _operand(self, word: str) -> None:
        self.operands.append(word)
        self.sequence.append(("", word))

    def _long(self, word: str) -> None:
        name, equals, value = word.partition("=")
        kind = self._kind(name)
        if kind == "=" and not equals:
            value = self._next()
        elif equals and not kind:
            raise Unknown
        self._add(name, value)

    def _short(self, letters: str) -> None:
        while letters:
            name, letters = "-" + letters[0], letters[1:]
            kind = self._kind(name)
            value = ""
            if kind:
                value, letters = letters, ""
                if kind == "=" and not value:
                    value = self._next()
            self._add(name, value)

    def _kind(self, name: str) -> str:
        if name not in self.syntax.kinds:
            raise Unknown
        return self.syntax.kinds[name][1]

    def _next(self) -> str:
        if not self.queue:
            raise Unknown
        return self.queue.pop()

    def _add(self, name: str, value: str) -> None:
        first = self.syntax.kinds[name][0]
        self.options.setdefault(first, []).append(value)
        self.sequence.append((first, value))


_WILD = re.compile(r"[*?\[]")
# What ``..`` leads to is not known behind text that is not known.
_CLIMBS = re.compile(rf"{HOLE}.*/\.\.(?:/|$)", re.DOTALL)


def places(call: Call, words: Iterable[str]) -> tuple[str, ...]:
    """Returns the absolute paths that ``words`` name, for a pattern the directory that all its
    matches lie in; ``-``, for standard input or output, is left out. Raises `Unknown`."""
    found: list[str] = []
    for word in words:
        if word == "-":
            continue
        found.append(place(call, word))
        # No shell expands the tilde of a quoted word or of the exec form.
        if word == "~" or word.startswith("~/"):
            found.append(place(call, "./" + word))
    return tuple(dict.fromkeys(found))


def place(call: Call, word: str) -> str:
    """Returns the absolute path of one word, as `places` does. Raises `Unknown`."""
    if word == "~" or word.startswith("~/"):
        home = call.env.get("HOME")
        if home is None:
            raise Unknown
        return place(call, "/" + home.lstrip("/") + word[1:])
    if word.startswith(HOLE) or _CLIMBS.search(posixpath.join(call.directory, word)):
        raise Unknown
    path = resolve(call.directory, word)
    if _WILD.search(path):
        path = posixpath.dirname(_WILD.split(path)[0] + "x")
    return path


def homes(call: Call, *names: str) -> tuple[str, ...]:
    """Returns the files ``names`` in the user's home.

    Where HOME is not known these are the homes of root, of ``node`` (the user of the official
    images for JavaScript), and the one that the working directory lies in: no other home is
    taken into account, since BuildKit takes it from the image's passwd file
    (solver/llbsolver/ops/exec.go).
    """
    home = call.env.get("HOME")
    found = [home] if home else ["/root", "/home/node"]
    inside = re.match(r"/home/[^/\0]+", call.directory)
    if not home and inside:
        found.append(inside[0])
    return tuple(dict.fromkeys(resolve(place, name) for place in found for name in names))


def temporary(call: Call) -> tuple[str, ...]:
    """Returns where a program makes its temporary files (tempnam(3), mktemp(1))."""
    named = call.env.get("TMPDIR")
    return (resolve(call.directory, named),) if named else ("/tmp",)


def unless_set(call: Call, *names: str) -> None:
    """Raises `Unknown` where a variable that holds options or the name of a program is set."""
    if any(call.env.get(name) for name in names):
        raise Unknown


def together(*parts: Touch) -> Touch:
    """Returns what several commands touch between them."""

    def joined(name: str) -> tuple[str, ...]:
        return tuple(dict.fromkeys(path for part in parts for path in getattr(part, name)))

    return Touch(
        reads=joined("reads"),
        writes=joined("writes"),
        variables=joined("variables"),
        network=any(part.network for part in parts),
        repeatable=all(part.repeatable for part in parts),
    )
