"""Packages of distributions: what stands behind a development package, and what programs need."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Final

from optimizer.knowledge.distribution import alpine, compilers, debian
from optimizer.knowledge.distribution.needs import Needs, needs_by_release, needs_of
from optimizer.knowledge.distribution.programs import programs_of, provider
from optimizer.knowledge.distribution.tags import releases_of
from optimizer.knowledge.released import Release

_PIN: Final = re.compile(r"(?::[a-z0-9]+)?(?:[=/].*)?$")
"""What may stand behind a name for apt-get install: an architecture, and a version or a release."""

__all__ = [
    "Needs",
    "installed_bytes",
    "needs_by_release",
    "needs_of",
    "programs_of",
    "provider",
    "releases_of",
    "runtime_packages",
    "runtime_packages_by_release",
]


def runtime_packages(package: str, releases: Sequence[Release]) -> tuple[str, ...] | None:
    """Returns the packages that a program built with ``package`` needs when it runs: none for one
    that only building needs, itself for one that is needed as it is. None where it is not known,
    or where the ``releases`` differ so that no list serves in all of them (``libcurl4t64``).

    A minimal image's own packages are left out. A compiler answers with the libraries that it may
    link unasked (`compilers.COMPILER_LIBRARIES`): where nothing native was compiled, the caller may
    leave those out. A program (``git``, ``curl``) is needed as it is; whether anything calls it is
    not asked here.
    """
    return debian.in_all(runtime_packages_by_release(package, releases))


def runtime_packages_by_release(
    package: str, releases: Sequence[Release]
) -> Mapping[Release, tuple[str, ...] | None]:
    """Returns what `runtime_packages` answers for each of the releases alone."""
    return {release: _runtime_packages(package, release) for release in releases}


def installed_bytes(
    packages: Sequence[str], releases: Sequence[Release], *, recommends: bool = False
) -> int | None:
    """Returns the bytes that ``packages`` and what they depend on (and recommend) add to a minimal
    image of the distribution, None where that is not known.

    Where there are several releases, it is the most that one of them takes.
    """
    sizes = [_installed_bytes(packages, release, recommends) for release in releases]
    known = [size for size in sizes if size is not None]
    return max(known) if known and len(known) == len(sizes) else None


def _runtime_packages(package: str, release: Release) -> tuple[str, ...] | None:
    if release.distribution == "alpine":
        return alpine.runtime_packages(package)
    index = debian.index(release)
    if index is None:
        return None
    name = _PIN.sub("", package)
    if compilers.is_build_only(name):
        wanted = compilers.libraries(name)
        return index.leading(each for each in wanted if each in index)
    row = index.package(name)
    if row is None:
        return None
    if row.is_development:
        return index.libraries(name)
    return () if row.is_minimal else (package,)


def _installed_bytes(packages: Sequence[str], release: Release, recommends: bool) -> int | None:
    index = debian.index(release)
    if index is None:
        return None
    added = index.added(packages, recommends=recommends)
    return None if added is None else index.size(added)
