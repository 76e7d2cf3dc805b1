"""What Debian's packages of Python, Node and Ruby libraries say about the same libraries elsewhere.

A library that Debian ships for all architectures is made of source text, whatever its registry
ships; what else it needs stands among its dependencies. One that is compiled says what it links.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from optimizer.knowledge.distribution.compilers import is_build_only
from tests.distribution.tables import Relations, Stanza, kind_of

ECOSYSTEMS = {
    "pypi": re.compile(
        r"usr/lib/python3/dist-packages/([^/\s]+?)-[0-9][^/\s]*\.(?:egg|dist)-info[/\s]"
    ),
    "npm": re.compile(r"usr/(?:share|lib/[^/]+)/nodejs/((?:@[^/\s]+/)?[^/@\s]+)/package\.json\s"),
    "rubygems": re.compile(
        r"usr/share/rubygems-integration/[^/\s]+/specifications/([^/\s]+?)-[0-9][^/\s-]*\.gemspec\s"
    ),
}
"""Where the metadata of an installed library lies, by Debian's policies for the languages."""

_OWN = {
    "pypi": ("python3-", "python"),
    "npm": ("node-", "javascript"),
    "rubygems": ("ruby-", "ruby"),
}
_OTHERS = re.compile(
    r"python3|libpython|pypy|ruby|libruby|node-|nodejs$|libnode|libjs-|npm$|fonts-|ttf-|sphinx"
    r"|javascript-common|.*-(?:doc|common|data|config|localedata)$|gcc-\d+-base|default-jre-headless$"
    r"|(?:ca-certificates|tzdata|media-types|mime-support|netbase|lsb-release|publicsuffix"
    r"|iso-codes|alembic|ucf|cron|logrotate|adduser|dbus|procps|less|groff-base|sgml-base|cython3|bundler"
    r"|rake|racc|w3c-sgml-lib|texlive-\S+|uap-core|ieee-data|hicolor-icon-theme)$"
)
"""What Debian takes out of libraries that bring it along elsewhere, or serves to install."""


def names(lines: Iterable[str]) -> Mapping[str, Mapping[str, set[str]]]:
    """Returns, by ecosystem and name there, Debian's packages, from the lines of ``Contents``."""
    found: dict[str, dict[str, set[str]]] = {ecosystem: {} for ecosystem in ECOSYSTEMS}
    for line in lines:
        for ecosystem, place in ECOSYSTEMS.items():
            match = place.match(line)
            if match is not None:
                name = match[1]
                if ecosystem == "pypi":
                    name = re.sub(r"[-_.]+", "-", name).lower()
                packages = line.split()[-1].split(",")
                own = {package.rpartition("/")[2] for package in packages}
                found[ecosystem].setdefault(name, set()).update(own)
    return found


@dataclass(frozen=True, slots=True)
class Library:
    """A library in one release: whether Debian compiles it, and what it needs beside its
    language."""

    is_compiled: bool
    needs: tuple[str, ...]


def library(
    ecosystem: str, debian: Iterable[str], packages: Mapping[str, Stanza], relations: Relations,
    minimal: frozenset[str], libraries: frozenset[str],
) -> Library | None:  # fmt: skip
    """Returns what the packages ``debian`` say; None where the release has none of them that is a
    library's. ``libraries`` are all packages that hold a library of some language."""
    prefix, section = _OWN[ecosystem]
    own = [
        name
        for name in debian
        if name in packages
        and (name.startswith(prefix) or packages[name].get("Section", "").endswith(section))
    ]
    if not own:
        return None
    needs: set[str] = set()
    for name in own:
        for needed in relations.depends[name]:
            if kind_of(packages[needed]) == "d":
                needs |= relations.libraries(needed)
            elif not _OTHERS.match(needed) and not is_build_only(needed):
                needs.add(needed)
    needs -= minimal | libraries
    is_compiled = any(packages[name]["Architecture"] != "all" for name in own)
    return Library(is_compiled, tuple(relations.leading(needs, minimal)))


def table(
    found: Mapping[str, Mapping[str, set[str]]],
    releases: Mapping[str, tuple[Mapping[str, Stanza], Relations, frozenset[str]]],
) -> Iterator[str]:
    """Yields the lines of the table: ``pypi pure NAME ...``, ``pypi needs NAME RELEASE:PACKAGES``
    for a library of source text that needs something, and ``pypi links ...`` for a compiled one;
    ``*`` stands for every release."""
    libraries = frozenset(
        package for own in found.values() for packages in own.values() for package in packages
    )
    for ecosystem, own in found.items():
        pure: list[str] = []
        for name, debian in sorted(own.items()):
            answers = {
                release: library(ecosystem, debian, *parts, libraries)
                for release, parts in releases.items()
            }
            known = {release: each for release, each in answers.items() if each is not None}
            compiled = any(each.is_compiled for each in known.values())
            if compiled or any(each.needs for each in known.values()):
                yield f"{ecosystem} {'links' if compiled else 'needs'} {name} {_said(known)}"
            elif known:
                pure.append(name)
        for start in range(0, len(pure), 40):
            yield f"{ecosystem} pure {' '.join(pure[start : start + 40])}"


def _said(known: Mapping[str, Library]) -> str:
    said = {release: ",".join(each.needs) for release, each in known.items()}
    if len(set(said.values())) == 1:
        return f"*:{next(iter(said.values()))}"
    return " ".join(f"{release}:{needs}" for release, needs in said.items())
