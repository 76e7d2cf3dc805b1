"""Which programs the packages have that images install."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator

_PLACE = re.compile(r"(?:usr/)?s?bin/([^/\s]+)\s+(\S+)$")


def programs(lines: Iterable[str]) -> Iterator[tuple[str, str]]:
    """Yields ``(program, package)`` for the lines of a ``Contents`` index."""
    for line in lines:
        match = _PLACE.match(line)
        if match is not None:
            for place in match[2].split(","):
                yield match[1], place.rpartition("/")[2]


def table(pairs: Iterable[tuple[str, str]], packages: Collection[str]) -> Iterator[str]:
    """Yields the lines of the table, ``PACKAGE PROGRAM ...``, for ``packages``."""
    found: dict[str, set[str]] = {}
    for program, package in pairs:
        if package in packages:
            found.setdefault(package, set()).add(program)
    for package in sorted(found):
        yield f"{package} {' '.join(sorted(found[package]))}"
