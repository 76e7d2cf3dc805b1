"""The tables of packages: what holds for every row, and pairs that are known."""

from __future__ import annotations

import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from optimizer.knowledge.distribution import debian
from optimizer.knowledge.distribution.compilers import COMPILER_LIBRARIES
from optimizer.knowledge.distribution.full import (
    FULL,
    full_packages,
    has_authorities,
    slim_packages,
)
from optimizer.knowledge.distribution.needs import needs_by_release
from optimizer.knowledge.distribution.packages import (
    installed_bytes,
    needs_of,
    programs_of,
    provider,
    releases_of,
    runtime_packages,
    runtime_packages_by_release,
)
from optimizer.knowledge.released import Release

TRIXIE, BOOKWORM, BULLSEYE = (
    Release("debian", name) for name in ("trixie", "bookworm", "bullseye")
)
ALPINE = Release("alpine", "3.20")
NOBLE = Release("ubuntu", "noble")
DEBIAN = [Release("debian", name) for name in debian.TABLES]


@pytest.fixture(params=debian.TABLES)
def table(request: pytest.FixtureRequest) -> debian.Index:
    index = debian.index(Release("debian", request.param))
    assert index is not None
    return index


def test_every_row_resolves(table: debian.Index) -> None:
    for name in table:
        package = table.package(name)
        assert package is not None
        assert package.kind.lower() in debian.KINDS
        assert package.size >= 0
        for other in (*package.depends, *package.behind):
            assert other in table, f"{name} needs {other}"


def test_libraries_of_development_packages_are_no_development_packages(table: debian.Index) -> None:
    for name in table:
        for library in table.libraries(name) or ():
            package = table.package(library)
            assert package is not None
            assert not package.is_development
            assert not package.is_minimal


def test_libraries_behind_do_not_bring_one_another(table: debian.Index) -> None:
    for name in ("libgdal-dev", "libgtk-3-dev", "libmagickwand-dev", "default-libmysqlclient-dev"):
        behind = table.libraries(name)
        assert behind
        assert table.leading(behind) == behind


def test_minimal_image_needs_nothing_else(table: debian.Index) -> None:
    assert {"bash", "coreutils", "dpkg", "apt", "libc6", "libstdc++6"} <= table.minimal
    assert not {"perl", "python3", "curl", "ca-certificates", "git"} & table.minimal
    assert len(table.minimal) < 100


BEHIND = [
    ("libpq-dev", BOOKWORM, ("libpq5",)),
    ("libpq-dev", TRIXIE, ("libpq5",)),
    ("default-libmysqlclient-dev", BOOKWORM, ("libmariadb3",)),
    ("libssl-dev", BOOKWORM, ("libssl3",)),
    ("libssl-dev", TRIXIE, ()),
    ("libjpeg-dev", BOOKWORM, ("libjpeg62-turbo",)),
    ("libicu-dev", BULLSEYE, ("libicu67",)),
    ("libcurl4-openssl-dev", TRIXIE, ("libcurl4t64",)),
    ("libcurl4-openssl-dev", BOOKWORM, ("libcurl4",)),
    ("libxslt-dev", BOOKWORM, ("libxslt1.1",)),
    ("libreadline-dev", TRIXIE, ("libreadline8t64",)),
    ("zlib1g-dev", BOOKWORM, ()),
    ("libc6-dev", BOOKWORM, ()),
    ("libeigen3-dev", BOOKWORM, ()),
    ("make", BOOKWORM, ()),
    ("pkg-config", BOOKWORM, ()),
    ("gfortran", BOOKWORM, ("libatomic1", "libgfortran5", "libgomp1")),
    ("python3-dev", BOOKWORM, ("libpython3.11", "python3")),
    ("curl", BOOKWORM, ("curl",)),
    ("curl=7.88.1-10+deb12u5", BOOKWORM, ("curl=7.88.1-10+deb12u5",)),
    ("libpq-dev=15.*", BOOKWORM, ("libpq5",)),
    ("libpq-dev:amd64", BOOKWORM, ("libpq5",)),
    ("bash", BOOKWORM, ()),
    ("no-such-package", BOOKWORM, None),
    ("libpq-dev", NOBLE, None),
    ("libpq-dev", Release("debian", "buster"), None),
    ("postgresql-dev", ALPINE, ("libpq",)),
    ("musl-dev", ALPINE, ()),
    ("libffi-dev", ALPINE, ("libffi",)),
    ("curl", ALPINE, ("curl",)),
    ("unheard-of-dev", ALPINE, None),
]


@pytest.mark.parametrize(("package", "release", "behind"), BEHIND)
def test_known_pairs(package: str, release: Release, behind: tuple[str, ...] | None) -> None:
    assert runtime_packages(package, [release]) == behind


def test_compilers_answer_with_their_own_libraries(table: debian.Index) -> None:
    for package in ("gcc", "g++", "build-essential"):
        for release in DEBIAN:
            assert set(runtime_packages(package, [release]) or ()) == COMPILER_LIBRARIES


def test_releases_that_differ_give_no_answer() -> None:
    both = [TRIXIE, BOOKWORM]
    assert runtime_packages("libpq-dev", both) == ("libpq5",)
    assert runtime_packages("libcurl4-openssl-dev", both) is None
    assert runtime_packages_by_release("libcurl4-openssl-dev", both) == {
        TRIXIE: ("libcurl4t64",),
        BOOKWORM: ("libcurl4",),
    }
    assert runtime_packages("libpq-dev", []) is None


def test_one_list_serves_where_one_release_has_it_in_every_image() -> None:
    both = [TRIXIE, BOOKWORM]
    assert runtime_packages_by_release("libffi-dev", both) == {TRIXIE: ("libffi8",), BOOKWORM: ()}
    assert runtime_packages("libffi-dev", both) == ("libffi8",)
    assert runtime_packages("libssl-dev", both) is None  # trixie's is libssl3t64


NEEDS = [
    ("pypi", "psycopg2", ("libpq5",)),
    ("pypi", "psycopg2-binary", ()),
    ("pypi", "mysqlclient", ("libmariadb3",)),
    ("pypi", "Flask", ()),
    ("pypi", "Flask_SQLAlchemy", ()),
    ("pypi", "uvicorn[standard]", ()),
    ("pypi", "python-magic", ("libmagic1",)),
    ("pypi", "GitPython", ("git",)),
    ("pypi", "pydub", ("ffmpeg",)),
    ("pypi", "opencv-python", ("libgl1", "libglib2.0-0", "libsm6")),
    ("pypi", "rdkit", ("libexpat1", "libxext6", "libxrender1")),
    ("pypi", "opencv-python-headless", ()),
    ("pypi", "google-cloud-kms", ()),
    ("npm", "express", ()),
    ("npm", "pg-native", ("libpq5",)),
    ("npm", "sharp", ()),
    ("rubygems", "pg", ("libpq5",)),
    ("rubygems", "nokogiri", ()),
    ("rubygems", "mysql2", ("libmariadb3",)),
    ("php", "pdo_pgsql", ("libpq5",)),
    ("php", "gd", ("libpng16-16",)),
    ("php", "xdebug", ()),
]


@pytest.mark.parametrize(("ecosystem", "package", "packages"), NEEDS)
def test_known_needs(ecosystem: str, package: str, packages: tuple[str, ...]) -> None:
    needs = needs_of(ecosystem, package, [BOOKWORM])
    assert (needs.packages, needs.unknown) == (packages, None)


@pytest.mark.parametrize(
    ("ecosystem", "package"),
    [
        ("pypi", "selenium"),
        ("pypi", "nobody-has-heard-of-this"),
        ("npm", "puppeteer"),
        ("npm", "nobody-has-heard-of-this"),
        ("rubygems", "ferrum"),
        ("php", "nosuchextension"),
        ("hex", "phoenix"),
    ],
)
def test_what_is_not_known_is_said(ecosystem: str, package: str) -> None:
    assert needs_of(ecosystem, package, [BOOKWORM]).unknown


def test_needs_where_releases_differ_or_are_not_known() -> None:
    assert needs_of("pypi", "python-magic", [TRIXIE, BOOKWORM]).unknown
    assert needs_of("pypi", "python-magic", []).unknown
    assert needs_of("pypi", "python-magic", [NOBLE]).unknown
    assert needs_of("pypi", "flask", []).unknown is None
    assert needs_of("pypi", "flask", [NOBLE, ALPINE]).unknown is None
    by_release = needs_by_release("pypi", "python-magic", [TRIXIE, BOOKWORM])
    assert {each.packages for each in by_release.values()} == {("libmagic1t64",), ("libmagic1",)}


@pytest.mark.parametrize("package", ["npm", "pnpm", "yarn", "typescript", "serve", "http-server"])
def test_tools_of_node_are_plain_javascript(package: str) -> None:
    needs = needs_of("npm", package, [BOOKWORM])
    assert needs.is_plain
    assert needs.packages == ()
    assert needs.unknown is None


def test_a_tool_that_starts_a_program_is_plain_and_needs_it() -> None:
    needs = needs_of("npm", "pm2", [BOOKWORM])
    assert needs.is_plain
    assert needs.packages == ("procps",)


def test_wheel_brings_its_libraries_and_a_build_links_them() -> None:
    needs = needs_of("pypi", "lxml", [BOOKWORM])
    assert (needs.packages, needs.compiled) == ((), ("libxslt1.1",))


def test_rows_name_packages_that_some_release_has() -> None:
    tables = [index for index in map(debian.index, DEBIAN) if index is not None]
    from optimizer.knowledge.distribution.needs import _CURATED

    for rows in _CURATED.values():
        for name, row in rows.items():
            assert row.source
            for need in row.needs:
                assert any(each in table for each in need.split("|") for table in tables), name


PROVIDERS = [
    ("curl", "curl"),
    ("convert", "imagemagick"),
    ("ps", "procps"),
    ("pg_isready", "postgresql-client"),
    ("nc", "netcat-openbsd"),
    ("ping", "iputils-ping"),
    ("ls", "coreutils"),
    ("python3", "python3"),
    ("perl", "perl-base"),
    ("tini", "tini"),
    ("no-such-program", None),
]


@pytest.mark.parametrize(("program", "package"), PROVIDERS)
def test_providers(program: str, package: str | None) -> None:
    assert [provider(program, [release]) for release in DEBIAN] == [package] * len(DEBIAN)
    assert provider(program, DEBIAN) == package


def test_provider_where_distributions_differ() -> None:
    assert provider("ps", [ALPINE]) == "busybox"
    assert provider("ps", [ALPINE, BOOKWORM]) is None
    assert provider("curl", [NOBLE]) is None


def test_programs_of_a_package() -> None:
    assert "curl" in (programs_of("curl") or ())
    assert {"convert", "identify"} <= (programs_of("imagemagick") or frozenset())
    assert programs_of("no-such-package") is None


def test_sizes() -> None:
    alone = installed_bytes(["libpq5"], [BOOKWORM])
    assert alone is not None
    assert 1_000_000 < alone < 30_000_000
    assert installed_bytes(["bash"], [BOOKWORM]) == 0
    assert installed_bytes(["nosuch"], [BOOKWORM]) is None
    assert installed_bytes(["libpq5"], [NOBLE]) is None
    assert installed_bytes(["libpq5"], []) is None
    both = installed_bytes(["libpq5"], [BOOKWORM, TRIXIE])
    assert both == max(alone, installed_bytes(["libpq5"], [TRIXIE]) or 0)
    recommended = installed_bytes(["git"], [BOOKWORM], recommends=True) or 0
    assert recommended > (installed_bytes(["git"], [BOOKWORM]) or 0)


@pytest.mark.parametrize("release", DEBIAN)
def test_full_images(release: Release) -> None:
    index = debian.index(release)
    assert index is not None
    full = full_packages(release)
    assert {"ca-certificates", "curl", "git", "libpq5", "libmariadb3", "procps", "unzip"} <= full
    assert not {"gcc", "make", "libpq-dev", "bash"} & full
    assert full <= set(index)
    assert all(name in index for name in FULL if name != "sq")
    assert slim_packages("node", release) == frozenset()
    assert {"ca-certificates", "netbase"} <= slim_packages("python", release)


def test_full_packages_of_unknown_releases() -> None:
    assert full_packages(NOBLE) == frozenset()


RELEASES = [
    ("python", "3.12-slim-bookworm", ["bookworm"]),
    ("node", "20-bullseye", ["bullseye"]),
    ("debian", "12", ["bookworm"]),
    ("debian", "12.5-slim", ["bookworm"]),
    ("debian", "stable-slim", ["trixie", "bookworm"]),
    ("ubuntu", "22.04", ["jammy"]),
    ("alpine", "3.19", ["3.19"]),
    ("alpine", "3.19.1", ["3.19"]),
    ("alpine", "3.20.0", ["3.20"]),
    ("eclipse-temurin", "17-jre-noble", ["noble"]),
    ("python", "3.12-alpine3.20", ["3.20"]),
    ("python", "3.12", ["trixie", "bookworm"]),
    ("python", "3.8", ["bookworm"]),
    ("node", "20", ["bookworm"]),
    ("node", "16", ["buster"]),
    ("golang", "1.22", ["bookworm"]),
    ("nvidia/cuda", "12.2.0-devel-ubuntu22.04", ["jammy"]),
    ("openjdk", "17-slim", ["bullseye"]),
    ("mcr.microsoft.com/dotnet/aspnet", "8.0", ["bookworm"]),
    ("mcr.microsoft.com/dotnet/sdk", "10.0", ["noble"]),
    ("gcr.io/distroless/base-debian12", "latest", ["bookworm"]),
    ("openjdk", "17", []),
    ("someone/app", "noble", []),
    ("someone/app", "latest", []),
    ("python", "3.99", []),
    ("python", "3.12-windowsservercore-ltsc2022", []),
    ("python", "bookworm-noble", []),
]


@pytest.mark.parametrize(("name", "tag", "releases"), RELEASES)
def test_releases_of_images(name: str, tag: str, releases: list[str]) -> None:
    assert [release.name for release in releases_of(name, tag)] == releases


def test_tables_are_read_when_they_are_asked_for() -> None:
    code = (
        "import optimizer.knowledge.distribution.packages as p\n"
        "from optimizer.knowledge.distribution import debian, needs, programs, tags\n"
        "caches = (debian._read, needs._table, needs._wheels, programs._packages, tags._images)\n"
        "print([cache.cache_info().currsize for cache in caches])\n"
        "p.releases_of('debian', 'bookworm')\n"
        "print(debian._read.cache_info().currsize)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split("\n")[:2] == ["[0, 0, 0, 0, 0]", "0"]


WORDS = st.text(max_size=30) | st.from_regex(r"[a-z0-9.:/=@_+-]{0,30}", fullmatch=True)


@given(WORDS, WORDS)
def test_any_text_has_an_answer(one: str, other: str) -> None:
    for release in releases_of(one, other):
        assert release.name
    for release in (BOOKWORM, ALPINE, NOBLE):
        runtime_packages(one, [release])
        provider(one, [release])
        needs_of(one, other, [release])
        needs_of("pypi", other, [release])
        installed_bytes([one, other], [release])


NAMES = sorted(debian.index(BOOKWORM) or ())


@given(st.lists(st.sampled_from(NAMES), max_size=4), st.lists(st.sampled_from(NAMES), max_size=4))
def test_closure_is_one(some: list[str], others: list[str]) -> None:
    index = debian.index(BOOKWORM)
    assert index is not None
    closure = index.closure(some) or frozenset()
    assert set(some) <= closure
    assert index.closure(closure) == closure
    assert closure | (index.closure(others) or frozenset()) == index.closure([*some, *others])
    leading = index.leading(some)
    assert (index.added(leading) or frozenset()) == (index.added(some) or frozenset())


@pytest.mark.parametrize("name", debian.TABLES)
def test_every_image_of_debian_has_the_time_zones(name: str) -> None:
    table = debian.index(Release("debian", name))
    row = table.package("tzdata") if table is not None else None
    assert row is not None
    assert row.is_minimal


@pytest.mark.parametrize(
    ("name", "tag", "has_them"),
    [
        ("golang", "1.24", True),
        ("rust", "1-trixie", True),
        ("python", "3.12", True),
        ("golang", "1.24-alpine", False),
        ("rust", "1-slim", False),
        ("debian", "bookworm", False),
        ("golang", "no-such-tag", False),
    ],
)
def test_full_images_of_debian_have_certificates(name: str, tag: str, has_them: bool) -> None:
    assert has_authorities(name, tag) == has_them
