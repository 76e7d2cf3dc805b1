"""Slim and runtime-only twins of base images, and what the full ones have and they lack.

A tag is answered for only where its twin is known to exist. The rules below were held to the whole
history of docker-library/official-images (``library/NAME``, at 37079fb336 of 2026-08-21): each tag
that ever stood there and that a rule admits has the twin that the rule names.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Final, Literal, TypeAlias

from optimizer.knowledge import full_programs as programs_of
from optimizer.knowledge.distribution.full import full_packages
from optimizer.knowledge.distribution.packages import releases_of
from optimizer.knowledge.released import Release

Starts: TypeAlias = Literal["all", "java", "dotnet", "machine code", "libc", "static"]
"""What a twin can start of all that the full image can: all of it but the programs it lacks, Java
programs, .NET programs, programs of machine code, those of them that need no shared library but the
C library, or those that need none."""


@dataclass(frozen=True, slots=True)
class Twin:
    """A smaller image of the same release and family that runs the same programs.

    ``name`` and ``tag`` are its familiar name and tag. ``lacks`` are packages of the distribution
    that the full image has and it has not, as far as a running program may need them (libraries,
    ``ca-certificates``, ``curl``); ``programs`` are the names of the programs among what it lacks.
    ``has_shell`` says whether there is a ``/bin/sh`` at all. ``brings`` are packages that programs
    of the full image may look things up in, so a container needs them whatever it runs.
    ``variables`` are those that the twin sets and the full image sets to something else, which is
    given. ``is_release_known`` is False where the twin's release is only the likeliest one.
    """

    name: str
    tag: str
    lacks: frozenset[str] = frozenset()
    programs: frozenset[str] = frozenset()
    starts: Starts = "all"
    has_shell: bool = True
    brings: tuple[str, ...] = ()
    variables: Mapping[str, str] = field(default_factory=dict)
    is_release_known: bool = True
    accounts: frozenset[str] = frozenset()
    """Names of users and groups that the full image has and the twin has not."""
    are_lacks_known: bool = True
    """False where there is no index of the release, so that more packages may be lacking."""

    def lacks_program(self, program: str) -> bool:
        """Tells whether the full image has ``program``, a plain name, and the twin has not."""
        return program in self.programs or programs_of.plain(program) in self.programs


_DEBIAN = "stretch|buster|bullseye|bookworm|trixie"
_UBUNTU = "focal|jammy|noble|resolute"
_NUMBER = r"\d+(?:\.\d+){0,2}"

_Number: TypeAlias = tuple[int, ...]


@dataclass(frozen=True, slots=True)
class _Rule:
    """Tags of one image that have a twin.

    ``tags`` matches them; its groups ``v`` (version) and ``c`` (codename, or what stands for it)
    fill ``twin``, whose parts are joined by dashes, those that are empty left out. ``oldest`` is
    the first version with a twin, by its first number where they differ.
    """

    name: str
    source: str
    tags: re.Pattern[str]
    twin: tuple[str, ...]
    to: str | None = None
    oldest: Mapping[int, _Number] = field(default_factory=dict)
    starts: Starts = "all"
    programs: frozenset[str] = frozenset()
    own: re.Pattern[str] | frozenset[str] = frozenset()
    """Programs of the full image that the twin has too, as the language's own."""
    is_buildpack: bool = False
    """The full image is made of ``buildpack-deps`` and the twin of a slim Debian."""
    brought: frozenset[str] = frozenset()
    """Packages of the full image that the twin's own Dockerfile installs."""


_LIBRARY: Final = "https://github.com/docker-library"
_CERTIFICATES = frozenset(("ca-certificates",))

_RULES: Final = (
    _Rule(
        "python", f"{_LIBRARY}/python: Dockerfile-linux.template",
        re.compile(rf"(?:latest|(?P<v>{_NUMBER}))?-?(?P<c>{_DEBIAN})?"), ("v", "-slim", "c"),
        oldest={2: (2, 7, 14), 3: (3, 6, 3)}, is_buildpack=True, own=programs_of.PYTHON,
        brought=frozenset(("ca-certificates", "netbase", "tzdata")),
    ),
    _Rule(
        "pypy", f"{_LIBRARY}/pypy: Dockerfile-linux.template",
        re.compile(rf"(?:latest|(?P<v>\d(?:\.\d+)?))?-?(?P<c>{_DEBIAN})?"), ("v", "-slim", "c"),
        oldest={3: (3, 6)}, is_buildpack=True, own=programs_of.PYTHON, brought=_CERTIFICATES,
    ),
    _Rule(
        "node", "https://github.com/nodejs/docker-node: Dockerfile-slim.template",
        re.compile(
            rf"(?:latest|(?P<v>{_NUMBER}|lts|current|erbium|fermium|gallium|hydrogen|iron|jod"
            rf"|krypton))?-?(?P<c>{_DEBIAN})?"
        ),
        ("v", "c", "-slim"), oldest=dict.fromkeys(range(12), (12,)), is_buildpack=True,
    ),
    _Rule(
        "ruby", f"{_LIBRARY}/ruby: Dockerfile.template",
        re.compile(rf"(?:latest|(?P<v>{_NUMBER}))?-?(?P<c>{_DEBIAN})?"), ("v", "-slim", "c"),
        oldest={2: (2, 4)}, is_buildpack=True, brought=_CERTIFICATES,
    ),
    _Rule(
        "perl", "https://github.com/Perl/docker-perl: generate.pl",
        re.compile(rf"(?:latest|(?P<v>{_NUMBER}))?-?(?P<c>{_DEBIAN})?"), ("v", "-slim", "c"),
        oldest={5: (5, 30)}, is_buildpack=True, own=programs_of.PERL,
    ),
    _Rule(
        "debian", "https://github.com/debuerreotype/docker-debian-artifacts: Dockerfile of slim",
        re.compile(
            rf"(?P<v>{_DEBIAN}|forky|sid|stable|oldstable|testing|unstable"
            r"|(?:9\.[3-9]|9\.1\d|9|1\d(?:\.\d+)?)|(?:bullseye|bookworm|trixie|forky)-\d{8})()"
        ),
        ("v", "-slim"),
    ),
    _Rule(
        "oven/bun", "https://github.com/oven-sh/bun: dockerhub/debian, dockerhub/debian-slim",
        re.compile(rf"(?:latest|debian|(?P<v>{_NUMBER})(?:-debian)?)()"), ("v", "-slim"),
        oldest={0: (1,)},
    ),
    _Rule(
        "eclipse-temurin", "https://github.com/adoptium/containers: docker_templates",
        re.compile(
            r"(?!17_35)(?P<v>8u\d+-b\d+(?:\.\d+)?|(?:8|11|17|19|2\d)(?:\.\d+)*(?:_\d+(?:\.\d+)*)?)(?:-jdk)?"
            rf"(?:-(?P<c>{_UBUNTU}|alpine(?:-3\.\d+)?|ubi\d+-minimal))?"
        ),
        ("v", "-jre", "c"), starts="java", programs=programs_of.JDK,
        oldest={17: (17, 0), 19: (19,)},
    ),
    _Rule(
        "openjdk", f"{_LIBRARY}/openjdk: Dockerfile-linux.template",
        re.compile(r"(?P<v>(?:8|11)(?:u\d+|(?:\.\d+)+)?)(?:-jdk)?(?:-(?P<c>slim|stretch))?"),
        ("v", "-jre", "c"), starts="java", programs=programs_of.JDK | programs_of.SCM,
    ),
    _Rule(
        "openjdk", f"{_LIBRARY}/openjdk: Dockerfile-linux.template",
        re.compile(
            r"(?P<v>(?:8|11)(?:u\d+|(?:\.\d+)+)?)(?:-jdk)?-(?P<c>(?:slim-)?(?:buster|bullseye))"
        ),
        ("v", "-jre", "c"), starts="java", programs=programs_of.JDK | programs_of.SCM,
        oldest={11: (11, 0, 4)},
    ),
    _Rule(
        "openjdk", f"{_LIBRARY}/openjdk: Dockerfile-linux.template",
        re.compile(rf"(?P<v>(?:1[2-9]|2\d)(?:\.\d+)*(?:-jdk)?)-(?P<c>{_DEBIAN})"),
        ("v", "-slim", "c"), programs=programs_of.SCM,
    ),
    _Rule(
        "amazoncorretto", "https://github.com/corretto/corretto-docker: 17/headful/al2023",
        re.compile(r"(?P<v>11|17|2[1-6])-(?P<c>al2023)(?:-jdk)?"), ("v", "c", "-headful"),
        starts="java", programs=programs_of.JDK,
    ),
    _Rule(
        "mcr.microsoft.com/dotnet/sdk", "https://github.com/dotnet/dotnet-docker: src/aspnet",
        re.compile(
            rf"(?P<v>(?:[5-9]|1\d)\.0)(?:-(?P<c>(?:{_DEBIAN})-slim|{_UBUNTU}))?"
        ),
        ("v", "c"), to="mcr.microsoft.com/dotnet/aspnet", starts="dotnet",
        programs=programs_of.DOTNET_SDK,
    ),
)  # fmt: skip


def twins(name: str, tag: str) -> tuple[Twin, ...]:
    """Returns the twins of an image (familiar name, tag), the smallest last; none where there is
    none, or where the tag is not one that is known to have one."""
    found = next((twin for rule in _RULES if (twin := _by_rule(rule, name, tag))), None)
    if found is not None:
        return (*_with_plain_runtime(found),)
    builds = _BUILDS.get(name)
    return (*builds(tag),) if builds is not None else ()


def _by_rule(rule: _Rule, name: str, tag: str) -> Twin | None:
    match = rule.tags.fullmatch(tag) if rule.name == name else None
    if match is None or not tag or not _is_there(rule, match):
        return None
    groups = match.groupdict()
    parts = (part[1:] if part.startswith("-") else groups.get(part) for part in rule.twin)
    lacks = _lacks(name, tag) - rule.brought if rule.is_buildpack else frozenset()
    programs = rule.programs
    if rule.is_buildpack:
        programs = _without(programs_of.BUILDPACK, rule.own) | _accounts(releases_of(name, tag))
    return Twin(
        name=rule.to or rule.name,
        tag="-".join(part for part in parts if part),
        lacks=lacks,
        are_lacks_known=not rule.is_buildpack or _is_indexed(name, tag),
        programs=programs,
        starts=rule.starts,
        variables=_listens(groups.get("v") or "") if rule.starts == "dotnet" else {},
    )


def _is_there(rule: _Rule, match: re.Match[str]) -> bool:
    version = match.groupdict().get("v") or ""
    number = re.match(r"\d+(?:\.\d+)*", version)
    if number is None:
        return True
    parts = tuple(int(part[:9]) for part in number[0].split("."))
    if rule.name == "node" and parts[0] < 12:
        return match["c"] is None and parts[0] >= 4
    oldest = rule.oldest.get(parts[0], ())
    return parts >= oldest[: len(parts)]


def _without(names: Iterable[str], own: re.Pattern[str] | frozenset[str]) -> frozenset[str]:
    if isinstance(own, frozenset):
        return frozenset(names) - own
    return frozenset(name for name in names if not own.fullmatch(name))


def _lacks(name: str, tag: str) -> frozenset[str]:
    """The packages of ``buildpack-deps`` in whichever release the tag stands for."""
    packages: set[str] = {"ca-certificates"}
    for release in releases_of(name, tag):
        packages.update(full_packages(release))
    return frozenset(packages)


_WITH_ADDUSER: Final = frozenset(("stretch", "buster", "bullseye", "bookworm"))


def _accounts(releases: Iterable[Release]) -> frozenset[str]:
    """The programs of adduser, unless the minimal image of each release has them."""
    names = {release.name for release in releases}
    return frozenset() if names and names <= _WITH_ADDUSER else programs_of.ACCOUNTS


def _is_indexed(name: str, tag: str) -> bool:
    releases = releases_of(name, tag)
    return bool(releases) and all(full_packages(release) for release in releases)


def _listens(version: str) -> dict[str, str]:
    """The image of the SDK takes back what makes web servers listen on all addresses
    (dotnet/dotnet-docker, src/sdk/*/Dockerfile: "Unset ... from aspnet base image")."""
    return {"ASPNETCORE_HTTP_PORTS" if int(version.split(".")[0]) > 7 else "ASPNETCORE_URLS": ""}


def _with_plain_runtime(twin: Twin) -> Iterator[Twin]:
    """Yields a twin, and behind that for web servers of .NET the one without their framework."""
    yield twin
    if twin.name == "mcr.microsoft.com/dotnet/aspnet":
        yield replace(twin, name="mcr.microsoft.com/dotnet/runtime")


# What builds programs: their images leave nothing behind that the programs need.


@dataclass(frozen=True, slots=True)
class _Toolchain:
    """An image that compiles. ``starts`` says which of its programs find all they need in a plain
    image of the distribution."""

    name: str
    source: str
    tags: re.Pattern[str]
    programs: frozenset[str]
    starts: Starts
    brings: Mapping[str, tuple[str, ...]]


_LIKE_GO: Final = re.compile(rf"(?:latest|{_NUMBER})?-?(?P<c>{_DEBIAN}|alpine(?P<a>3\.\d+)?)?")
_TOOLCHAINS: Final = (
    # Without GOROOT there is no zoneinfo.zip either (golang/go, src/time/zoneinfo_goroot.go).
    _Toolchain(
        "golang", f"{_LIBRARY}/golang: Dockerfile-linux.template", _LIKE_GO,
        programs_of.GO, "machine code",
        {"debian": ("ca-certificates",), "alpine": ("tzdata",)},
    ),
    _Toolchain(
        "rust", "https://github.com/rust-lang/docker-rust: Dockerfile-debian.template", _LIKE_GO,
        programs_of.RUST, "machine code", {"debian": ("ca-certificates",)},
    ),
    # Programs of a compiler that is newer than the distribution's want its libstdc++ too.
    _Toolchain(
        "gcc", f"{_LIBRARY}/gcc: Dockerfile.template",
        re.compile(rf"(?:latest|{_NUMBER})?-?(?P<c>{_DEBIAN})?(?P<a>$)?"),
        frozenset(), "libc", {"debian": ("ca-certificates",)},
    ),
)  # fmt: skip


def _toolchain(row: _Toolchain, tag: str) -> Iterator[Twin]:
    match = row.tags.fullmatch(tag)
    if match is None or not tag:
        return
    releases = _releases(row.name, tag, match)
    if not releases:
        return
    family = releases[0].distribution
    programs = row.programs
    if family == "debian":
        programs |= programs_of.BUILDPACK | _accounts(releases)
    plain = Twin(
        name=family,
        tag=f"{releases[0].name}-slim" if family == "debian" else releases[0].name,
        lacks=_lacks(row.name, tag) if family == "debian" else frozenset(),
        are_lacks_known=family != "debian" or _is_indexed(row.name, tag),
        programs=programs,
        starts=row.starts,
        brings=row.brings.get(family, ()),
        is_release_known=len(releases) == 1,
    )
    yield plain
    if family == "debian":
        yield replace(plain, name=DISTROLESS, tag="latest", starts="static", has_shell=False,
                      brings=(), accounts=_OF_DEBIAN)  # fmt: skip


_OF_DEBIAN: Final = frozenset(
    ("daemon", "bin", "sys", "sync", "games", "man", "lp", "mail", "news", "uucp", "proxy",
     "www-data", "backup", "list", "irc", "_apt", "nogroup", "users", "staff", "adm")
)  # fmt: skip
"""Accounts of any Debian (base-passwd: passwd.master, group.master) that distroless images have
not."""

DISTROLESS: Final = "gcr.io/distroless/static-debian12"
"""No shell and no C library; certificates, time zones, and the users root, nobody and nonroot
(GoogleContainerTools/distroless, base/README.md)."""


def _releases(name: str, tag: str, match: re.Match[str]) -> tuple[Release, ...]:
    named = match["c"]
    if match["a"]:
        return (Release("alpine", match["a"]),)
    if named and named != "alpine":
        return (Release("debian", named),)
    wanted = "alpine" if named else "debian"
    return tuple(each for each in releases_of(name, tag) if each.distribution == wanted)


# Images that build Java projects on a JDK of somebody else's.

_MAVEN: Final = re.compile(
    r"\d[\d.]*-eclipse-temurin-(?P<v>8|11|17|19|2\d)"
    rf"(?:-(?P<c>{_UBUNTU}|alpine))?"
)
_MAVEN_OPENJDK: Final = re.compile(r"\d[\d.]*-(?:jdk|openjdk)-(?P<v>8|11)(?:-(?P<c>slim))?")
_GRADLE: Final = re.compile(
    rf"(?:(?P<g>\d[\d.]*)-)?jdk(?P<v>8|11|17|19|2[0-24-9])(?:-(?P<c>{_UBUNTU}|alpine))?"
)


def _maven(tag: str) -> Iterator[Twin]:
    """carlossg/docker-maven: eclipse-temurin-17/Dockerfile, openjdk-11/Dockerfile."""
    match = _MAVEN.fullmatch(tag)
    if match is not None:
        yield _jre("eclipse-temurin", "maven", tag, match)
    elif (match := _MAVEN_OPENJDK.fullmatch(tag)) is not None:
        yield _jre("openjdk", "maven", tag, match)


def _gradle(tag: str) -> Iterator[Twin]:
    """keeganwitt/docker-gradle: jdk17/Dockerfile; on Eclipse Temurin since 7.3."""
    match = _GRADLE.fullmatch(tag)
    if match is None:
        return
    number = tuple(int(part[:9]) for part in (match["g"] or "").split(".") if part)
    if not number or number >= (7, 3)[: len(number)]:
        yield _jre("eclipse-temurin", "gradle", tag, match)


def _jre(name: str, of: str, tag: str, match: re.Match[str]) -> Twin:
    """The codename is said where it is known: another image's default may be another release."""
    codename, is_known = match["c"], True
    if codename is None and name == "eclipse-temurin":
        releases = [each for each in releases_of(of, tag) if each.distribution == "ubuntu"]
        codename = releases[0].name if releases else None
        is_known = len(releases) == 1
    return Twin(
        name=name,
        tag="-".join(part for part in (match["v"], "jre", codename) if part),
        programs=programs_of.JDK | programs_of.JAVA_BUILDS | programs_of.SCM,
        starts="java",
        # keeganwitt/docker-gradle: `useradd --gid gradle --uid 1000 ... gradle`.
        accounts=frozenset(("gradle",)) if of == "gradle" else frozenset(),
        is_release_known=is_known,
    )


_BUILDS: Final[Mapping[str, Callable[[str], Iterator[Twin]]]] = {
    **{row.name: partial(_toolchain, row) for row in _TOOLCHAINS},
    "maven": _maven,
    "gradle": _gradle,
}
