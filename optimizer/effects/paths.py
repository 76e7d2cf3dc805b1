"""Sets of paths in the file system of a stage."""

from __future__ import annotations

import posixpath
from collections.abc import Iterable, Set
from dataclasses import dataclass
from functools import cached_property, lru_cache

from optimizer.effects.copies import CopyStep, is_below

_MERGED = ("/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32")
"""Directories that are links to those of the same name below /usr in most images
(https://wiki.debian.org/UsrMerge). Where they are not, both names only mean more paths."""

DEEPEST = 64
"""Names in a path, at most, that are told apart; a longer path stands for its directory."""

_ORDINARY = 256
"""Characters of a path, at most, for which answers are kept."""

_RUN = ("/var/run", "/run")
"""FHS 3.0, 5.13: /var/run is a link to /run."""


@dataclass(frozen=True)
class Paths:
    """A set of absolute image paths.

    ``prefixes`` stand for themselves and for everything below them; ``copies`` for exactly
    the files that these steps put into the image, listed only when somebody asks.
    ``opaque`` says why it could be any path; None where the set is known.
    """

    prefixes: tuple[str, ...] = ()
    copies: tuple[CopyStep, ...] = ()
    opaque: str | None = None

    def __bool__(self) -> bool:
        """Tells whether there may be anything in the set."""
        return bool(self.prefixes or self.copies or self.opaque is not None)

    @cached_property
    def roots(self) -> frozenset[str]:
        """The prefixes in the spelling that compares equal."""
        return frozenset(map(canonical, self.prefixes))

    @cached_property
    def above(self) -> frozenset[str]:
        """The roots and all directories that they lie in."""
        return frozenset(path for root in self.roots for path in ancestors(root))

    def meets(self, other: Paths, but: Set[str] = frozenset()) -> str | None:
        """Returns a path that may be in both sets, ``/`` where either could be any path;
        None where they have nothing in common.

        ``but`` are prefixes that do not count. A file that two copies bring from the same
        place of the context is the same in either order, so it does not count either.
        """
        if not self or not other:
            return None
        if self.opaque is not None or other.opaque is not None:
            return "/"
        return (
            _shared_prefix(self, other, but)
            or _copied_prefix(self.prefixes, other.copies, but)
            or _copied_prefix(other.prefixes, self.copies, but)
            or _replaced_file(self.copies, other.copies)
        )

    def covers(self, path: str) -> bool:
        """Tells whether ``path`` is in the set."""
        if self.opaque is not None:
            return True
        return not self.roots.isdisjoint(ancestors(canonical(path))) or any(
            copy.find(path) is not None for copy in self.copies
        )

    def with_prefixes(self, more: Iterable[str]) -> Paths:
        """Returns the set with ``more`` prefixes in it."""
        return Paths(tuple(dict.fromkeys((*self.prefixes, *more))), self.copies, self.opaque)


def union(parts: Iterable[Paths]) -> Paths:
    """Returns the set of everything that is in one of ``parts``."""
    prefixes: dict[str, None] = {}
    copies: list[CopyStep] = []
    for part in parts:
        if part.opaque is not None:
            return part
        prefixes.update(dict.fromkeys(part.prefixes))
        copies += part.copies
    return Paths(tuple(prefixes), tuple(copies))


def canonical(path: str) -> str:
    """Returns ``path`` below /usr where its top directory is a link to there, and /run for
    /var/run, so that two names of one file compare equal. Of a path that is deeper than
    `DEEPEST` the directory at that depth, which stands for all below it, is returned."""
    return _canonical(path) if len(path) <= _ORDINARY else _canonical.__wrapped__(path)


def ancestors(path: str) -> tuple[str, ...]:
    """Returns ``path``, absolute, and the directories that it lies in, down to ``/``."""
    return _ancestors(path) if len(path) <= _ORDINARY else _ancestors.__wrapped__(path)


@lru_cache(4096)
def _canonical(path: str) -> str:
    if path.startswith("//"):
        # POSIX lets two slashes mean something of their own; Linux does not (path_resolution(7)).
        path = "/" + path.lstrip("/")
    if path.startswith(_RUN[0]) and is_below(path, _RUN[0]):
        path = _RUN[1] + path[len(_RUN[0]) :]
    elif path.count("/") > DEEPEST:
        path = "/".join(path.split("/", DEEPEST + 1)[:-1])
    top = path[: path.find("/", 1)] if "/" in path[1:] else path
    return f"/usr{path}" if top in _MERGED else path


@lru_cache(4096)
def _ancestors(path: str) -> tuple[str, ...]:
    found = [path]
    while (above := posixpath.dirname(path)) != path:
        path = above
        found.append(path)
    return tuple(found)


def _aliases(prefix: str) -> tuple[str, ...]:
    """Returns every spelling of ``prefix`` that `canonical` makes equal."""
    real = canonical(prefix)
    shorter = real.removeprefix("/usr")
    if shorter != real and canonical(shorter) == real:
        return real, shorter
    return (real, _RUN[0] + real[len(_RUN[1]) :]) if is_below(real, _RUN[1]) else (real,)


def _shared_prefix(one: Paths, other: Paths, but: Set[str]) -> str | None:
    if one.roots.isdisjoint(other.above) and one.above.isdisjoint(other.roots):
        return None
    for mine, its in ((one, other), (other, one)):
        for path in mine.prefixes:
            if path not in but and not its.roots.isdisjoint(ancestors(canonical(path))):
                return path
    return None


def _copied_prefix(
    prefixes: Iterable[str], copies: Iterable[CopyStep], but: Set[str]
) -> str | None:
    for copy in copies:
        for prefix in prefixes:
            if prefix not in but and any(map(copy.writes_below, _aliases(prefix))):
                return prefix
    return None


def _replaced_file(ours: Iterable[CopyStep], theirs: Iterable[CopyStep]) -> str | None:
    """Returns a path at which two copies put different files, or the same one differently."""
    for mine in ours:
        for its in theirs:
            if not _may_touch(mine, its):
                continue
            alike = mine.attributes == its.attributes
            for path, entry in its.files():
                found = mine.find(path)
                if found is not None and not (alike and found.path == entry.path):
                    return path
    return None


def _may_touch(one: CopyStep, other: CopyStep) -> bool:
    """Tells whether a target of ``one`` lies above, at or below one of ``other``."""
    return any(
        is_below(mine.target, its.target) or is_below(its.target, mine.target)
        for mine in one.sources
        for its in other.sources
    )
