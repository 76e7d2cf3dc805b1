"""Paths of an image, followed as the kernel would follow them inside a container."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from posixpath import dirname, join
from typing import Any, NamedTuple

from optimizer.verify.image import Entry, Image

MOST_LINKS = 40
"""Symbolic links that Linux follows in one path (path_resolution(7))."""

DEFAULT_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
"""PATH where an image sets none (moby: oci/defaults.go, DefaultPathEnv)."""

_DIRECTORY = Entry("dir", 0o755, 0, 0)


class Person(NamedTuple):
    """Who a container runs as."""

    uid: int
    groups: frozenset[int]


class Root:
    """The root file system of ``image``. Directories that only their content shows exist too."""

    def __init__(self, image: Image) -> None:
        self.image = image
        self.files = image.files
        self._implied = frozenset(_parents(image.files))
        self._folders: dict[str, str | None] = {}

    def entry(self, path: str) -> Entry | None:
        """Returns what lies at an absolute path, links followed; None for nothing."""
        real = self.resolve(path)
        return None if real is None else self._own(real)

    def resolve(self, path: str) -> str | None:
        """Returns the path without links; None where it leads to nothing."""
        return self._walk(path, MOST_LINKS)

    def place(self, path: str) -> str:
        """Returns the path with the links of its folder followed, but not its own."""
        folder = self._folder(dirname(path))
        return path if folder is None else join(folder, path.rpartition("/")[2])

    def absolute(self, path: str) -> str:
        """Returns ``path`` as seen from the working directory of the image."""
        return join("/", str(self.image.config.get("WorkingDir") or "/"), path)

    def which(self, name: str, search: str | None = None) -> str | None:
        """Returns the path that ``name`` runs, looked up on PATH unless it holds a slash.

        Only a file with an execute bit counts. ``search`` stands in for the image's PATH.
        """
        if "/" in name:
            return self.absolute(name) if self._runs(self.absolute(name)) else None
        folders = (environment(self.image).get("PATH") if search is None else search) or ""
        candidates = (self.absolute(join(folder, name)) for folder in folders.split(":"))
        return next((path for path in candidates if self._runs(path)), None)

    def may_run(self, path: str, person: Person) -> bool:
        """Whether ``person`` may run the file at ``path``, by the permission bits."""
        real = self.resolve(path)
        if real is None:
            return False
        folders = real.split("/")
        above = ("/".join(folders[:count]) or "/" for count in range(1, len(folders)))
        return all(_may(self._own(step) or _DIRECTORY, person) for step in [*above, real])

    def _runs(self, path: str) -> bool:
        entry = self.entry(path)
        return entry is not None and entry.kind == "file" and bool(entry.mode & 0o111)

    def _own(self, path: str) -> Entry | None:
        found = self.files.get(path)
        return _DIRECTORY if found is None and path in self._implied else found

    def _folder(self, path: str) -> str | None:
        """Remembers where folders lead: every lookup of a library goes through the same few."""
        if path not in self._folders:
            self._folders[path] = self._walk(path, MOST_LINKS)
        return self._folders[path]

    def _walk(self, path: str, links: int) -> str | None:
        here, ahead = "/", [part for part in reversed(path.split("/")) if part not in ("", ".")]
        while ahead:
            part = ahead.pop()
            here = dirname(here) if part == ".." else join(here, part)
            found = self._own(here)
            if found is None or (ahead and found.kind not in ("dir", "link")):
                return None
            if found.kind == "link":
                links -= 1
                if links < 0:
                    return None
                here = "/" if found.target.startswith("/") else dirname(here)
                ahead += [p for p in reversed(found.target.split("/")) if p not in ("", ".")]
        return here


def environment(image: Image) -> dict[str, str]:
    """Returns the variables a container starts with."""
    pairs = (str(pair).partition("=") for pair in image.config.get("Env") or ())
    return {"PATH": DEFAULT_PATH} | {name: value for name, _, value in pairs}


def words(config: Mapping[str, Any], field: str) -> list[str]:
    """Returns a field of an image configuration that is a list of words."""
    value = config.get(field)
    return [str(word) for word in value] if isinstance(value, Sequence) else []


def _parents(paths: Mapping[str, Entry]) -> Iterator[str]:
    seen: set[str] = {"/"}
    yield "/"
    for path in paths:
        folder = dirname(path)
        while folder not in seen:
            seen.add(folder)
            yield folder
            folder = dirname(folder)


def _may(entry: Entry, person: Person) -> bool:
    """Whether the execute (search) bit that counts is set. Root needs any one of a file's."""
    if person.uid == 0:
        return entry.kind == "dir" or bool(entry.mode & 0o111)
    if entry.uid == person.uid:
        return bool(entry.mode & 0o100)
    return bool(entry.mode & (0o010 if entry.gid in person.groups else 0o001))
