"""The generator of the tables, on a small index in Debian's format."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from optimizer.knowledge.distribution.debian import Index
from tests.distribution import indexes, languages, programs, tags, wheels
from tests.distribution.tables import (
    Cut,
    Relations,
    kind_of,
    minimal_packages,
    recommends,
    table,
)

PACKAGES = """\
Package: libc6
Priority: required
Section: libs
Multi-Arch: same
Architecture: amd64
Installed-Size: 13000
Depends: libgcc-s1

Package: libgcc-s1
Priority: optional
Section: libs
Multi-Arch: same
Architecture: amd64
Installed-Size: 140

Package: mawk
Priority: required
Section: interpreters
Architecture: amd64
Provides: awk
Installed-Size: 250

Package: gawk
Section: interpreters
Architecture: amd64
Provides: awk
Installed-Size: 2900

Package: apt
Priority: important
Section: admin
Architecture: amd64
Depends: libc6 (>= 2.34), awk
Installed-Size: 4300

Package: zlib1g
Section: libs
Multi-Arch: same
Architecture: amd64
Installed-Size: 170

Package: zlib1g-dev
Source: zlib
Section: libdevel
Architecture: amd64
Provides: libz-dev
Depends: zlib1g (= 1:1.2.13), libc6-dev | libc-dev
Installed-Size: 1300

Package: libc6-dev
Section: libdevel
Architecture: amd64
Depends: libc6, libnsl-dev
Installed-Size: 12000

Package: libnsl-dev
Section: libdevel
Architecture: amd64
Depends: libnsl2
Installed-Size: 300

Package: libnsl2
Section: libs
Architecture: amd64
Installed-Size: 120

Package: libssl3
Source: openssl
Section: libs
Multi-Arch: same
Architecture: amd64
Depends: libc6
Installed-Size: 6000

Package: libssl-dev
Source: openssl
Section: libdevel
Architecture: amd64
Depends: libssl3 (= 3.0.11)
Installed-Size: 12000

Package: libpq5
Source: postgresql-15
Section: libs
Multi-Arch: same
Architecture: amd64
Depends: libssl3 (>= 3.0.0), libc6
Installed-Size: 860

Package: libpq-dev
Source: postgresql-15
Section: libdevel
Architecture: amd64
Depends: libpq5 (= 15), libssl-dev
Installed-Size: 590

Package: default-pq-dev
Source: pq-defaults
Section: libdevel
Architecture: all
Depends: libpq-dev
Installed-Size: 9

Package: libtiff6
Source: tiff
Section: libs
Architecture: amd64
Depends: zlib1g
Installed-Size: 700

Package: libtiffxx6
Source: tiff
Section: libs
Architecture: amd64
Depends: libtiff6
Installed-Size: 50

Package: libtiff-dev
Source: tiff
Section: libdevel
Architecture: amd64
Depends: libtiff6, libtiffxx6, zlib1g-dev
Installed-Size: 1000

Package: libgd3
Source: libgd2
Section: libs
Architecture: amd64
Depends: libtiff6
Installed-Size: 400

Package: libgd-dev
Source: libgd2
Section: libdevel
Architecture: amd64
Depends: libgd3, libtiff-dev
Installed-Size: 900

Package: libheaders-dev
Section: libdevel
Architecture: all
Installed-Size: 80

Package: libforgets-dev
Section: libdevel
Architecture: amd64
Installed-Size: 80

Package: curl
Section: web
Architecture: amd64
Depends: libssl3
Recommends: ca-certificates
Installed-Size: 500

Package: ca-certificates
Section: misc
Architecture: all
Installed-Size: 380
Description: certificates
 of authorities: many

Package: python3-psycopg2
Section: python
Architecture: amd64
Depends: python3, libpq5
Installed-Size: 700

Package: python3
Section: python
Architecture: amd64
Installed-Size: 80

Package: python3-flask
Section: python
Architecture: all
Depends: python3, python3-psycopg2, ca-certificates
Installed-Size: 500

Package: python3-git
Section: python
Architecture: all
Depends: python3, curl
Installed-Size: 500
"""

CONTENTS = """\
usr/lib/python3/dist-packages/Flask-2.2.2.egg-info/PKG-INFO     python/python3-flask
usr/lib/python3/dist-packages/Git_Python-3.1.dist-info/METADATA python/python3-git
usr/lib/python3/dist-packages/psycopg2-2.9.5.egg-info           python/python3-psycopg2
usr/lib/x86_64-linux-gnu/libforgets.so                          libdevel/libforgets-dev
usr/bin/curl                                                    web/curl
bin/mawk                                                        interpreters/mawk
usr/share/doc/curl/README                                       web/curl
"""


@pytest.fixture(scope="module")
def packages() -> Mapping[str, Mapping[str, str]]:
    return {each["Package"]: each for each in indexes.stanzas(iter(PACKAGES.splitlines()))}


@pytest.fixture(scope="module")
def index(packages: Mapping[str, Mapping[str, str]]) -> Index:
    cut = Cut(["curl"], ["python3"], frozenset({"libforgets-dev", "libpq-dev"}))
    return Index(table(packages, Relations(packages), cut))


def test_minimal_image_has_what_is_required_and_apt(index: Index) -> None:
    assert index.minimal == {"apt", "libc6", "libgcc-s1", "mawk"}


BEHIND = [
    ("its own library alone where that brings the others", "libpq-dev", ("libpq5",)),
    ("a name for others", "default-pq-dev", ("libpq5",)),
    ("a virtual name", "libz-dev", ("zlib1g",)),
    ("nothing behind libc6-dev", "zlib1g-dev", ("zlib1g",)),
    ("no library beside the one that is loaded", "libgd-dev", ("libgd3",)),
    ("all of its own source", "libtiff-dev", ("libtiffxx6",)),
    ("headers alone", "libheaders-dev", ()),
    ("a link name without its library", "libforgets-dev", None),
    ("no development package", "curl", None),
]


@pytest.mark.parametrize(
    ("name", "behind"), [row[1:] for row in BEHIND], ids=[r[0] for r in BEHIND]
)
def test_libraries_behind(index: Index, name: str, behind: tuple[str, ...] | None) -> None:
    assert index.libraries(name) == behind


def test_closure_and_size(index: Index) -> None:
    assert index.added(["curl"]) == frozenset({"curl", "libssl3"})
    recommended = index.added(["curl"], recommends=True)
    assert recommended == frozenset({"curl", "libssl3", "ca-certificates"})
    assert index.size(["curl", "libssl3"]) == 6500 * 1024
    assert index.added(["nosuch"]) is None


def test_recommends(packages: Mapping[str, Mapping[str, str]]) -> None:
    relations = Relations(packages)
    assert list(recommends(relations, ["libssl3", "curl", "nosuch"])) == ["curl ca-certificates"]


def test_kinds(packages: Mapping[str, Mapping[str, str]]) -> None:
    kinds = {name: kind_of(packages[name]) for name in ("zlib1g", "libssl3", "curl", "libpq-dev")}
    assert kinds == {"zlib1g": "l", "libssl3": "l", "curl": "p", "libpq-dev": "d"}


def test_libraries_of_languages(packages: Mapping[str, Mapping[str, str]]) -> None:
    relations = Relations(packages)
    releases = {"bookworm": (packages, relations, minimal_packages(relations))}
    lines = list(languages.table(languages.names(CONTENTS.splitlines()), releases))
    assert lines == [
        "pypi needs git-python *:curl",
        "pypi links psycopg2 *:libpq5",
        "pypi pure flask",
    ]


def test_programs() -> None:
    pairs = list(programs.programs(CONTENTS.splitlines()))
    assert list(programs.table(pairs, {"curl", "mawk"})) == ["curl curl", "mawk mawk"]


LIBRARY = """\
Maintainers: someone (@someone)

Tags: 3.12.4-bookworm, 3.12-bookworm
SharedTags: 3.12.4, 3.12
Architectures: amd64
Directory: 3.12/bookworm

Tags: 3.12.4-alpine3.20, 3.12-alpine
Directory: 3.12/alpine3.20

Tags: 8-jdk-alpine
Directory: 8/jdk/alpine/3.21

Tags: 3.12.4-windowsservercore-ltsc2022
SharedTags: 3.12.4, 3.12
Architectures: windows-amd64
Directory: 3.12/windows/windowsservercore-ltsc2022
"""


def test_tags_of_a_library_file() -> None:
    found = {tag: release and release.name for tag, release in tags.tags(LIBRARY).items()}
    assert found == {
        "3.12.4-bookworm": "bookworm",
        "3.12-bookworm": "bookworm",
        "3.12.4": "bookworm",
        "3.12": "bookworm",
        "3.12.4-alpine3.20": "3.20",
        "3.12-alpine": "3.20",
        "8-jdk-alpine": "3.21",
    }


LOCK = """\
version = 1

[[package]]
name = "own"
source = { editable = "." }

[[package]]
name = "flask"
source = { registry = "index" }
wheels = [{ url = "files/flask-3-py3-none-any.whl" }]

[[package]]
name = "numpy"
source = { registry = "index" }
wheels = [{ url = "files/numpy-2-cp312-cp312-manylinux_2_17_x86_64.whl" }]

[[package]]
name = "psycopg2"
source = { registry = "index" }
wheels = [{ url = "files/psycopg2-2.9-cp312-cp312-win_amd64.whl" }]
"""


ALPINE = """\
Tags: 20260127, edge
GitFetch: refs/heads/edge
amd64-Directory: x86_64/

Tags: 3.20.3, 3.20, 3, latest
GitFetch: refs/heads/v3.20
amd64-Directory: x86_64/
"""


def test_tags_of_alpine_itself() -> None:
    found = {tag: release and release.name for tag, release in tags.tags(ALPINE).items()}
    assert found["latest"] == found["3"] == "3.20"
    assert found["edge"] is None


def test_files_in_lockfiles() -> None:
    assert list(wheels.table([LOCK])) == ["pure flask", "wheel numpy", "sdist psycopg2"]
