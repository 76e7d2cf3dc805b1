"""Which release of a distribution an image is made of, as its tag says."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Final, Literal

from optimizer.knowledge.distribution import stored
from optimizer.knowledge.released import Release

# Source: Debian's releases, www.debian.org/releases; Ubuntu's, releases.ubuntu.com. Newest first.
DEBIAN: Final = {
    "sid": "", "forky": "14", "trixie": "13", "bookworm": "12", "bullseye": "11", "buster": "10",
    "stretch": "9", "jessie": "8", "wheezy": "7",
}  # fmt: skip
UBUNTU: Final = {
    "resolute": "26.04", "questing": "25.10", "plucky": "25.04", "oracular": "24.10",
    "noble": "24.04", "mantic": "23.10", "lunar": "23.04", "kinetic": "22.10", "jammy": "22.04",
    "impish": "21.10", "hirsute": "21.04", "groovy": "20.10", "focal": "20.04", "eoan": "19.10",
    "disco": "19.04", "cosmic": "18.10", "bionic": "18.04", "artful": "17.10", "xenial": "16.04",
    "trusty": "14.04", "precise": "12.04",
}  # fmt: skip
_CODENAMES: Final[Mapping[str, Literal["debian", "ubuntu"]]] = {
    **dict.fromkeys(UBUNTU, "ubuntu"),
    **dict.fromkeys(DEBIAN, "debian"),
}
_ORDER: Final = {name: place for place, name in enumerate((*DEBIAN, *UBUNTU))}
_SAYS_MORE: Final = frozenset(("sid", "noble", "precise", "resolute", "lunar", "oracular"))
"""Codenames that are words which a tag of any other project may hold for another reason."""

_DOTNET: Final = re.compile(r"mcr\.microsoft\.com/dotnet/(?:sdk|aspnet|runtime|runtime-deps)")
# Source: github.com/dotnet/dotnet-docker: README.aspnet.md, the tags without the name of a system;
# src/runtime-deps/6.0/bullseye-slim for what is listed no more.
_OF_DOTNET: Final = {
    "6.0": "bullseye", "8.0": "bookworm", "9.0": "bookworm", "10.0": "noble",
}  # fmt: skip
# Source: www.debian.org/releases: trixie became stable on 2025-08-09, bookworm oldstable.
_SUITES: Final = {
    "stable": ("trixie", "bookworm"),
    "oldstable": ("bookworm", "bullseye"),
    "oldoldstable": ("bullseye", "buster"),
    "testing": ("forky", "trixie"),
    "unstable": ("sid",),
}

_DISTRIBUTION_AND_VERSION: Final = re.compile(
    r"(debian|ubuntu|alpine)-?(\d+(?:\.\d+)*)(?=-|$)", re.ASCII
)


def releases_of(name: str, tag: str) -> tuple[Release, ...]:
    """Returns the releases that an image (familiar name, tag) may be made of, the newest first;
    none where that is not known.

    What a tag stands for changes: a floating one (``python:3.12``) may be any of the releases that
    it stood for within two years before the day of the table.
    """
    named = release_in(tag, strict=name not in _images())
    named = named or release_in(name.rpartition("/")[2], strict=True)
    if named is not None:
        return (named,)
    if _DOTNET.fullmatch(name):
        word = _OF_DOTNET.get(".".join(tag.split("-")[0].split(".")[:2]))
        return (parse(word),) if word and re.fullmatch(r"[0-9.]+", tag, re.ASCII) else ()
    if name == "debian" and tag.removesuffix("-slim") in _SUITES:
        return tuple(parse(word) for word in _SUITES[tag.removesuffix("-slim")])
    if name in ("debian", "ubuntu", "alpine"):
        numbered = _numbered(name, tag)
        if numbered is not None:
            return (numbered,)
    return _images().get(name, {}).get(tag, ())


def release_in(tag: str, *, strict: bool = False) -> Release | None:
    """Returns the release that a tag names (``3.12-slim-bookworm``, ``20-alpine3.20``,
    ``12.2-devel-ubuntu22.04``), None where it names none or two.

    ``strict`` leaves out codenames that are common words (``noble``).
    """
    found = set()
    for word in tag.split("-"):
        if word in _CODENAMES and not (strict and word in _SAYS_MORE):
            found.add(Release(_CODENAMES[word], word))
    for match in _DISTRIBUTION_AND_VERSION.finditer(tag):
        numbered = _numbered(match[1], match[2])
        if numbered is not None:
            found.add(numbered)
    return found.pop() if len(found) == 1 else None


def _numbered(distribution: str, tag: str) -> Release | None:
    """``12``, ``12.5-slim`` of debian, ``22.04`` of ubuntu, ``3.19.1`` of alpine."""
    number = re.match(r"\d+(?:\.\d+)*(?=-|$)", tag, re.ASCII)
    if number is None:
        return None
    parts = number[0].split(".")
    if distribution == "alpine":
        return Release("alpine", ".".join(parts[:2])) if len(parts) > 1 else None
    wanted = parts[0] if distribution == "debian" else ".".join(parts[:2])
    table = DEBIAN if distribution == "debian" else UBUNTU
    names = [name for name, version in table.items() if version == wanted]
    if not names:
        return None
    return Release("debian" if distribution == "debian" else "ubuntu", names[0])


def parse(word: str) -> Release:
    """Returns the release of a word in the table: a codename, or ``alpine3.20``."""
    if word.startswith("alpine"):
        return Release("alpine", word.removeprefix("alpine"))
    return Release(_CODENAMES[word], word)


def newest_first(releases: frozenset[Release]) -> tuple[Release, ...]:
    """Sorts releases of any distributions."""

    def key(release: Release) -> tuple[int, ...]:
        if release.distribution == "alpine":
            return tuple(-int(part) for part in release.name.split("."))
        return (_ORDER[release.name],)

    return tuple(sorted(releases, key=lambda release: (release.distribution, key(release))))


@lru_cache(maxsize=1)
def _images() -> Mapping[str, Mapping[str, tuple[Release, ...]]]:
    images: dict[str, dict[str, tuple[Release, ...]]] = {}
    for line in stored.lines("tags"):
        name, words, tags = line.split(" ", 2)
        releases = tuple(parse(word) for word in words.split(","))
        images.setdefault(name, {}).update(dict.fromkeys(tags.split(), releases))
    return images
