"""A build that some file of the repository describes, and paths as such files write them.

Those files speak of paths with variables in them, and from folders that only
the moment of the call decides. Both stay in the text as single characters that
no path can hold, so that a reader joins and splits it like any other string.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from enum import IntEnum
from typing import Final, Protocol

from optimizer.context.service import Service

UNKNOWN: Final = "\0"
"""Stands in a text for what only the moment of the build decides."""
ROOT: Final = "\1"
"""At the start of a path: the root of the repository."""
START: Final = "\2"
"""At the start of a path: the folder in which somebody calls the script."""

LONGEST_VALUE: Final = 4096
"""A variable whose value is longer stays unknown; Linux allows no longer path."""

_MARKS: Final = re.compile(f"[{UNKNOWN}{ROOT}{START}]")
_INNER_MARKS: Final = re.compile(f"(?<!^)[{ROOT}{START}]")

_HIGHEST: Final = 8

# Source: compose-go, paths/context.go; Docker CLI, build context urlutil; BuildKit, dockerui:
# what starts like this is fetched from elsewhere.
_REMOTE: Final = re.compile(r"[a-zA-Z][\w+.-]*://|git@|github\.com/")


class Strength(IntEnum):
    """How much a kind of file can be trusted to say how the image is built, best first."""

    DECLARED = 0
    """Compose, Bake, Skaffold and Dev Container files exist to say it."""
    WORKFLOW = 1
    """What CI runs is known to work."""
    SCRIPT = 2
    PROSE = 3
    """Commands in a README or in a comment are for people, and grow stale."""


@dataclass(frozen=True, slots=True)
class Build:
    """One build as a file describes it; all of its texts may hold marks."""

    found_by: str
    strength: Strength
    context: str
    """The context's path, relative to the root where it has no mark at its start."""
    dockerfiles: tuple[str, ...]
    """Where the builder looks for the Dockerfile, in order; the first that exists is built."""
    target: str | None = None
    build_args: Mapping[str, str | None] = field(default_factory=dict)
    """None as a value: the builder's environment has it."""
    platforms: tuple[str, ...] = ()
    named_contexts: Mapping[str, str] = field(default_factory=dict)
    services: tuple[Service, ...] = ()
    """The Compose services that run the image."""
    starts: tuple[str, ...] = ("",)
    """The folders that `START` may stand for, relative to the root, the likeliest first."""
    names: tuple[str, ...] = ()
    """What the image is called."""


@dataclass(frozen=True, slots=True)
class Unread:
    """A place that could not be read; it may concern Dockerfiles in ``folder`` and below."""

    found_by: str
    reason: str
    folder: str = ""


@dataclass(frozen=True, slots=True)
class ImageUse:
    """A place that runs something in an image, or that starts another image from it; its texts may
    hold marks."""

    found_by: str
    image: str
    """Its name, or that of a Compose service where ``is_service``."""
    entrypoint: tuple[str, ...] | None = None
    command: tuple[str, ...] | None = None
    is_service: bool = False
    folder: str = ""
    """In which a Compose service is meant; `UNKNOWN`: nobody knows."""
    is_base: bool = False
    """A Dockerfile names it in FROM, or copies from it."""

    @property
    def path(self) -> str:
        """The file that says so."""
        return self.found_by.partition(":")[0]


Found = Build | ImageUse
Evidence = Found | Unread


class Files(Protocol):
    """The files of the repository, for readers whose file names others."""

    def text(self, path: str) -> str | None:
        """Returns the text of a file by its path relative to the root, or None where it is
        missing, too large, no regular file, or reached through a link."""


class Reader(Protocol):
    """Reads what one file says. ``path`` is relative to the root, in posix form."""

    def __call__(self, path: str, text: str, files: Files) -> Iterator[Evidence]: ...


def without_marks(text: str) -> str:
    """Returns ``text`` with the characters that serve as marks replaced: they cannot be trusted
    to be ours. Every file is read through this."""
    return _MARKS.sub("\N{REPLACEMENT CHARACTER}", text)


def is_known(text: str) -> bool:
    """Says whether nothing in the text depends on the moment of the build."""
    return UNKNOWN not in text


def bounded(text: str) -> str:
    """Returns a value, or `UNKNOWN` where it is too long: variables that hold each other grow
    without end."""
    return text if len(text) <= LONGEST_VALUE else UNKNOWN


def is_remote(context: str) -> bool:
    """Says whether a context is fetched from elsewhere, read from a pipe or from an archive."""
    return context == "-" or _REMOTE.match(context) is not None


def is_anchored(path: str) -> bool:
    """Says whether a path does not depend on the folder it is used in."""
    return path.startswith(("/", "~", ROOT, START))


def join(folder: str, path: str) -> str:
    """Returns ``path`` as seen from ``folder``."""
    return path if is_anchored(path) or not folder else f"{folder}/{path}"


def placed(path: str, start: str) -> str | None:
    """Returns a path relative to the root, cleaned, with ``start`` for `START`.

    None: it lies outside the root. `UNKNOWN` parts stay in it, and a path that
    starts with one is unknown as a whole.
    """
    path = _INNER_MARKS.sub(UNKNOWN, path)
    if path.startswith(UNKNOWN):
        return UNKNOWN
    if path.startswith(START):
        path = f"{start}/{path[1:]}"
    elif path.startswith(("/", "~")):
        return None
    clean = posixpath.normpath("./" + path.removeprefix(ROOT).lstrip("/"))
    if clean == ".." or clean.startswith("../"):
        return None
    return "" if clean == "." else clean


def shown(text: str) -> str:
    """Returns a text for people: unknown parts as an ellipsis, paths as seen from the root."""
    plain = text.replace(ROOT + "/", "").replace(START + "/", "")
    return _MARKS.sub(lambda m: "\N{HORIZONTAL ELLIPSIS}" if m[0] == UNKNOWN else ".", plain) or "."


def default_dockerfiles(context: str) -> tuple[str, ...]:
    """Where Docker looks when no file is named (BuildKit, dockerui, detectLocalContext and
    ReadEntrypoint: ``Dockerfile``, else ``dockerfile``)."""
    return (join(context, "Dockerfile"), join(context, "dockerfile"))


def folders_up(folder: str) -> tuple[str, ...]:
    """Returns ``folder`` and those above it, down to the root: where a script that lies there may
    be called. Of very deep folders only the nearest ones, and the root."""
    parts = folder.split("/") if folder else []
    depths = range(len(parts), max(len(parts) - _HIGHEST, 0), -1)
    return (*("/".join(parts[:depth]) for depth in depths), "")
