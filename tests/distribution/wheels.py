"""Which files the package index serves for Python packages, as lockfiles of uv list them.

A uv.lock names every file of each version that it takes, so the locks of public projects tell for
thousands of packages whether pip finds source text, a wheel for manylinux, or has to compile.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Iterator
from typing import Any


def kinds(text: str) -> Iterator[tuple[str, str]]:
    """Yields ``(package, kind)`` for the packages of a lock that come from an index: ``pure``,
    ``wheel`` (for glibc on x86-64), ``sdist``."""
    for package in tomllib.loads(text).get("package", ()):
        if "registry" in package.get("source", {}):
            yield package["name"], _kind(package)


def table(texts: Iterable[str]) -> Iterator[str]:
    """Yields the lines of the table, ``KIND PACKAGE ...``; where locks differ, the kind that needs
    the least to install counts."""
    found: dict[str, set[str]] = {}
    for text in texts:
        for name, kind in kinds(text):
            found.setdefault(name, set()).add(kind)
    for kind in ("pure", "wheel", "sdist"):
        names = sorted(name for name, own in found.items() if kind in own)
        for name in names:
            del found[name]
        for start in range(0, len(names), 40):
            yield f"{kind} {' '.join(names[start : start + 40])}"


def _kind(package: dict[str, Any]) -> str:
    files = [wheel.get("url", "").rpartition("/")[2] for wheel in package.get("wheels", ())]
    if any(file.endswith("-none-any.whl") for file in files):
        return "pure"
    return "wheel" if any("manylinux" in file and "x86_64" in file for file in files) else "sdist"
