"""Looks at manifests among the copied files, and keeps a list of what was looked at.

Everything here serves the ecosystem modules of this room. A module walks the
files with a `Survey`; where it cannot go on it calls `hold`, and the module's
`inputs` turns that into the `Obstacle` it returns, so no exception leaves the
room.
"""

from __future__ import annotations

import json
import posixpath
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, NoReturn

from optimizer.knowledge.installs import Call, Files, Inputs, Kind, Obstacle
from optimizer.knowledge.xml_tree import Element, XmlError, read_xml


class Held(Exception):
    """Carries an `Obstacle` from the place where it was found to the module's answer."""

    def __init__(self, obstacle: Obstacle) -> None:
        super().__init__(obstacle.code)
        self.obstacle = obstacle


def hold(
    code: str, reason: str, unblock: str, path: str | None = None, line: int | None = None
) -> NoReturn:
    """Ends the survey with an obstacle. Raises `Held`."""
    raise Held(Obstacle(code, reason, unblock, path, line))


def answer(survey: Callable[[], Inputs]) -> Inputs | Obstacle:
    """Runs ``survey`` and returns what it found: its inputs, or the obstacle that held it."""
    try:
        return survey()
    except Held as held:
        return held.obstacle
    except RecursionError:
        return Obstacle(
            "unreadable-manifest",
            "A manifest is nested more deeply than can be followed.",
            "Make the manifest flatter.",
        )


def resolve(directory: str, path: str) -> str:
    """Returns ``path`` as an absolute path, relative ones taken from ``directory``."""
    joined = posixpath.normpath(posixpath.join(directory, path))
    return "/" + joined.lstrip("/")


def within(path: str, directory: str) -> bool:
    """Tells whether ``path`` is ``directory`` or lies below it."""
    return path == directory or path.startswith(directory.rstrip("/") + "/")


def ancestors(path: str) -> Iterator[str]:
    """Yields ``path`` and every directory above it, nearest first."""
    while True:
        yield path
        if path == "/":
            return
        path = posixpath.dirname(path)


def homes(call: Call, files: Files) -> tuple[str, ...]:
    """Returns the directories that may be the user's home: $HOME where known, else all candidates.

    BuildKit sets HOME from the image's passwd file when the Dockerfile does not
    (solver/llbsolver/ops/exec.go), so without the base image every home counts.
    """
    home = call.env.get("HOME")
    if home:
        return (resolve("/", home),)
    return ("/root", *(f"/home/{name}" for name in files.children("/home")))


def line_of(text: str, pattern: str) -> int | None:
    """Returns the line of the first match of ``pattern``, or None."""
    match = re.search(pattern, text)
    return text.count("\n", 0, match.start()) + 1 if match else None


@dataclass(frozen=True, slots=True)
class JsonManifest:
    """A JSON object from the file at ``path``; ``text`` is kept to name lines."""

    path: str
    data: Mapping[str, Any]
    text: str

    def line_of_key(self, key: str) -> int | None:
        """Returns the line on which ``key`` first stands as a key."""
        return line_of(self.text, re.escape(json.dumps(key)) + r"\s*:")


@dataclass(slots=True)
class Survey:
    """The files, and what has been found out about one install so far."""

    files: Files
    reads: dict[str, None] = field(default_factory=dict)
    trees: dict[str, None] = field(default_factory=dict)
    writes: dict[str, None] = field(default_factory=dict)
    rewrites: dict[str, None] = field(default_factory=dict)
    assumes: dict[str, None] = field(default_factory=dict)
    optional: dict[str, None] = field(default_factory=dict)
    settings: dict[str, None] = field(default_factory=dict)
    kinds: dict[str, Kind | None] = field(default_factory=dict)

    def kind(self, path: str) -> Kind | None:
        """Returns what lies at ``path``. Holds where ``path`` is a link or lies behind one.

        BuildKit copies the target of a link that a COPY names, and the link
        itself when it copies the directory (docs of COPY; fsutil's FollowLinks).
        """
        if path not in self.kinds:
            for part in reversed(list(ancestors(path))):
                if self.files.kind(part) == "link":
                    self._hold_link(part, path)
            self.kinds[path] = self.files.kind(path)
        return self.kinds[path]

    def _hold_link(self, link: str, path: str) -> NoReturn:
        behind = "" if link == path else f", and {path} lies behind it"
        hold(
            "manifest-is-a-link",
            f"{link} is a symbolic link in the build context{behind}.",
            "Put a regular file in its place, or copy it above the install yourself.",
            link,
        )

    def has_file(self, path: str) -> bool:
        """Tells whether a regular file lies at ``path``."""
        return self.kind(path) == "file"

    def has_dir(self, path: str) -> bool:
        """Tells whether a directory lies at ``path``."""
        return self.kind(path) == "dir"

    def read(self, path: str) -> bool:
        """Notes the file at ``path`` as read and returns True; False where there is none."""
        if not self.has_file(path):
            return False
        self.reads[path] = None
        return True

    def tree(self, path: str) -> None:
        """Notes the directory at ``path`` as read whole."""
        self.trees[path] = None

    def write(self, *paths: str) -> None:
        """Notes prefixes that the install creates or replaces."""
        self.writes.update(dict.fromkeys(paths))

    def rewrite(self, *paths: str) -> None:
        """Notes files of the context that the install may change."""
        self.rewrites.update(dict.fromkeys(paths))

    def assume(self, *sentences: str) -> None:
        """Notes sentences for the reviewer."""
        self.assumes.update(dict.fromkeys(sentences))

    @contextmanager
    def at_will(self) -> Iterator[None]:
        """Notes what is read within it as `Inputs.optional`."""
        known = {*self.reads, *self.trees}
        yield
        self.optional.update(dict.fromkeys({*self.reads, *self.trees} - known))

    def setting(self, *paths: str) -> None:
        """Notes places of manifests, settings and credentials; what was copied there is read."""
        self.settings.update(dict.fromkeys(paths))
        for path in paths:
            if self.files.kind(path) == "dir":
                self.tree(path)
            else:
                self.read(path)

    def content(self, path: str, note: bool = True) -> bytes:
        """Returns the bytes of a file, and unless told otherwise notes it as read.

        Holds where they cannot be had.
        """
        if note:
            self.read(path)
        content = self.files.read(path)
        if content is None:
            hold(
                "unreadable-manifest",
                f"{path} is too large to be looked at or cannot be read.",
                "Make it a readable file of ordinary size.",
                path,
            )
        return content

    def json(self, path: str, note: bool = True) -> JsonManifest:
        """Returns the JSON object in the file at ``path``, see `content`. Holds where it is none.

        A byte order mark is accepted, as npm does (json-parse-even-better,
        stripBOM); a key that stands twice is not, since readers differ on it.
        """
        text = self.content(path, note).decode("utf-8", "replace").removeprefix("\ufeff")
        try:
            data = json.loads(text, object_pairs_hook=_object, parse_constant=_no_constant)
        except json.JSONDecodeError as error:
            unreadable(path, f"is not valid JSON: {error.msg}", error.lineno)
        except _RepeatedKey as repeated:
            unreadable(path, f"has the key {repeated} twice", _second_line(text, str(repeated)))
        except (RecursionError, ValueError) as error:
            unreadable(path, f"cannot be parsed: {error}", 1)
        if not isinstance(data, dict):
            unreadable(path, "does not hold a JSON object", 1)
        return JsonManifest(path, data, text)

    def xml(self, path: str) -> Element:
        """Returns the root element of the file at ``path``, see `content`. Holds where it is no
        XML that is read here."""
        try:
            return read_xml(self.content(path))
        except XmlError as error:
            unreadable(path, str(error), error.line)

    def inputs(self) -> Inputs:
        """Returns all that was noted, sorted, without files that lie in a noted tree."""
        trees = sorted(
            t for t in self.trees if not any(t != o and within(t, o) for o in self.trees)
        )
        return Inputs(
            reads=tuple(sorted(r for r in self.reads if not any(within(r, t) for t in trees))),
            trees=tuple(trees),
            writes=tuple(sorted(self.writes)),
            rewrites=tuple(sorted(self.rewrites)),
            assumes=tuple(self.assumes),
            optional=tuple(sorted(self.optional)),
            settings=tuple(sorted(self.settings)),
        )


def unreadable(path: str, what: str, line: int | None) -> NoReturn:
    """Holds because the manifest at ``path`` cannot be understood at ``line``."""
    hold("unreadable-manifest", f"{path} {what}.", "Repair the file.", path, line)


class _RepeatedKey(Exception):
    pass


def _object(pairs: Sequence[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        seen: set[str] = set()
        for key, _ in pairs:
            if key in seen:
                raise _RepeatedKey(json.dumps(key))
            seen.add(key)
    return found


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is no JSON value")


def _second_line(text: str, key: str) -> int | None:
    """Returns the line on which ``key`` stands for the second time."""
    matches = re.finditer(re.escape(key) + r"\s*:", text)
    next(matches, None)
    second = next(matches, None)
    return text.count("\n", 0, second.start()) + 1 if second else None
