"""What packages of Debian recommend."""

from __future__ import annotations

import pytest

from optimizer.knowledge.distribution import debian
from optimizer.knowledge.distribution.full import image_packages
from optimizer.knowledge.distribution.recommended import (
    ALWAYS_USED,
    ONLY_WITH,
    UNUSED,
    is_unused,
    recommended,
    source,
    with_recommended,
)
from optimizer.knowledge.released import Release

RELEASES = [Release("debian", name) for name in debian.TABLES]
BOOKWORM = Release("debian", "bookworm")


@pytest.fixture(params=RELEASES, ids=lambda release: release.name)
def release(request: pytest.FixtureRequest) -> Release:
    found: Release = request.param
    return found


def table(release: Release) -> debian.Index:
    found = debian.index(release)
    assert found is not None
    return found


KNOWN = [
    ("git", "ca-certificates"),
    ("wget", "ca-certificates"),
    ("python3-pip", "build-essential"),
    ("python3-pip", "python3-dev"),
    ("libcurl4-openssl-dev", None),
    ("make", None),
]


@pytest.mark.parametrize(("package", "other"), KNOWN)
def test_known_pairs(release: Release, package: str, other: str | None) -> None:
    found = recommended(package, release)
    assert other in found if other is not None else found == ()


def test_what_every_image_has_is_left_out(release: Release) -> None:
    minimal = table(release).minimal
    for name in table(release):
        assert not minimal.intersection(recommended(name, release)), name


def test_tables_agree_on_programs(release: Release) -> None:
    """What the table of packages says behind a program is recommended here too."""
    for name in ("git", "wget", "python3-pip", "gcc", "npm", "cron"):
        row = table(release).package(name)
        assert row is not None
        assert set(row.behind) <= set(recommended(name, release))


def test_install_brings_what_recommended_packages_need() -> None:
    index = table(BOOKWORM)
    alone = index.closure(["git"]) or frozenset()
    more = with_recommended(index, BOOKWORM, ["git"])
    assert {"ca-certificates", "openssh-client", "libfido2-1"} <= more - alone
    assert not more & index.minimal


def test_packages_that_are_there_bring_nothing() -> None:
    index = table(BOOKWORM)
    assert with_recommended(index, BOOKWORM, ["git"], {"git"}) == frozenset()
    assert "libfido2-1" not in with_recommended(index, BOOKWORM, ["git"], {"openssh-client"})


def test_no_package_is_of_two_kinds() -> None:
    assert not set(ALWAYS_USED) & {*UNUSED, *ONLY_WITH}
    assert not set(UNUSED) & set(ONLY_WITH)
    assert not any(map(is_unused, (*ALWAYS_USED, *ONLY_WITH)))


@pytest.mark.parametrize(
    ("package", "answer"),
    [
        ("manpages", True),
        ("manpages-dev", True),
        ("krb5-locales", True),
        ("nodejs-doc", True),
        ("git-man", False),
        ("docker.io", False),
        ("openssh-client", False),
    ],
)
def test_documents_are_unused(package: str, answer: bool) -> None:
    assert is_unused(package) == answer


IMAGES = [
    ("debian", "12", set(), {"curl"}),
    ("python", "3.12-bookworm", {"gcc", "git", "ca-certificates", "gnupg"}, {"jq"}),
    ("python", "3.12-slim-bookworm", {"ca-certificates"}, {"git"}),
    ("golang", "1.24-bookworm", {"git", "ca-certificates"}, {"libpq-dev"}),
]


@pytest.mark.parametrize(("name", "tag", "has", "lacks"), IMAGES)
def test_packages_of_images(name: str, tag: str, has: set[str], lacks: set[str]) -> None:
    found = image_packages(name, tag, BOOKWORM)
    assert found is not None
    assert has <= found
    assert not lacks & found


@pytest.mark.parametrize(
    ("name", "tag"),
    [("rust", "1.80-slim-bookworm"), ("nginx", "1.28-bookworm"), ("buildpack-deps", "curl")],
)
def test_packages_that_are_not_known(name: str, tag: str) -> None:
    assert image_packages(name, tag, BOOKWORM) is None


def test_source_says_which_day() -> None:
    assert all(name in source() for name in debian.TABLES)
    assert "UTC" in source()
