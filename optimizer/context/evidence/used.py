"""Which of the builds of a repository makes the image that a place uses."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Sequence
from typing import Final

from optimizer.context.evidence.build import UNKNOWN, Build, ImageUse, is_known, placed

_MOST_USES: Final = 1000
"""Places of one repository that are looked at."""
_MOST_SAME: Final = 50
"""Builds that give their image one name, and places that use one image."""

_NAME: Final = re.compile(r"(?:docker\.io/)?(?:library/)?(.*?)(?::([^/:]*))?(?:@.*)?", re.DOTALL)
_TELLING: Final = re.compile(r"\w")


class Used:
    """The builds, in the order in which they are read, and the places that use their images."""

    def __init__(self) -> None:
        self._builds: list[tuple[Build, str]] = []
        self._called: dict[str, list[int]] = {}
        self._uses: list[tuple[int, ImageUse]] = []

    def add_build(self, build: Build, dockerfile: str) -> None:
        """Adds a build of ``dockerfile``, a path relative to the root."""
        at = len(self._builds)
        self._builds.append((build, dockerfile))
        for key in {_key(name) for name in build.names} | _service_keys(build):
            same = self._called.setdefault(key, [])
            same.append(at)
            # The last ones count: those stand nearest to what comes.
            del same[:-_MOST_SAME]

    def add_use(self, use: ImageUse) -> None:
        """Adds a place that uses an image."""
        if len(self._uses) < _MOST_USES and _TELLING.search(use.image):
            self._uses.append((len(self._builds), use))

    def by_build(self) -> list[list[ImageUse]]:
        """Returns what uses the image of each build, in the order in which they were added."""
        found: list[list[ImageUse]] = [[] for _ in self._builds]
        for before, use in self._uses:
            for at in self._made_by(use, before):
                if len(found[at]) < _MOST_SAME:
                    found[at].append(use)
        return found

    def _made_by(self, use: ImageUse, before: int) -> Sequence[int]:
        """A file that builds an image under this name itself means the last such build above."""
        if use.is_service:
            return self._serving(use)
        called = self._called.get(_key(use.image), ())
        own = [
            at
            for at in called
            if self._builds[at][0].found_by.startswith(f"{use.path}:")
            and any(_agree(name, use.image, True) for name in self._builds[at][0].names)
        ]
        if own:
            return [max((at for at in own if at < before), default=own[0])]
        return [at for at in called if self._is_elsewhere(at, use)]

    def _serving(self, use: ImageUse) -> Sequence[int]:
        """A service of the folder in which the command is called, else of the only one that has
        such a service."""
        called = self._called.get(f"services.{use.image}", ())
        folders = {at: posixpath.dirname(self._builds[at][0].found_by) for at in called}
        here = [at for at, folder in folders.items() if folder == placed(use.folder, "")]
        return here or (called if len(set(folders.values())) == 1 else ())

    def _is_elsewhere(self, at: int, use: ImageUse) -> bool:
        build, dockerfile = self._builds[at]
        return dockerfile != use.path and any(_agree(n, use.image, False) for n in build.names)


def _service_keys(build: Build) -> set[str]:
    _, _, name = build.found_by.partition(":services.")
    return {f"services.{name.removesuffix('.build')}"} if name else set()


def _parts(name: str) -> tuple[str, str]:
    """Returns the repository of an image and its tag (distribution/reference, familiar names)."""
    match = _NAME.fullmatch(name)
    return (match[1], match[2] or "latest") if match else (name, "latest")


def _key(name: str) -> str:
    return _parts(name)[0]


def _agree(name: str, other: str, same_file: bool) -> bool:
    """Says whether two names mean one image. What is not known is taken for the same within a
    file, where as much of the name is known; tags that are not known may be."""
    (first, tag), (second, other_tag) = _parts(name), _parts(other)
    if first != second or (not same_file and not (is_known(first) and _TELLING.search(first))):
        return False
    return tag == other_tag or UNKNOWN in tag or UNKNOWN in other_tag
