"""The frontends that ``# syntax=`` names, and since when they know what."""

from __future__ import annotations

import re

_FRONTEND = re.compile(
    r"(?:docker\.io/)?docker/dockerfile(?:-upstream)?(?::(?P<tag>[\w.-]+))?(?:@sha256:\w+)?"
)
_VERSION = re.compile(r"(?P<major>\d+)(?:\.(?P<minor>\d+))?")


_ROLLING = ("latest", "labs", "master", "master-labs")


def knows_cache_mounts(syntax: str) -> bool:
    """Tells whether the frontend ``syntax`` is known to take ``RUN --mount=type=cache``.

    That came with docker/dockerfile 1.2 (its release notes); 1.0 and 1.1 have it in their
    ``-experimental`` variants alone.
    """
    found = _FRONTEND.fullmatch(syntax.strip())
    tag = found["tag"] if found is not None else None
    return _is_since(syntax, (1, 2)) or (tag is not None and tag.endswith("experimental"))


def knows_chmod(syntax: str) -> bool:
    """Tells whether the frontend ``syntax`` is known to take ``COPY --chmod`` with a number, which
    came with docker/dockerfile 1.2 (the Dockerfile reference, "COPY")."""
    return _is_since(syntax, (1, 2))


def knows_symbolic_chmod(syntax: str) -> bool:
    """Tells whether the frontend ``syntax`` is known to take ``COPY --chmod=u+x``, which came with
    docker/dockerfile 1.14 (the Dockerfile reference, "COPY --chmod")."""
    return _is_since(syntax, (1, 14))


def _is_since(syntax: str, since: tuple[int, int]) -> bool:
    """Of a digest without a tag the version is not known; a tag without a minor number is that of
    the newest one."""
    found = _FRONTEND.fullmatch(syntax.strip())
    if found is None:
        return False
    tag = found["tag"]
    if tag is None:
        return "@" not in syntax
    version = _VERSION.match(tag)
    if version is None:
        return tag in _ROLLING
    return version["minor"] is None or (int(version["major"]), int(version["minor"])) >= since
