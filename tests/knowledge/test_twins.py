"""The twins of base images: the tags that are known to have one, and silence on the others."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from optimizer.knowledge.twins import DISTROLESS, twins

SLIM = [
    ("python", "latest", "slim"),
    ("python", "3.12", "3.12-slim"),
    ("python", "3.12-bookworm", "3.12-slim-bookworm"),
    ("python", "bookworm", "slim-bookworm"),
    ("python", "2.7.18-buster", "2.7.18-slim-buster"),
    ("pypy", "3.10-bookworm", "3.10-slim-bookworm"),
    ("node", "latest", "slim"),
    ("node", "20", "20-slim"),
    ("node", "20-bullseye", "20-bullseye-slim"),
    ("node", "lts-bookworm", "lts-bookworm-slim"),
    ("node", "10", "10-slim"),
    ("ruby", "3.3.1-bookworm", "3.3.1-slim-bookworm"),
    ("perl", "5.40", "5.40-slim"),
    ("debian", "bookworm", "bookworm-slim"),
    ("debian", "12.5", "12.5-slim"),
    ("debian", "bookworm-20240211", "bookworm-20240211-slim"),
    ("oven/bun", "1.1.20", "1.1.20-slim"),
    ("eclipse-temurin", "17", "17-jre"),
    ("eclipse-temurin", "21.0.4_7-jdk-jammy", "21.0.4_7-jre-jammy"),
    ("eclipse-temurin", "21-jdk-alpine-3.20", "21-jre-alpine-3.20"),
    ("openjdk", "8-jdk", "8-jre"),
    ("openjdk", "11-jdk-slim-buster", "11-jre-slim-buster"),
    ("openjdk", "17-jdk-bullseye", "17-jdk-slim-bullseye"),
    ("amazoncorretto", "21-al2023", "21-al2023-headful"),
]


@pytest.mark.parametrize(("name", "tag", "twin"), SLIM)
def test_twin_of_the_same_name(name: str, tag: str, twin: str) -> None:
    assert [(each.name, each.tag) for each in twins(name, tag)] == [(name, twin)]


OTHERS = [
    ("golang", "1.22-bookworm", ["debian:bookworm-slim", f"{DISTROLESS}:latest"]),
    ("golang", "1.22-alpine3.20", ["alpine:3.20"]),
    ("rust", "1.80-bullseye", ["debian:bullseye-slim", f"{DISTROLESS}:latest"]),
    ("gcc", "13-bookworm", ["debian:bookworm-slim", f"{DISTROLESS}:latest"]),
    ("gcc", "12", ["debian:bookworm-slim", f"{DISTROLESS}:latest"]),
    ("maven", "3.9-eclipse-temurin-21-noble", ["eclipse-temurin:21-jre-noble"]),
    ("maven", "3.8-openjdk-11-slim", ["openjdk:11-jre-slim"]),
    ("gradle", "8.5-jdk17-jammy", ["eclipse-temurin:17-jre-jammy"]),
    (
        "mcr.microsoft.com/dotnet/sdk",
        "8.0-bookworm-slim",
        [
            "mcr.microsoft.com/dotnet/aspnet:8.0-bookworm-slim",
            "mcr.microsoft.com/dotnet/runtime:8.0-bookworm-slim",
        ],
    ),
]


@pytest.mark.parametrize(("name", "tag", "wanted"), OTHERS)
def test_twins_of_another_name(name: str, tag: str, wanted: list[str]) -> None:
    assert [f"{each.name}:{each.tag}" for each in twins(name, tag)] == wanted


SILENT = [
    ("slim already", "python", "3.12-slim"),
    ("musl has no slim", "node", "20-alpine"),
    ("musl has no slim", "python", "3.12-alpine3.20"),
    ("Windows", "python", "3.12-windowsservercore"),
    ("older than its slim twin", "python", "3.6.2-stretch"),
    ("a codename that older ones have no twin for", "node", "10-stretch"),
    ("onbuild", "node", "8-onbuild"),
    ("php has no slim", "php", "8.3-fpm"),
    ("no runtime of that release", "eclipse-temurin", "17_35-jdk"),
    ("its default is another distribution", "openjdk", "17"),
    ("which distribution is not known", "amazoncorretto", "17"),
    ("latest has no slim", "debian", "latest"),
    ("Ubuntu has no slim", "ubuntu", "22.04"),
    (
        "the version of the SDK is not that of the runtime",
        "mcr.microsoft.com/dotnet/sdk",
        "8.0.404",
    ),
    ("Alpine's runtime knows no cultures", "mcr.microsoft.com/dotnet/sdk", "8.0-alpine"),
    ("another vendor's", "maven", "3.9-ibm-semeru-17-noble"),
    ("older Gradle is of another vendor", "gradle", "6.9-jdk11"),
    ("somebody's own image", "bitnami/python", "3.12"),
    ("no tag", "python", ""),
]


@pytest.mark.parametrize(("name", "tag"), [row[1:] for row in SILENT], ids=[r[0] for r in SILENT])
def test_silent(name: str, tag: str) -> None:
    assert twins(name, tag) == ()


def test_what_is_lacking() -> None:
    (twin,) = twins("python", "3.12-bookworm")
    assert {"libpq5", "libmariadb3", "git", "curl"} <= twin.lacks
    assert "ca-certificates" not in twin.lacks
    assert twin.lacks_program("git")
    assert twin.lacks_program("x86_64-linux-gnu-gcc-12")
    assert not twin.lacks_program("python3")
    assert not twin.lacks_program("gunicorn")
    assert not twin.lacks_program("useradd")


def test_node_lacks_certificates_and_python() -> None:
    (twin,) = twins("node", "20-bookworm")
    assert "ca-certificates" in twin.lacks
    assert twin.lacks_program("python3")
    assert not twin.lacks_program("npm")


def test_release_of_a_floating_tag_is_said_to_be_likely_only() -> None:
    newest, _ = twins("golang", "1.24")
    assert not newest.is_release_known
    assert newest.tag == "trixie-slim"


def test_aspnet_is_told_to_listen_as_before() -> None:
    assert [each.variables for each in twins("mcr.microsoft.com/dotnet/sdk", "8.0")] == [
        {"ASPNETCORE_HTTP_PORTS": ""}
    ] * 2
    assert twins("mcr.microsoft.com/dotnet/sdk", "6.0")[0].variables == {"ASPNETCORE_URLS": ""}


_NAMES = st.sampled_from(
    ("python", "node", "ruby", "perl", "golang", "rust", "debian", "maven", "gradle", "openjdk",
     "eclipse-temurin", "mcr.microsoft.com/dotnet/sdk", "oven/bun", "gcc", "amazoncorretto")
)  # fmt: skip
_WORDS = st.sampled_from(
    ("3", "3.12", "20", "8", "11", "17", "1.22", "12", "slim", "alpine", "alpine3.20", "jdk",
     "jdk17", "bookworm", "trixie", "buster", "noble", "eclipse-temurin", "latest", "lts", "al2023",
     "8.0", "rc", "onbuild", "windowsservercore", "-", "")
)  # fmt: skip


@given(name=_NAMES, words=st.lists(_WORDS, max_size=5))
def test_never_from_glibc_to_musl_and_never_a_twin_of_a_twin(name: str, words: list[str]) -> None:
    tag = "-".join(words)
    for twin in twins(name, tag):
        was_musl = "alpine" in tag
        assert ("alpine" in twin.tag or twin.name == "alpine") == was_musl
        assert twins(twin.name, twin.tag) == ()
