"""Which package has a program, and which programs a package has."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Final

from optimizer.knowledge.distribution import alpine, debian, stored
from optimizer.knowledge.released import Release

# Source: the alternatives that these packages register with update-alternatives(1), which no index
# lists, and the packages that bring what a wrapper of postgresql-client-common starts
# (pg_wrapper(1)). Of the packages behind a word the first that a release has counts.
_ALTERNATIVES: Final[Mapping[str, tuple[str, ...]]] = {
    **dict.fromkeys(
        ("convert", "identify", "mogrify", "composite", "montage", "compare", "animate",
         "display", "import", "stream", "conjure", "magick"), ("imagemagick",),
    ),
    **dict.fromkeys(
        ("psql", "pg_dump", "pg_restore", "pg_dumpall", "pg_isready", "createdb", "dropdb",
         "createuser", "dropuser", "vacuumdb", "reindexdb", "pg_basebackup"),
        ("postgresql-client",),
    ),
    **dict.fromkeys(
        ("mysql", "mysqldump", "mysqladmin", "mysqlimport", "mysqlcheck", "mariadb",
         "mariadb-dump", "mariadb-admin"), ("default-mysql-client",),
    ),
    **dict.fromkeys(("nc", "netcat"), ("netcat-openbsd",)),
    **dict.fromkeys(("java", "keytool"), ("default-jre-headless",)),
    **dict.fromkeys(("javac", "jar"), ("default-jdk-headless",)),
    **dict.fromkeys(("vi", "vim"), ("vim",)),
    **dict.fromkeys(("python3", "pydoc3"), ("python3",)),
    **dict.fromkeys(("awk",), ("mawk",)),
    **dict.fromkeys(("cc", "c99", "c89"), ("gcc",)),
    **dict.fromkeys(("c++",), ("g++",)),
    **dict.fromkeys(("lzma", "unlzma", "xz"), ("xz-utils",)),
    **dict.fromkeys(("dig", "nslookup", "nsupdate"), ("bind9-dnsutils", "dnsutils")),
    **dict.fromkeys(("telnet",), ("telnet", "inetutils-telnet")),
    **dict.fromkeys(("ping", "ping4", "ping6"), ("iputils-ping",)),
    **dict.fromkeys(("ftp",), ("ftp", "tnftp")),
    **dict.fromkeys(("rename", "file-rename"), ("rename",)),
    **dict.fromkeys(("redis-cli", "redis-benchmark"), ("redis-tools",)),
    **dict.fromkeys(("7z", "7za", "7zr"), ("p7zip-full", "7zip")),
}  # fmt: skip


def provider(program: str, releases: Sequence[Release]) -> str | None:
    """Returns the package that has the program (``curl``), None where that is not known or where
    the ``releases`` differ."""
    answers = {_provider(program, release) for release in releases}
    return answers.pop() if len(answers) == 1 else None


def programs_of(package: str) -> frozenset[str] | None:
    """Returns the names of the programs that a package of Debian has, None where they are not
    known. Links that update-alternatives(1) makes are among them as far as `provider` knows them.
    """
    own = _packages().get(package)
    links = {name for name, packages in _ALTERNATIVES.items() if package in packages}
    if own is None and not links:
        return None
    return frozenset((own or frozenset()) | links)


def _provider(program: str, release: Release) -> str | None:
    if release.distribution == "alpine":
        return alpine.provider(program)
    index = debian.index(release)
    if index is None:
        return None
    candidates = _ALTERNATIVES.get(program) or _by_program().get(program, ())
    found = [package for package in candidates if package in index]
    if len(found) > 1 and program not in _ALTERNATIVES:
        found = _likeliest(program, found, index)
    return found[0] if found else None


def _likeliest(program: str, found: list[str], index: debian.Index) -> list[str]:
    """Of several packages with one program: the one in every image, or the one of its name; none
    where that does not settle it."""
    for preferred in (index.minimal, (program,)):
        chosen = [package for package in found if package in preferred]
        if len(chosen) == 1:
            return chosen
    return []


@lru_cache(maxsize=1)
def _packages() -> Mapping[str, frozenset[str]]:
    rows = (line.split(" ") for line in stored.lines("programs"))
    return {name: frozenset(programs) for name, *programs in rows}


@lru_cache(maxsize=1)
def _by_program() -> Mapping[str, tuple[str, ...]]:
    found: dict[str, tuple[str, ...]] = {}
    for package, programs in _packages().items():
        for program in programs:
            found[program] = (*found.get(program, ()), package)
    return found
