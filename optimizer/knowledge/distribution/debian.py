"""What Debian's package indexes say: dependencies, sizes, libraries behind development packages.

The tables beside this module hold, for one release each, the part of Debian's ``Packages`` index
that Dockerfiles meet. ``python -m tests.distribution`` makes them; the head of each says of which
index and of which day it is. A table is read when its release is asked about.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Final

from optimizer.knowledge.distribution import stored
from optimizer.knowledge.released import Release

TABLES: Final = ("bullseye", "bookworm", "trixie")
"""The releases that have a table."""

KINDS: Final = {
    "d": "development files",
    "u": "development files, with libraries that their dependencies do not name",
    "l": "a library",
    "i": "a description of a library for language bindings (typelib)",
    "p": "anything else",
}
"""The letters of the tables; a capital one says that the package is in every minimal image."""


@dataclass(frozen=True, slots=True)
class Package:
    """One row: ``size`` is what it takes once unpacked (bytes), ``depends`` names one package for
    each relation, the first that the release has, without those of a minimal image. ``behind``
    are the libraries behind a development package; for another one what it recommends."""

    name: str
    kind: str
    size: int
    depends: tuple[str, ...]
    behind: tuple[str, ...]

    @property
    def is_minimal(self) -> bool:
        """Whether an image of the release alone (``debian:bookworm-slim``) has it."""
        return self.kind.isupper()

    @property
    def is_development(self) -> bool:
        """Whether it holds headers and link names, which only compiling needs."""
        return self.kind.lower() in "du"


class Index:
    """The table of one release."""

    def __init__(self, lines: Iterable[str]) -> None:
        """``lines`` hold name, kind, KiB, the dependencies, and behind a bar what `Package` calls
        ``behind``."""
        self._rows = dict(line.split(" ", 1) for line in lines)

    def __iter__(self) -> Iterator[str]:
        return iter(self._rows)

    def __contains__(self, name: str) -> bool:
        return name in self._rows

    def package(self, name: str) -> Package | None:
        """Returns the row, None where the table has none."""
        row = self._rows.get(name)
        if row is None:
            return None
        left, _, right = row.partition("|")
        kind, kibibytes, *depends = left.split()
        return Package(name, kind, int(kibibytes) * 1024, tuple(depends), tuple(right.split()))

    def closure(self, names: Iterable[str], *, recommends: bool = False) -> frozenset[str] | None:
        """Returns ``names`` with all that they depend on (and recommend), None where one of the
        ``names`` has no row."""
        waiting = list(names)
        if any(name not in self._rows for name in waiting):
            return None
        seen: set[str] = set()
        while waiting:
            name = waiting.pop()
            package = None if name in seen else self.package(name)
            if package is not None:
                seen.add(name)
                waiting += package.depends
                waiting += package.behind if recommends and package.kind in "pP" else ()
        return frozenset(seen)

    @cached_property
    def minimal(self) -> frozenset[str]:
        """The packages that every image of the release has."""
        return frozenset(name for name, row in self._rows.items() if row.split(" ", 1)[0].isupper())

    def added(self, names: Iterable[str], *, recommends: bool = False) -> frozenset[str] | None:
        """Returns what installing ``names`` adds to a minimal image; None where one is unknown."""
        all_of_them = self.closure(names, recommends=recommends)
        return None if all_of_them is None else all_of_them - self.minimal

    def size(self, names: Iterable[str]) -> int:
        """Returns the bytes that the packages themselves take once unpacked."""
        rows = (self.package(name) for name in names)
        return sum(row.size for row in rows if row is not None)

    def libraries(self, name: str) -> tuple[str, ...] | None:
        """Returns the libraries that what is built with the development package ``name`` may load,
        without those that a minimal image has and those that others of them depend on.

        None where it is not a development package, or where its libraries are not known.
        """
        package = self.package(name)
        return package.behind if package and package.kind.lower() == "d" else None

    def leading(self, names: Iterable[str]) -> tuple[str, ...]:
        """Returns, sorted, those of ``names`` that are in no minimal image and that no other of
        them brings along."""
        left = sorted(set(names) - self.minimal)
        for name in list(left):
            others = [other for other in left if other != name]
            if name in (self.closure(others) or ()):
                left = others
        return tuple(left)


def index(release: Release) -> Index | None:
    """Returns the table of a release, None where there is none."""
    if release.distribution != "debian" or release.name not in TABLES:
        return None
    return _read(release.name)


def in_all(
    answers: Mapping[Release, tuple[str, ...] | None],
) -> tuple[str, ...] | None:
    """Returns one list of packages that serves in each of several releases: the answers' own where
    they are the same, else all of them if each release has each (what its images have already
    costs nothing there). None where there is no such list."""
    own = {answer for answer in answers.values() if answer is not None}
    if len(own) == 1 and None not in answers.values():
        return own.pop()
    indexes = [index(release) for release in answers]
    names = {name for answer in own for name in answer}
    if not answers or None in answers.values():
        return None
    serves = all(table is not None and name in table for table in indexes for name in names)
    return tuple(sorted(names)) if serves else None


@lru_cache(maxsize=len(TABLES))
def _read(name: str) -> Index:
    return Index(stored.lines(name))
