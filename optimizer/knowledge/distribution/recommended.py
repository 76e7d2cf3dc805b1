"""What packages of Debian recommend, and what of that is of no use in an image.

"The Recommends field should list packages that would be found together with this one in all but
unusual installations" (Debian Policy Manual, 7.2); a package works without them in some way.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping
from functools import lru_cache
from importlib import resources
from typing import Final

from optimizer.knowledge.distribution.debian import Index
from optimizer.knowledge.distribution.programs import programs_of
from optimizer.knowledge.released import Release

ALWAYS_USED: Final[Mapping[str, str]] = {
    "ca-certificates": "whatever speaks TLS looks for the certificates of authorities",
    "netbase": "programs look up the names of services and protocols",
    "tzdata": "programs look up time zones",
    "media-types": "programs look up the types of files",
}
"""Packages of files that others look for without naming them (their descriptions in Debian)."""

UNUSED: Final[Mapping[str, str]] = {
    "bash-completion": "completes the words that a person types",
    "fakeroot": "builds packages of Debian (dpkg-buildpackage(1))",
    "less": "shows text page by page on a terminal (git-config(1), core.pager)",
    "libalgorithm-merge-perl": "merges changelogs (dpkg-mergechangelogs(1))",
    "libc-devtools": "tools for work on the C library (its description)",
    "libfile-fcntllock-perl": "locks files while packages of Debian are built (dpkg-gensymbols)",
    "libgpm2": "the mouse on a console of Linux (gpm(8))",
    "xdg-user-dirs": "makes the folders of a desktop (xdg-user-dirs-update(1))",
}
"""Packages for people at a terminal or a desktop, and for those who build packages of Debian, each
with what it does."""

_PROGRAMS: Final[Mapping[str, frozenset[str]]] = {
    "libc-devtools": frozenset(
        ("memusage", "memusagestat", "mtrace", "pcprofiledump", "sotruss", "sprof")
    ),
}
"""Programs of packages that the table of programs lacks (the manual pages of glibc-tools)."""

ONLY_WITH: Final[Mapping[str, str]] = {
    "libldap-common": "ldap",
    "libsasl2-modules": "cyrus|imap|kafka|ldap|mail|memcache|sasl|smtp|xmpp",
    "publicsuffix": "cookie|psl",
}
"""Packages whose use shows in a word of the file, as a pattern: settings of LDAP (ldap.conf(5)),
the mechanisms of SASL (sasl(7)), and a newer copy of what libpsl has built in (libpsl, README)."""

_DOCUMENTS: Final = re.compile(r"manpages(?:-.*)?|.*-(?:doc|docs|examples|l10n|locales|manual)")


def is_unused(package: str) -> bool:
    """Tells whether a package is of no use to anything but a person: documents, translations, and
    what `UNUSED` names."""
    return package in UNUSED or _DOCUMENTS.fullmatch(package) is not None


def programs(package: str) -> frozenset[str]:
    """Returns the names of the programs of a package, none where they are not known."""
    return programs_of(package) or _PROGRAMS.get(package, frozenset())


def recommended(package: str, release: Release) -> tuple[str, ...]:
    """Returns what ``package`` recommends, without what every image of the release has; of
    alternatives the first that the release has."""
    return _table().get((release.name, package), ())


def with_recommended(
    table: Index, release: Release, names: Iterable[str], there: Collection[str] = ()
) -> frozenset[str]:
    """Returns what `apt-get install` of ``names`` installs in an image of the ``release`` that has
    the packages ``there``, recommended packages and what those need included. Of a package that
    ``table`` lacks it is not known what it needs."""
    seen: set[str] = set()
    waiting = list(names)
    while waiting:
        name = waiting.pop()
        if name in seen or name in there:
            continue
        seen.add(name)
        row = table.package(name)
        waiting += (*(row.depends if row is not None else ()), *recommended(name, release))
    return frozenset(seen) - table.minimal


@lru_cache(maxsize=1)
def _table() -> Mapping[tuple[str, str], tuple[str, ...]]:
    file = resources.files("optimizer.knowledge.distribution").joinpath("tables", "recommends.txt")
    rows = (line.split() for line in file.read_text("utf-8").splitlines() if line[:1] != "#")
    return {(release, name): tuple(others) for release, name, *others in rows}


@lru_cache(maxsize=1)
def source() -> str:
    """Returns the head of the table: of which indexes, and of which days, it is made."""
    file = resources.files("optimizer.knowledge.distribution").joinpath("tables", "recommends.txt")
    return file.read_text("utf-8").partition("\n")[0].lstrip("# ")
