"""``python -m tests.distribution``: makes the tables of packages from Debian's own indexes.

``packages`` brings the indexes of every release through this machine's apt, with its keys, into
``--cache``, and makes the tables of packages, of programs and of libraries of languages, and that
of what packages recommend; ``recommends`` makes that one alone, for the packages of the tables as
they are. ``tags CLONE`` makes the table of floating tags from the history of a clone of
docker-library's official-images, ``wheels CLONE ...`` that of what pip finds for a package from
the lockfiles in clones of public projects, ``golang`` that of what the packages of Go's standard
library bring along. The tables go to
``optimizer/knowledge/distribution/tables``; what changed in them is for a person to read.
"""

from __future__ import annotations

import argparse
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import chain
from pathlib import Path

from optimizer.knowledge.distribution.debian import TABLES
from tests.distribution import golang, indexes, languages, locks, programs, tags, wheels
from tests.distribution.tables import (
    Cut,
    Relations,
    Stanza,
    minimal_packages,
    recommends,
    table,
)

FOLDER = Path(__file__).parents[2] / "optimizer/knowledge/distribution/tables"
ROOTS = Path(__file__).with_name("roots.txt")
NAMES_FROM = "sid"
"""Its ``Contents`` are read too: what is new there has the same names in the newest release."""


@dataclass(frozen=True)
class Suite:
    """The indexes of one release, unpacked where they are asked for."""

    name: str
    lists: Path
    packages: Mapping[str, Stanza]
    relations: Relations

    @property
    def source(self) -> str:
        """Says for the head of a table what it is made of."""
        return f"Debian {self.name}, main, amd64, index of {indexes.released_on(self.lists)}"

    def contents(self) -> Iterator[str]:
        """Yields the lines of ``Contents``, none where the mirror has none that fits."""
        return indexes.text(self.lists, "*Contents-*")

    def linking(self) -> frozenset[str]:
        """Returns the packages that ship a link name (``libpq.so``)."""
        found = set()
        for line in self.contents():
            if re.match(r"usr/lib/(?:x86_64-linux-gnu/)?lib[^/]+\.so\s", line):
                found |= {place.rpartition("/")[2] for place in line.split()[-1].split(",")}
        return frozenset(found)


def suite(name: str, cache: Path) -> Suite:
    """Brings the indexes of a release."""
    lists = indexes.fetch(name, cache)
    stanzas = indexes.stanzas(indexes.text(lists, "*_Packages*"))
    packages = {stanza["Package"]: stanza for stanza in stanzas}
    return Suite(name, lists, packages, Relations(packages))


def make_packages(cache: Path) -> None:
    """Writes a table for each release, and those of programs and languages."""
    suites = [suite(name, cache) for name in TABLES]
    newest = suite(NAMES_FROM, cache)
    names = languages.names(chain.from_iterable(each.contents() for each in (*suites, newest)))
    releases = {
        each.name: (each.packages, each.relations, minimal_packages(each.relations))
        for each in suites
    }
    libraries = list(languages.table(names, releases))
    sources = "; ".join(each.source for each in (*suites, newest))
    write("languages", f"Made of Contents and Packages: {sources}.", libraries)
    needed = set(re.findall(r"(?<=[:,])[^,\s]+", "\n".join(libraries)))
    roots = ROOTS.read_text().split()
    cut = Cut(roots, needed, frozenset().union(*(each.linking() for each in suites)))
    kept: set[str] = set()
    for each in suites:
        lines = list(table(each.packages, each.relations, cut))
        write(each.name, f"A part of Packages of {each.source}.", lines)
        kept |= {line.split()[0] for line in lines if line.split()[1] in "pP"}
    pairs = chain.from_iterable(programs.programs(each.contents()) for each in (*suites, newest))
    write("programs", f"Made of Contents: {sources}.", programs.table(pairs, kept))


def make_recommends(cache: Path) -> None:
    """Writes the table of what the packages of the other tables recommend."""
    lines: list[str] = []
    sources: list[str] = []
    for name in TABLES:
        lists = indexes.fetch(name, cache, contents=False)
        stanzas = indexes.stanzas(indexes.text(lists, "*_Packages*"))
        relations = Relations({stanza["Package"]: stanza for stanza in stanzas})
        rows = (FOLDER / f"{name}.txt").read_text().splitlines()
        kept = [row.split(" ", 1)[0] for row in rows if not row.startswith("#")]
        lines += [f"{name} {line}" for line in recommends(relations, kept)]
        sources.append(f"{name}, {indexes.released_on(lists)}")
    source = f"Recommends in Packages of Debian, main, amd64: {'; '.join(sources)}."
    write("recommends", source, lines)


def make_tags(clone: Path) -> None:
    """Writes the table of floating tags."""
    write("tags", tags.source(clone), tags.table(clone))


def make_wheels(clones: Iterable[Path]) -> None:
    """Writes the table of what the package index serves for Python packages."""
    texts: list[str] = []
    sources: list[str] = []
    for clone in clones:
        found = locks.texts(clone, "uv.lock")
        texts += found
        sources += [locks.source(clone)] if found else []
    write("wheels", f"From the files uv.lock of {', '.join(sources)}.", wheels.table(texts))


def make_golang(go: str) -> None:
    """Writes the table of the standard library of the Go command ``go``."""
    source = f"`go list -deps std` of {golang.version(go)}: what each package needs, and brings."
    write("golang", source, golang.rows(golang.brought_along(go)))


def write(name: str, source: str, lines: Iterable[str]) -> None:
    """Writes one table with a head that says what it is made of."""
    head = f"# {source}\n# Made by python -m tests.distribution.\n"
    (FOLDER / f"{name}.txt").write_text(head + "".join(f"{line}\n" for line in lines))


def main() -> None:
    options = argparse.ArgumentParser(prog="python -m tests.distribution", description=__doc__)
    commands = options.add_subparsers(dest="command", required=True)
    of_packages = commands.add_parser("packages", help="the tables made of Debian's indexes")
    of_packages.add_argument("--cache", type=Path, default=Path("/var/tmp/dockopt-indexes"))
    of_recommends = commands.add_parser("recommends", help="what packages recommend")
    of_recommends.add_argument("--cache", type=Path, default=Path("/var/tmp/dockopt-indexes"))
    of_tags = commands.add_parser("tags", help="the table of floating tags")
    of_tags.add_argument("clone", type=Path, help="a clone of docker-library/official-images")
    of_wheels = commands.add_parser("wheels", help="the table of files for Python packages")
    of_wheels.add_argument("clones", type=Path, nargs="+", help="clones of public projects")
    of_golang = commands.add_parser("golang", help="the table of Go's standard library")
    of_golang.add_argument("--go", default="go", help="the Go command that is asked")
    arguments = options.parse_args()
    if arguments.command == "tags":
        make_tags(arguments.clone)
    elif arguments.command == "wheels":
        make_wheels(arguments.clones)
    elif arguments.command == "golang":
        make_golang(arguments.go)
    elif arguments.command == "recommends":
        make_recommends(arguments.cache)
    else:
        make_packages(arguments.cache)
        make_recommends(arguments.cache)


if __name__ == "__main__":
    main()
