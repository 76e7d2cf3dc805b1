"""Packages of the distribution: those that a container needs too, in the author's own lines."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

from optimizer.cst.source import Span
from optimizer.effects.split.pieces import Pieces
from optimizer.effects.split.tasks import PACKAGE_MANAGERS, Task
from optimizer.knowledge.distribution.packages import (
    installed_bytes,
    provider,
    runtime_packages,
)
from optimizer.knowledge.released import Release
from optimizer.shell.words import ShellWord

_VALUED = frozenset(
    ("-t", "--target-release", "--default-release", "-o", "--option", "-a", "--host-architecture",
     "--virtual", "-X", "--repository", "--arch", "--cache-dir", "--enablerepo", "--disablerepo",
     "--setopt", "--releasever")
)  # fmt: skip
"""Options whose value is the next word (apt-get(8), apk-add(8), dnf(8))."""
_PYTHON_HEADERS = re.compile(r"python3(?:\.\d+)?-dev")
"""packages.debian.org and pkgs.alpinelinux.org: it depends on the distribution's Python, too."""
_INSTALLS = frozenset(("install", "add", "reinstall"))
_REMOVES = frozenset(("remove", "purge", "del", "erase", "autopurge"))
_NAME = re.compile(r"[=<>~/@:*]")


_COMPILERS = frozenset(("ar", "as", "cc", "gcc", "ld"))
_WITH_PROGRAMS = {
    "gcc": _COMPILERS,
    "g++": _COMPILERS | {"c++", "g++"},
    "build-essential": _COMPILERS | {"c++", "g++", "make"},
    "build-base": _COMPILERS | {"c++", "g++", "make"},
    "binutils": _COMPILERS - {"cc", "gcc"},
    "pkg-config": frozenset(("pkg-config",)),
}
"""Packages of compilers with their programs (packages.debian.org and pkgs.alpinelinux.org, the
contents of each)."""


@dataclass
class Packages:
    """What becomes of the packages of a stage, command by command.

    ``releases`` are those that the base may be, ``programs`` the names of those that a container
    starts; ``has_python`` says that the base brings a Python of its own, beside which the
    distribution's is there for the header files alone. ``left_out`` collects the packages that the
    runtime stage goes without, ``instead`` those that stand for them there, ``stays`` the ones that
    are in it as they are; ``gone`` are those that the author takes away again himself.
    """

    releases: tuple[Release, ...]
    programs: frozenset[str]
    has_python: bool = False
    left_out: dict[str, None] = field(default_factory=dict)
    instead: dict[str, None] = field(default_factory=dict)
    stays: dict[str, None] = field(default_factory=dict)
    gone: dict[str, None] = field(default_factory=dict)
    _started: frozenset[str] = field(init=False, repr=False)
    """The packages whose programs a container starts."""

    def __post_init__(self) -> None:
        found = (provider(program, self.releases) for program in sorted(self.programs))
        # Most packages with one program have its name.
        own = (package for package in found if package is not None)
        several = (name for name, has in _WITH_PROGRAMS.items() if has & self.programs)
        self._started = frozenset((*own, *several, *self.programs))

    def changes(
        self, pieces: Pieces, task: Task, others: Sequence[Task], below: Sequence[Task] = ()
    ) -> dict[Span, str] | None:
        """Returns the changes of the words of ``task`` for the runtime stage, None where nothing is
        left of it. ``others`` are the tasks of the same RUN, ``below`` those of later ones: what
        they remove again is not needed. Of what is removed ``below`` only a virtual package of
        apk goes with all that it brought (apk-add(8)); apt leaves that."""
        command = pieces.command(task)
        call = task.command.call
        if command is None or call is None:
            return {}
        words = list(_operands(command.words))
        verb, named = (words[0].literal, words[1:]) if words else (None, [])
        if verb in _REMOVES:
            return self._removed(command.words, named)
        if verb not in _INSTALLS:
            return {}
        removed = {name for other in others for name in _removed_by(other)}
        later = {name for other in below for name in _removed_by(other)}
        virtuals = _virtuals(call.words)
        if not (removed | later).isdisjoint(virtuals):
            into = self.left_out if removed.isdisjoint(virtuals) else self.gone
            into.update((_bare(word.literal), None) for word in named if word.literal is not None)
            return None
        return self._installed(command.words, named, removed)

    def _installed(
        self, words: tuple[ShellWord, ...], named: list[ShellWord], removed: set[str]
    ) -> dict[Span, str] | None:
        changes: dict[Span, str] = {}
        left = 0
        there = {_bare(word.literal) for word in named if word.literal is not None}
        for word in named:
            name = _bare(word.literal) if word.literal is not None else None
            needed = (word.text,) if name is None else self._needed(name, removed)
            if name is None or needed == (name,):
                self.stays[name or word.text] = None
                left += 1
                continue
            (self.gone if name in removed else self.left_out)[name] = None
            new = [each for each in needed if each not in there]
            there.update(new)
            self.instead.update(dict.fromkeys(new))
            left += len(needed)
            if new:
                changes[word.span] = " ".join(new)
            else:
                changes[Span(_end_above(words, word), word.span.end)] = ""
        return changes if left else None

    def _needed(self, name: str, removed: set[str]) -> tuple[str, ...]:
        if name in removed or (self.has_python and _PYTHON_HEADERS.fullmatch(name)):
            return ()
        needed = runtime_packages(name, self.releases)
        if needed is None or name in self._started:
            return (name,)
        # The author may name what the base has: the line is no larger for it.
        is_there = not needed and installed_bytes((name,), self.releases) == 0
        return (name,) if is_there else needed

    def _removed(
        self, words: tuple[ShellWord, ...], named: list[ShellWord]
    ) -> dict[Span, str] | None:
        """Of a command that removes packages, those stay that may be there."""
        gone = [word for word in named if word.literal and not self._is_there(word.literal)]
        if named and len(gone) == len(named):
            return None
        return {Span(_end_above(words, word), word.span.end): "" for word in gone}

    def _is_there(self, literal: str) -> bool:
        name = _bare(literal)
        return name not in self.left_out | self.gone and not name.startswith(".")


def _bare(word: str) -> str:
    """Returns the name of a package without version, release and architecture."""
    return _NAME.split(word, maxsplit=1)[0]


def _operands(words: Iterable[ShellWord]) -> Iterator[ShellWord]:
    """Yields the verb of a package manager and what follows it, options left out."""
    started = skip = False
    for word in words:
        text = word.literal or word.text
        if not started:
            started = text.rpartition("/")[2] in PACKAGE_MANAGERS
        elif skip:
            skip = False
        elif text.startswith("-"):
            skip = text in _VALUED
        else:
            yield word


def _virtuals(words: tuple[str, ...]) -> set[str]:
    """Returns the names under which apk keeps what an ``apk add`` brings (apk-add(8))."""
    found = {value for name, value in pairwise(words) if name in _VIRTUAL}
    return found | {word.partition("=")[2] for word in words if word.startswith("--virtual=")}


_VIRTUAL = frozenset(("-t", "--virtual"))


def _removed_by(task: Task) -> Iterator[str]:
    call = task.command.call
    if call is None or call.program not in PACKAGE_MANAGERS:
        return
    words = [word for word in call.words[1:] if not word.startswith("-")]
    if words[:1] and words[0] in _REMOVES:
        yield from map(_bare, words[1:])


def is_for_building(name: str, releases: tuple[Release, ...]) -> bool:
    """Tells whether a package is known as one that only building needs."""
    found = runtime_packages(_bare(name), releases)
    return found is not None and _bare(name) not in found


def removes_packages(task: Task) -> bool:
    """Tells whether ``task`` takes packages away by name."""
    return any(True for _ in _removed_by(task))


def _end_above(words: tuple[ShellWord, ...], word: ShellWord) -> int:
    return words[words.index(word) - 1].span.end
