"""Which package of an image owns a file: the databases of dpkg, apk and rpm, read from the image.

Older forms of rpm's database are seen, and what is in them is not read.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cached_property
from posixpath import basename
from typing import NamedTuple

from optimizer.verify.image import Image
from optimizer.verify.rootfs import Root

_LIST = re.compile(r"/var/lib/dpkg/info/(?P<name>[^/:]+)(:[^/]+)?\.list")
_SUMS = re.compile(r"/var/lib/dpkg/status\.d/(?P<name>[^/]+)\.md5sums")
_APK = ("/lib/apk/db/installed", "/usr/lib/apk/db/installed")


class Owner(NamedTuple):
    """Where a reference image has a file, and the package it came with; None for none."""

    path: str
    package: str | None


class Packages:
    """The installed packages of ``image`` and the libraries and tools that they own."""

    def __init__(self, image: Image) -> None:
        self._root = Root(image)

    def owner(self, path: str) -> Owner | None:
        """Returns who owns the file at an absolute path; None where the image has no such
        file. Links are followed one by one until a package owns one of them, which answers
        for alternatives (``/usr/bin/awk``)."""
        if self._root.entry(path) is None:
            return None
        place: str | None = self._root.place(path)
        seen: list[str] = []
        while place is not None and place not in seen:
            if place in self._owners:
                return Owner(path, self._owners[place])
            seen.append(place)
            place = self._next(place)
        return Owner(path, None)

    def owner_of_name(self, name: str) -> Owner | None:
        """Returns who owns a library or tool of that name, wherever it lies in the image;
        one that a package owns comes first."""
        found = [self.owner(path) for path in self._paths.get(name, ())]
        owners = [owner for owner in found if owner is not None]
        return next((owner for owner in owners if owner.package), next(iter(owners), None))

    @cached_property
    def unread(self) -> str | None:
        """Why packages are not known; None where they are, or where there are none."""
        for path, entry in self._root.files.items():
            if entry.facts is not None and "rpm" in entry.facts.unread:
                return f"{path} is {entry.facts.unread}, which dockopt does not read"
        return None

    def _next(self, place: str) -> str | None:
        entry = self._root.files.get(place)
        if entry is None or entry.kind != "link":
            return None
        folder = place.rpartition("/")[0]
        target = entry.target if entry.target.startswith("/") else f"{folder}/{entry.target}"
        return self._root.place(target)

    @cached_property
    def _paths(self) -> dict[str, list[str]]:
        found: dict[str, list[str]] = {}
        for path, entry in sorted(self._root.files.items()):
            if entry.kind in ("file", "link"):
                found.setdefault(basename(path), []).append(path)
        return found

    @cached_property
    def _owners(self) -> dict[str, str]:
        """Packages by path. Folders are resolved: a list may say /lib where /usr/lib is meant."""
        return {self._root.place(path): package for path, package in self._listed()}

    def _listed(self) -> Iterator[tuple[str, str]]:
        for path, entry in self._root.files.items():
            text = entry.facts.text if entry.facts is not None else None
            if text is None:
                continue
            match = _LIST.fullmatch(path) or _SUMS.fullmatch(path)
            lines = text.decode("utf-8", "surrogateescape").splitlines()
            if match is not None and path.endswith(".list"):
                yield from ((line, match["name"]) for line in lines)
            elif match is not None:
                yield from (("/" + line.partition("  ")[2], match["name"]) for line in lines)
            elif path in _APK or path.endswith("/rpmdb.sqlite"):
                yield from _apk(lines)


def _apk(lines: list[str]) -> Iterator[tuple[str, str]]:
    """Reads apk's database: P names a package, F a folder and R a file in it. What is kept of
    rpm's has the same form."""
    package = folder = ""
    for line in lines:
        key, _, value = line.partition(":")
        if key == "P":
            package = value
        elif key == "F":
            folder = value
        elif key == "R":
            yield f"/{folder}/{value}".replace("//", "/"), package
