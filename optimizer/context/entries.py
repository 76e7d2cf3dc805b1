"""Where the entries of a build context come from: a folder, a listing, or one with a file written.

Nothing here knows of ignore files or follows a link.
"""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal, Protocol, TypeAlias

from optimizer.context.gopath import encoded, inside

Kind: TypeAlias = Literal["file", "dir", "link", "other"]

_NOTHING_THERE: Final = frozenset((errno.ENOENT, errno.ENOTDIR, errno.ENAMETOOLONG))


class ContextError(Exception):
    """Something in the build context cannot be read. ``path`` is relative to the context."""

    def __init__(self, path: str, message: str) -> None:
        super().__init__(f"{path or '.'}: {message}")
        self.path = path
        self.message = message


@dataclass(frozen=True, slots=True)
class Link:
    """A symbolic link in a listing, with the text of its target."""

    target: str


class Entries(Protocol):
    """A tree of entries. Paths are clean and relative, ``""`` is the root.

    Every method raises `ContextError` for what cannot be read.
    """

    def names(self, directory: str) -> tuple[tuple[str, Kind], ...]:
        """Returns what lies in a directory, in the order of the names' bytes."""

    def kind(self, path: str) -> Kind | None:
        """Returns what lies at ``path``, where everything above it is a directory."""

    def size(self, path: str) -> int:
        """Returns the number of bytes in a file."""

    def is_executable(self, path: str) -> bool:
        """Tells whether everybody may run a file."""

    def target(self, path: str) -> str:
        """Returns the text of a link."""

    def read(self, path: str, limit: int) -> bytes:
        """Returns the bytes of a file, but at most ``limit`` of them."""


class Folder:
    """The entries of a folder on disk. Listings are read once and kept."""

    def __init__(self, root: Path) -> None:
        self._root = os.fspath(root)
        self._listings: dict[str, tuple[tuple[str, Kind], ...]] = {}

    def names(self, directory: str) -> tuple[tuple[str, Kind], ...]:
        listing = self._listings.get(directory)
        if listing is None:
            try:
                with os.scandir(self._at(directory)) as entries:
                    found = [(entry.name, _entry_kind(entry)) for entry in entries]
            except OSError as error:
                raise _unreadable(directory, error) from error
            found.sort(key=lambda named: encoded(named[0]))
            listing = self._listings[directory] = tuple(found)
        return listing

    def kind(self, path: str) -> Kind | None:
        try:
            mode = os.lstat(self._at(path)).st_mode
        except OSError as error:
            if error.errno in _NOTHING_THERE:
                return None
            raise _unreadable(path, error) from error
        except ValueError:
            # A NUL, or a lone surrogate that stands for no byte: no file has such a name.
            return None
        if stat.S_ISREG(mode):
            return "file"
        if stat.S_ISDIR(mode):
            return "dir"
        return "link" if stat.S_ISLNK(mode) else "other"

    def size(self, path: str) -> int:
        try:
            return os.lstat(self._at(path)).st_size
        except OSError as error:
            raise _unreadable(path, error) from error

    def is_executable(self, path: str) -> bool:
        try:
            return os.lstat(self._at(path)).st_mode & 0o111 == 0o111
        except OSError as error:
            raise _unreadable(path, error) from error

    def target(self, path: str) -> str:
        try:
            return os.readlink(self._at(path))  # noqa: PTH115 - a Path would tidy the text
        except OSError as error:
            raise _unreadable(path, error) from error

    def read(self, path: str, limit: int) -> bytes:
        # What was a file when it was listed may be a link or a pipe by now.
        flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK
        try:
            with os.fdopen(os.open(self._at(path), flags), "rb") as file:
                return file.read(limit)
        except OSError as error:
            raise _unreadable(path, error) from error

    def _at(self, path: str) -> str:
        return f"{self._root}/{path}" if path else self._root


class Listing:
    """Entries that exist in memory only.

    ``files`` holds contents and links by path. Directories follow from the
    paths; a path that ends in ``/`` is one that may be empty. Raises
    `ValueError` where something lies below what is no directory.
    """

    def __init__(self, files: Mapping[str, bytes | Link]) -> None:
        self._entries: dict[str, bytes | Link | None] = {"": None}
        self._listings: dict[str, list[str]] = {"": []}
        for path, content in files.items():
            self._add(inside(path), None if path.endswith("/") else content)
        for names in self._listings.values():
            names.sort(key=encoded)

    def _add(self, path: str, content: bytes | Link | None) -> None:
        at = ""
        for name in path.split("/"):
            above, at = at, f"{at}/{name}" if at else name
            last = at == path
            if self._entries.get(at, content if last else None) is not (content if last else None):
                raise ValueError(f"{at} is no directory, or is listed twice")
            if at not in self._entries:
                self._listings[above].append(name)
                self._entries[at] = content if last else None
            if self._entries[at] is None:
                self._listings.setdefault(at, [])

    def names(self, directory: str) -> tuple[tuple[str, Kind], ...]:
        lead = directory + "/" if directory else ""
        return tuple(
            (name, _content_kind(self._entries[lead + name]))
            for name in self._listings.get(directory, ())
        )

    def kind(self, path: str) -> Kind | None:
        return _content_kind(self._entries[path]) if path in self._entries else None

    def size(self, path: str) -> int:
        return len(self._content(path))

    def is_executable(self, path: str) -> bool:
        """A listing holds no modes; what starts with an interpreter is meant to be run."""
        return self._content(path).startswith(b"#!")

    def target(self, path: str) -> str:
        link = self._entries.get(path)
        assert isinstance(link, Link)
        return link.target

    def read(self, path: str, limit: int) -> bytes:
        return self._content(path)[:limit]

    def _content(self, path: str) -> bytes:
        content = self._entries.get(path)
        assert isinstance(content, bytes)
        return content


class Written:
    """Other entries in which one file has been written, with the directories above it."""

    def __init__(self, base: Entries, path: str, content: bytes) -> None:
        self._base = base
        self._path = path
        self._content = content

    def names(self, directory: str) -> tuple[tuple[str, Kind], ...]:
        if not self._is_above(directory):
            return self._base.names(directory)
        listing = self._base.names(directory) if self._base.kind(directory) == "dir" else ()
        name = self._path.removeprefix(directory).lstrip("/").partition("/")[0]
        kind = self.kind(f"{directory}/{name}" if directory else name)
        assert kind is not None
        others = [named for named in listing if named[0] != name]
        return tuple(sorted([*others, (name, kind)], key=lambda named: encoded(named[0])))

    def kind(self, path: str) -> Kind | None:
        if path == self._path:
            return "file"
        return "dir" if self._is_above(path) else self._base.kind(path)

    def size(self, path: str) -> int:
        return len(self._content) if path == self._path else self._base.size(path)

    def is_executable(self, path: str) -> bool:
        return path != self._path and self._base.is_executable(path)

    def target(self, path: str) -> str:
        return self._base.target(path)

    def read(self, path: str, limit: int) -> bytes:
        return self._content[:limit] if path == self._path else self._base.read(path, limit)

    def _is_above(self, path: str) -> bool:
        return not path or self._path.startswith(path + "/")


def _entry_kind(entry: os.DirEntry[str]) -> Kind:
    if entry.is_file(follow_symlinks=False):
        return "file"
    if entry.is_dir(follow_symlinks=False):
        return "dir"
    return "link" if entry.is_symlink() else "other"


def _content_kind(content: bytes | Link | None) -> Kind:
    if content is None:
        return "dir"
    return "link" if isinstance(content, Link) else "file"


def _unreadable(path: str, error: OSError) -> ContextError:
    return ContextError(path, error.strerror or type(error).__name__)
