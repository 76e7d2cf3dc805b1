"""Cuts a release's ``Packages`` index down to the table that dockopt ships."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass

from optimizer.knowledge.distribution.full import FULL

Stanza = Mapping[str, str]

DEVELOPMENT_SECTIONS = frozenset(("libdevel", "libs", "devel", "x11", "math", "python", "sound"))

OTHER_LANGUAGES = re.compile(
    r"librust-|libghc-|golang-|node-|r-|ruby-|haskell-|lib.*-(?:perl|java|ocaml|ocaml-dev|cil-dev)$"
    r"|.*-(?:doc|dbg|dbgsym)$"
)
"""Packages of languages that have package managers of their own: images get them from those."""


_TOOLS = re.compile(r"-(?:bin|tools|utils|dev-bin|doc|examples|common|data)$|^libc-bin$")
"""Programs and data in the sections of libraries; librsvg2-common and the like come with what
they serve."""


_INTERPRETERS = ("python3", "ruby", "lua5.4", "lua5.3", "lua5.1", "tcl", "tk", "erlang-base")
_EXTENDS = re.compile(r"(?:python3|ruby|lua|tcl|tk|erlang)[0-9.]*-dev")
"""Development files of an interpreter: who installs them alone gets the interpreter too."""


@dataclass(frozen=True, slots=True)
class Cut:
    """What of an index the table holds: ``programs`` with all that they recommend, and ``needed``.
    ``linking`` are the packages that ship link names (``libpq.so``)."""

    programs: Collection[str]
    needed: Collection[str]
    linking: Collection[str]


class Relations:
    """The relations of an index between packages that it has."""

    def __init__(self, packages: Mapping[str, Stanza]) -> None:
        self._packages = packages
        self.preferred = {name for name, stanza in packages.items() if _is_in_every_image(stanza)}
        self._providers: dict[str, list[str]] = {}
        for name, stanza in packages.items():
            for provided in filter(None, re.split(r",\s*", stanza.get("Provides", ""))):
                self._providers.setdefault(_name(provided), []).append(name)
        self.depends = {
            name: self._relation(stanza, "Pre-Depends") + self._relation(stanza, "Depends")
            for name, stanza in packages.items()
        }
        self.recommends = {
            name: self._relation(stanza, "Recommends") for name, stanza in packages.items()
        }

    def closure(self, roots: Iterable[str]) -> set[str]:
        """Returns ``roots`` and all that they depend on."""
        seen: set[str] = set()
        waiting = [name for name in roots if name in self._packages]
        while waiting:
            name = waiting.pop()
            if name not in seen:
                seen.add(name)
                waiting += self.depends[name]
        return seen

    def libraries(self, name: str) -> set[str]:
        """Returns the libraries that what is built with a development package may load.

        Those are the ones that it names, or that development packages of the same source name, or
        any where it is but a name for others. A development package of another source is there for
        its headers, and the libraries that it names beside the one which the found ones already
        load (``libtiffxx6`` beside ``libtiff6``) are left out; so is all behind libc6-dev, which
        every compiler brings.
        """
        found, others, seen = set[str](), list[str](), {name}
        waiting = [name]
        while waiting:
            current = waiting.pop()
            for needed in self.depends[current]:
                if needed in seen or needed == "libc6-dev":
                    continue
                seen.add(needed)
                kind = kind_of(self._packages[needed])
                if kind == "d":
                    is_own = self._is_of_one_source(current, needed) or not self._named(current)
                    (waiting if is_own else others).append(needed)
                elif kind in "li" or (needed in _INTERPRETERS and _EXTENDS.match(name)):
                    found.add(needed)
        loaded = self.closure({*found, *self.preferred})
        for other in others:
            named = self._named(other)
            if not named & loaded:
                found |= named
                loaded |= self.closure(named)
            more = [each for each in self.depends[other] if each not in seen]
            seen.update(more)
            others += [each for each in more if self._is_development(each)]
        return found

    def leading(self, names: Iterable[str], minimal: Collection[str]) -> list[str]:
        """Returns, sorted, those of ``names`` that no other of them brings along."""
        left = sorted(set(names).difference(minimal))
        for name in list(left):
            others = [other for other in left if other != name]
            if name in self.closure(others):
                left = others
        return left

    def only_provider(self, name: str) -> str | None:
        """Returns the package that alone provides a name which no package has."""
        providers = self._providers.get(name, [])
        return providers[0] if name not in self._packages and len(providers) == 1 else None

    def virtual(self) -> Iterator[str]:
        """Yields the names that some package provides and none has."""
        yield from (name for name in self._providers if name not in self._packages)

    def _named(self, name: str) -> set[str]:
        """The libraries that a package itself depends on."""
        return {each for each in self.depends[name] if kind_of(self._packages[each]) == "l"}

    def _is_development(self, name: str) -> bool:
        return name != "libc6-dev" and kind_of(self._packages[name]) == "d"

    def _is_of_one_source(self, name: str, other: str) -> bool:
        sources = {_name(self._packages[each].get("Source", each)) for each in (name, other)}
        return len(sources) == 1

    def _relation(self, stanza: Stanza, field: str) -> list[str]:
        """The first alternative that the index has stands for each relation, as apt takes it."""
        chosen = []
        for relation in filter(None, re.split(r",\s*", stanza.get(field, ""))):
            names = [_name(part) for part in relation.split("|")]
            real = [name for name in names if name in self._packages]
            provided = [each for name in names for each in sorted(self._providers.get(name, ()))]
            preferred = [each for each in (*real, *provided) if each in self.preferred]
            chosen += (preferred or real or provided)[:1]
        return list(dict.fromkeys(chosen))


def minimal_packages(relations: Relations) -> frozenset[str]:
    """Returns the packages that every image of the release has."""
    return frozenset(relations.closure(relations.preferred))


def table(packages: Mapping[str, Stanza], relations: Relations, cut: Cut) -> Iterator[str]:
    """Yields the lines of the table for the packages of an index, sorted by name.

    In it are development packages of C and C++ with what stands behind them, the packages of
    ``cut``, and what any of those depends on; names that one development package alone provides
    (``libz-dev``) have a row that depends on it.
    """
    minimal = minimal_packages(relations)
    development = (name for name, stanza in packages.items() if _is_c_development(stanza))
    roots = {*minimal, *FULL, *cut.programs, *cut.needed, *development}
    for name in cut.programs:
        roots.update(relations.recommends.get(name, ()))
    kept = relations.closure(roots)
    rows = {name: _row(packages[name], relations, kept, minimal, cut) for name in kept}
    for name in relations.virtual():
        provider = relations.only_provider(name)
        if name.endswith("-dev") and provider in rows:
            behind = rows[provider].partition(" | ")[2]
            rows[name] = f"{name} d 0 {provider} | {behind}" if behind else f"{name} d 0 {provider}"
    yield from (rows[name] for name in sorted(rows))


def recommends(relations: Relations, names: Iterable[str]) -> Iterator[str]:
    """Yields ``PACKAGE RECOMMENDED ...`` for those of ``names`` that recommend anything, without
    what every image has."""
    minimal = minimal_packages(relations)
    for name in sorted(names):
        others = [each for each in relations.recommends.get(name, ()) if each not in minimal]
        if others:
            yield " ".join([name, *others])


def _row(
    stanza: Stanza, relations: Relations, kept: Collection[str], minimal: Collection[str], cut: Cut
) -> str:
    name, kind = stanza["Package"], kind_of(stanza)
    right: Iterable[str] = ()
    if kind == "d":
        libraries = relations.libraries(name)
        if not libraries and name in cut.linking:
            kind = "u"
        right = relations.leading(libraries, minimal)
    elif kind == "p":
        right = (other for other in relations.recommends[name] if other in kept)
    letter = kind.upper() if name in minimal else kind
    size = stanza.get("Installed-Size", "0")
    needed = () if name in minimal else relations.depends[name]
    words = [name, letter, size, *(other for other in needed if other not in minimal)]
    behind = [other for other in right if other not in minimal]
    return " ".join([*words, "|", *behind] if behind else words)


def kind_of(stanza: Stanza) -> str:
    """Returns the letter of `optimizer.knowledge.distribution.debian.KINDS` for a package."""
    name, section = stanza["Package"], stanza.get("Section", "")
    if name.endswith("-dev") or section == "libdevel":
        return "d"
    if name.startswith("gir1.2-"):
        return "i"
    shares = (section in ("libs", "oldlibs"), stanza.get("Multi-Arch") == "same")
    is_library = all(shares) or (any(shares) and name.startswith("lib"))
    return "l" if is_library and not _TOOLS.search(name) else "p"


def _is_c_development(stanza: Stanza) -> bool:
    return (
        kind_of(stanza) == "d"
        and stanza.get("Section") in DEVELOPMENT_SECTIONS
        and not OTHER_LANGUAGES.match(stanza["Package"])
    )


def _is_in_every_image(stanza: Stanza) -> bool:
    """What debootstrap takes for ``--variant minbase``, with which Debian's images are made
    (github.com/debuerreotype/debuerreotype: scripts/debuerreotype-init): required packages and
    apt, and usr-is-merged in place of usrmerge."""
    required = stanza.get("Essential") == "yes" or stanza.get("Priority") == "required"
    return (required and stanza["Package"] != "usrmerge") or stanza["Package"] in (
        "apt",
        "usr-is-merged",
    )


def _name(relation: str) -> str:
    return re.split(r"[\s:(\[]", relation.strip(), maxsplit=1)[0]
