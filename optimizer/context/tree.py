"""The build context: the files that a build would send, read only when somebody asks.

What a build sees follows BuildKit: the client walks the folder and leaves out
what the ignore file says (fsutil, filter.go), links are sent as links, and a
COPY source is found as fsutil's copy.ResolveWildcards and continuity's
fs.RootPath find it.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator, Mapping
from copy import copy
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Final

from optimizer.context.entries import ContextError, Entries, Folder, Kind, Link, Listing, Written
from optimizer.context.gopath import PathPattern, PatternError, clean, inside
from optimizer.context.ignore import IgnoreRules, IgnoreSyntaxError

__all__ = ["BuildContext", "ContextError", "ContextFile", "Kind", "Link"]

_NOT_A_FILE: Final = {"dir": "a directory", "link": "a link", "other": "a socket, pipe or device"}
_DEFAULT_LIMIT: Final = 10_000_000
# continuity, fs/path.go: more links than this are a loop.
_MOST_LINKS: Final = 255
# fsutil, copy.go, containsWildcards.
_WILDCARD: Final = re.compile(r"(?:\\.|[^*?\[\\])*+[*?\[]", re.DOTALL).match


@dataclass(frozen=True, slots=True)
class ContextFile:
    """One entry of the build context.

    ``path`` is relative to the context with ``/`` between names, ``""`` for the
    context itself; bytes that are not UTF-8 are lone surrogates. ``kind`` is
    "other" for sockets, pipes and devices. Nothing is read to make one.
    """

    path: str
    kind: Kind
    _entries: Entries = field(repr=False, compare=False)

    @property
    def size(self) -> int:
        """The length in bytes of a file, 0 for everything else; raises `ContextError`."""
        return self._entries.size(self.path) if self.kind == "file" else 0

    @property
    def is_executable(self) -> bool:
        """Whether it is a file that everybody may run; raises `ContextError`."""
        return self.kind == "file" and self._entries.is_executable(self.path)

    @property
    def target(self) -> str | None:
        """The text of a link as it stands, None for everything else; raises `ContextError`."""
        return self._entries.target(self.path) if self.kind == "link" else None


class BuildContext:
    """The files that a build would send.

    Every path that comes in is read as COPY reads a source: a leading ``/`` and
    ``..`` never lead out of the context. Every listing, and every answer about
    a directory, is read once and kept, so one object shows one moment and
    belongs to one thread. `ContextError` is raised by whatever has to read a
    place that cannot be read, or an ignore file that BuildKit refuses.
    """

    def __init__(
        self,
        root: Path,
        dockerfile: Path | None = None,
        *,
        listing: Mapping[str, bytes | Link] | None = None,
    ) -> None:
        """Takes a folder and the Dockerfile, which may lie elsewhere; reads nothing.

        ``dockerfile`` is None for one that comes from standard input. With a
        ``listing``, `from_listing` says what is meant.
        """
        self.root = root
        self.dockerfile = dockerfile
        self._on_disk = listing is None
        self._entries: Entries = Folder(root) if listing is None else Listing(listing)
        self._written: dict[str, bytes] = {}
        self._kinds: dict[str, Kind | None] = {"": "dir"}
        self._sends: dict[str, bool] = {}

    @classmethod
    def from_listing(
        cls, files: Mapping[str, bytes | Link], dockerfile: str = "Dockerfile"
    ) -> BuildContext:
        """Makes a context that exists in memory only, for examples and tests.

        ``files`` holds the content of files, or a `Link`, by path; directories
        follow from the paths, and a path that ends in ``/`` is an empty one. An
        ignore file among them counts. Raises `ValueError` where a path lies
        below a file.
        """
        return cls(Path(), Path(dockerfile), listing=files)

    def with_file(self, path: str, content: bytes) -> BuildContext:
        """Returns the context in which ``path`` holds ``content``; nothing is written to disk.

        ``path`` is relative to the context. A path outside of it changes
        nothing, unless it is that of the ignore file (see `ignore_path`).
        """
        other = copy(self)
        other._written = {**self._written, path: content}
        if not path.startswith("../"):
            other._entries = Written(self._entries, inside(path), content)
        other._kinds = {"": "dir"}
        other._sends = {}
        other.__dict__.pop("_ignore", None)
        return other

    @property
    def written(self) -> Mapping[str, bytes]:
        """The files that `with_file` put in, by path."""
        return self._written

    @property
    def ignore_file(self) -> Path | None:
        """The ignore file in force: ``<Dockerfile>.dockerignore``, else the root's, else None."""
        path = self._ignore[0]
        if path is None:
            return None
        if self.dockerfile is not None and path in self._beside_dockerfile:
            return self.dockerfile.with_name(self.dockerfile.name + ".dockerignore")
        return self.root / path

    @property
    def ignore_path(self) -> str:
        """Where the ignore file lies, or would lie, relative to the context.

        It starts with ``../`` where it belongs to a Dockerfile outside of the context.
        """
        return self._ignore[0] or ".dockerignore"

    @property
    def ignore_text(self) -> str | None:
        """The text of the ignore file, None where there is none."""
        return None if self._ignore[0] is None else self.rules.text

    @property
    def rules(self) -> IgnoreRules:
        """What the ignore file says; without one, rules that exclude nothing."""
        return self._ignore[1]

    def excluded(self, path: str) -> bool:
        """Says whether the ignore file leaves ``path`` out, whether or not it exists.

        A directory can be left out and still be sent, for what an exception
        brings back below it.
        """
        return self.rules.excludes(inside(path))

    def get(self, path: str) -> ContextFile | None:
        """Returns what a build would send at ``path``, None where that is nothing.

        No link is followed: below a link there is nothing.
        """
        path = inside(path)
        kind = self._kind(path)
        if kind is None or not self._sent(path, kind):
            return None
        return ContextFile(path, kind, self._entries)

    def children(self, directory: str) -> tuple[ContextFile, ...]:
        """Returns what a build would send of a directory, in the order of the names' bytes.

        It is empty where ``directory`` is no directory.
        """
        directory = inside(directory)
        return tuple(self._children(directory)) if self._kind(directory) == "dir" else ()

    def files(self, prefix: str = "") -> Iterator[ContextFile]:
        """Yields everything below the directory ``prefix``, directories and links too.

        A directory comes before what is in it, names in the order of their
        bytes, as a build sends them. Where ``prefix`` is no directory, it yields
        that entry alone, or nothing.
        """
        prefix = inside(prefix)
        if self._kind(prefix) == "dir":
            yield from self._walk(prefix)
        elif (entry := self.get(prefix)) is not None:
            yield entry

    def glob(self, pattern: str) -> tuple[ContextFile, ...]:
        """Returns what a COPY source names, in the order in which BuildKit copies it.

        A wildcard stays within one name. Links are followed where they stand in
        front of the first wildcard, or of the last name; the entry itself may be
        a link, whose target BuildKit copies (see `follow`). Raises `ContextError`
        for a malformed pattern.
        """
        names = inside(pattern).split("/")
        fixed = next((i for i, name in enumerate(names) if _WILDCARD(name)), len(names) - 1)
        base = self.follow("/".join(names[:fixed]))
        if base is None:
            return ()
        wild = names[fixed:]
        if not _WILDCARD(wild[0]):
            entry = self.get(f"{base}/{wild[0]}")
            return () if entry is None else (entry,)
        try:
            return tuple(self._matching(base, wild))
        except PatternError as error:
            raise ContextError(pattern, str(error)) from None

    def read_bytes(self, path: str, limit: int = _DEFAULT_LIMIT) -> bytes:
        """Returns the content of a file.

        Raises `ContextError` where a build would find no file, where it cannot
        be read, and where it is longer than ``limit`` bytes.
        """
        entry = self.get(path)
        if entry is None:
            raise ContextError(inside(path), "no such file in the build context")
        if entry.kind != "file":
            raise ContextError(entry.path, f"{_NOT_A_FILE[entry.kind]}, not a file")
        return _read(self._entries, entry.path, limit)

    def follow(self, path: str) -> str | None:
        """Returns where ``path`` leads when its links are followed as for a COPY source.

        BuildKit follows them as if the context were the whole file system: an
        absolute target starts at the context, and ``..`` stops there. What is
        missing counts as no link. None stands for a loop.
        """
        return _follow(path, self._link_sent).path

    def stays_inside(self, path: str) -> bool:
        """Says whether following ``path`` on the host would never leave the context.

        An absolute target leaves it, and so does a ``..`` too many; a loop leads
        nowhere. A target that does not exist is judged by its name.
        """
        followed = _follow(path, self._link_sent)
        return followed.path is not None and not followed.left

    @cached_property
    def _ignore(self) -> tuple[str | None, IgnoreRules]:
        """dockerui/config.go: what cannot be found as a file counts as missing."""
        for path in (*self._beside_dockerfile, ".dockerignore"):
            data = self._read_ignore_file(path)
            if data is None:
                continue
            try:
                return path, IgnoreRules.parse(data)
            except IgnoreSyntaxError as error:
                raise ContextError(path, str(error)) from error
        return None, IgnoreRules.EMPTY

    @cached_property
    def _beside_dockerfile(self) -> tuple[str, ...]:
        """The ignore file that belongs to the Dockerfile, relative to the context."""
        if self.dockerfile is None:
            return ()
        folder, root = str(self.dockerfile.parent), str(self.root)
        if self._on_disk:
            folder, root = os.path.realpath(folder), os.path.realpath(root)
        path = os.path.relpath(f"{folder}/{self.dockerfile.name}.dockerignore", root)
        return (path.replace(os.sep, "/"),)

    def _read_ignore_file(self, path: str) -> bytes | None:
        if path in self._written:
            return self._written[path]
        above, _, name = path.rpartition("/")
        entries, lead = self._entries, above + "/" if above else ""
        if path.startswith("../"):
            assert self.dockerfile is not None
            entries, lead = Folder(self.dockerfile.parent), ""
        # The Dockerfile's folder is sent on its own, so a link cannot lead out of it.
        found = _follow(name, lambda p: _target(entries, lead + p)).path
        if found is None or entries.kind(lead + found) != "file":
            return None
        return _read(entries, lead + found, _DEFAULT_LIMIT)

    def _kind(self, path: str) -> Kind | None:
        known = self._kinds.get(path)
        if known is not None or path in self._kinds:
            return known
        kind: Kind | None = "dir"
        above = ""
        for name in path.split("/"):
            above = f"{above}/{name}" if above else name
            if kind != "dir":
                kind = None
            elif above in self._kinds:
                kind = self._kinds[above]
            else:
                kind = self._kinds[above] = self._entries.kind(above)
        return kind

    def _link_sent(self, path: str) -> str | None:
        if self._kind(path) != "link" or self.rules.excludes(path):
            return None
        return self._entries.target(path)

    def _sent(self, path: str, kind: Kind) -> bool:
        if not self.rules.excludes(path):
            return True
        if kind != "dir" or self.rules.prunes(path):
            return False
        if path not in self._sends:
            self._sends[path] = next(self._walk(path), None) is not None
        return self._sends[path]

    def _list(self, directory: str) -> list[tuple[str, Kind]]:
        """Returns the paths in a directory; an unreadable one that is left out stops nothing."""
        lead = directory + "/" if directory else ""
        try:
            return [(lead + name, kind) for name, kind in self._entries.names(directory)]
        except ContextError:
            if directory and self.rules.excludes(directory):
                return []
            raise

    def _children(self, directory: str) -> Iterator[ContextFile]:
        for path, kind in self._list(directory):
            if self._sent(path, kind):
                yield ContextFile(path, kind, self._entries)

    def _walk(self, directory: str) -> Iterator[ContextFile]:
        rules, entries = self.rules, self._entries
        levels = [iter(self._list(directory))]
        # The directories that are left out themselves, until something in them is sent.
        held: list[tuple[int, ContextFile]] = []
        while levels:
            for path, kind in levels[-1]:
                if not rules.excludes(path):
                    yield from (above for _, above in held)
                    held.clear()
                    yield ContextFile(path, kind, entries)
                elif kind == "dir" and not rules.prunes(path):
                    held.append((len(levels), ContextFile(path, kind, entries)))
                else:
                    continue
                if kind == "dir":
                    levels.append(iter(self._list(path)))
                    break
            else:
                levels.pop()
                if held and held[-1][0] == len(levels):
                    held.pop()

    def _matching(self, base: str, names: list[str]) -> Iterator[ContextFile]:
        whole = PathPattern("/".join(names))
        if whole.has_class or "\\/" in whole.text:
            # Brackets match "/" as well, so names cannot be compared one by one.
            yield from self._matching_below(base, whole)
            return
        patterns = [PathPattern(name) for name in names]
        found = [entry for entry in (self.get(base),) if entry is not None]
        for pattern in patterns:
            found = [
                child
                for entry in found
                if entry.kind == "dir"
                for child in self._readable_children(entry.path)
                if pattern.matches(child.path.rpartition("/")[2])
            ]
        yield from found

    def _matching_below(self, base: str, pattern: PathPattern) -> Iterator[ContextFile]:
        lead = base + "/" if base else ""
        taken = None
        for entry in self.files(base) if self._kind(base) == "dir" else ():
            if taken is not None and entry.path.startswith(taken):
                continue
            if pattern.matches(entry.path.removeprefix(lead)):
                taken = entry.path + "/"
                yield entry

    def _readable_children(self, directory: str) -> tuple[ContextFile, ...]:
        """fsutil, filter.go: the client skips an unreadable directory that no source names."""
        try:
            return tuple(self._children(directory))
        except ContextError:
            return ()


@dataclass(frozen=True, slots=True)
class _Followed:
    """Where following links ended (None: in a loop), and whether it left the root on the way."""

    path: str | None
    left: bool


def _follow(path: str, target_of: Callable[[str], str | None]) -> _Followed:
    """continuity, fs/path.go, RootPath. ``target_of`` returns the text of what is a link."""
    todo = _names(path)[::-1]
    done: list[str] = []
    links = 0
    left = False
    while todo:
        name = todo.pop()
        target = target_of("/".join((*done, name)))
        if target is None:
            done.append(name)
            continue
        links += 1
        if links > _MOST_LINKS:
            return _Followed(None, left)
        joined = clean(target if target.startswith("/") else "/".join((*done, target)))
        left = left or joined == ".." or joined.startswith(("/", "../"))
        todo += _names(joined)[::-1]
        done = []
    return _Followed("/".join(done), left)


def _names(path: str) -> list[str]:
    return inside(path).split("/") if inside(path) else []


def _target(entries: Entries, path: str) -> str | None:
    return entries.target(path) if entries.kind(path) == "link" else None


def _read(entries: Entries, path: str, limit: int) -> bytes:
    data = entries.read(path, limit + 1)
    if len(data) > limit:
        raise ContextError(path, f"longer than {limit} bytes")
    return data
