"""Files that a pattern such as ``packages/*/composer.json`` matches among the copied ones."""

from __future__ import annotations

import re
from collections.abc import Iterator
from fnmatch import fnmatchcase

from optimizer.knowledge.manifests import Survey, hold, resolve

_MOST = 20_000
"""Names that one pattern is held against."""

_SPECIAL = re.compile(r"[\[\]{}!]")


def is_folder(survey: Survey, path: str) -> bool:
    """Tells whether ``path`` is a directory, be it one that is only there because a file was
    copied into it."""
    return survey.has_dir(path) or bool(survey.files.children(path))


def is_pattern(path: str) -> bool:
    """Tells whether ``path`` has characters that stand for others."""
    return re.search(r"[*?\[\]{}]", path) is not None


def matching(survey: Survey, base: str, pattern: str, named_in: str, line: int | None) -> list[str]:
    """Returns the absolute paths below ``base`` that ``pattern`` matches, sorted.

    ``*`` and ``?`` stand for characters of one name, ``**`` for any folders. Raises `Held` for
    other signs, and where there is too much to look at. ``named_in`` is the manifest.
    """
    if _SPECIAL.search(pattern):
        hold(
            "unsupported-workspace-glob",
            f"{named_in} names files by the pattern {pattern}.",
            "Use only `*`, `**` and `?` in it.",
            named_in,
            line,
        )
    walk = _Walk(survey, pattern, named_in, line)
    return sorted(set(walk.below(resolve("/", base), tuple(pattern.split("/")))))


class _Walk:
    """One pattern while the tree is walked for it."""

    def __init__(self, survey: Survey, pattern: str, named_in: str, line: int | None) -> None:
        self.survey, self.pattern, self.named_in, self.line = survey, pattern, named_in, line
        self.looked_at = 0
        self.done: set[tuple[str, tuple[str, ...]]] = set()

    def below(self, place: str, parts: tuple[str, ...]) -> Iterator[str]:
        """Yields what ``parts`` match below ``place``."""
        if (place, parts) in self.done:
            return
        self.done.add((place, parts))
        if not parts:
            if self.survey.files.kind(place) is not None or is_folder(self.survey, place):
                yield place
            return
        first, rest = parts[0], parts[1:]
        if first in ("", "."):
            yield from self.below(place, rest)
        elif first == "**":
            yield from self.below(place, rest)
            for name in self._names(place):
                yield from self.below(resolve(place, name), parts)
        elif not is_pattern(first):
            yield from self.below(resolve(place, first), rest)
        else:
            for name in self._names(place):
                if fnmatchcase(name, first) and (first[0] == "." or name[0] != "."):
                    yield from self.below(resolve(place, name), rest)

    def _names(self, place: str) -> tuple[str, ...]:
        names = self.survey.files.children(place)
        self.looked_at += len(names)
        if self.looked_at > _MOST:
            hold(
                "unsupported-workspace-glob",
                f"The pattern {self.pattern} in {self.named_in} is held against more than "
                f"{_MOST} names.",
                "Name the files one by one.",
                self.named_in,
                self.line,
            )
        return names
