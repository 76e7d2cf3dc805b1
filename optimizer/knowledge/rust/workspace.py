"""The packages of a cargo workspace: the manifests that cargo loads before it does anything.

Sources: "Workspaces" of the Cargo Book; rust-lang/cargo src/workspace/workspace.rs (find_root,
find_members, find_path_deps, members_paths) and the glob crate that expands its patterns.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import lru_cache

from optimizer.knowledge.manifests import Survey, ancestors, hold, resolve, within
from optimizer.knowledge.rust.manifest import (
    Manifest,
    note_targets,
    patched,
    path_dependencies,
    read_manifest,
    strings,
)

_MOST_PACKAGES = 2000
"""Packages of a workspace that are looked at; the largest public ones have a few hundred."""


@dataclass(slots=True)
class Workspace:
    """What one cargo command loads from ``directory`` on."""

    survey: Survey
    directory: str
    manifests: dict[str, Manifest] = field(default_factory=dict)
    roots: dict[str, Manifest | None] = field(default_factory=dict)

    def manifest_path(self) -> str | None:
        """Returns the nearest Cargo.toml at or above the directory."""
        places = (resolve(place, "Cargo.toml") for place in ancestors(self.directory))
        return next(filter(self.survey.has_file, places), None)

    def load(self, path: str) -> Manifest:
        """Loads the workspace or package of the manifest at ``path``; returns the manifest whose
        directory holds Cargo.lock. Raises `Held`."""
        current = self._load(path)
        root = self._root_of(current)
        if root is None:
            self._follow([(current, True)], None)
        else:
            members = [self._load(resolve(place, "Cargo.toml")) for place in self._members(root)]
            self._follow([(each, True) for each in (root, current, *members)], root)
        return root or current

    def _load(self, path: str, named_by: str | None = None) -> Manifest:
        if path not in self.manifests:
            if not self.survey.has_file(path):
                hold(
                    "manifest-outside-copy",
                    f"{path} is not among the files copied from the build context"
                    + (f", and {named_by} needs it." if named_by else "."),
                    "Copy that package too, or take it out of Cargo.toml.",
                    named_by or path,
                )
            if len(self.manifests) >= _MOST_PACKAGES:
                hold(
                    "unreadable-manifest",
                    f"The workspace has more than {_MOST_PACKAGES} packages.",
                    "Build a part of it in a context of its own.",
                    path,
                )
            self.manifests[path] = found = read_manifest(self.survey, path)
            note_targets(self.survey, found)
        return self.manifests[path]

    def _root_of(self, manifest: Manifest) -> Manifest | None:
        """find_root: the manifest itself, the one it points to, or the next one above that is
        the root of a workspace and does not exclude it."""
        if manifest.path not in self.roots:
            self.roots[manifest.path] = self._find_root(manifest)
        return self.roots[manifest.path]

    def _find_root(self, manifest: Manifest) -> Manifest | None:
        if manifest.workspace is not None:
            return manifest
        pointer = (manifest.package or {}).get("workspace")
        if isinstance(pointer, str):
            path = resolve(resolve(manifest.directory, pointer), "Cargo.toml")
            return self._load(path, manifest.path)
        for place in ancestors(resolve(manifest.directory, "..")):
            path = resolve(place, "Cargo.toml")
            if manifest.directory != "/" and self.survey.has_file(path):
                above = self._load(path)
                if above.workspace is not None and not _excludes(above, manifest.path):
                    return above
        return None

    def _members(self, root: Manifest) -> Iterator[str]:
        """members_paths: what a pattern matches, or its own text where it matches nothing."""
        for pattern in strings(root.workspace or {}, "members"):
            _check(pattern, root)
            found = list(_matches(self.survey, root.directory, pattern.strip("/").split("/")))
            for place in found or [resolve(root.directory, pattern)]:
                if not _excludes(root, resolve(place, "Cargo.toml")):
                    yield place

    def _follow(self, start: Sequence[tuple[Manifest, bool]], root: Manifest | None) -> None:
        """Loads what the packages depend on by path, and what is patched in their place.

        find_path_deps: a package below the root of the workspace that a member depends on is a
        member too.
        """
        queue = list(start)
        top = root or start[0][0]
        for place in patched(top.data, top.directory):
            queue.append((self._load(resolve(place, "Cargo.toml"), top.path), False))
        seen: set[str] = set()
        while queue:
            manifest, is_member = queue.pop()
            if manifest.path in seen:
                continue
            seen.add(manifest.path)
            own = self._root_of(manifest)
            for place in path_dependencies(manifest, own, dev=is_member):
                path = resolve(place, "Cargo.toml")
                below = root is not None and within(place, root.directory)
                joins = is_member and below and root is not None and not _excludes(root, path)
                queue.append((self._load(path, manifest.path), joins))


def _excludes(root: Manifest, path: str) -> bool:
    """WorkspaceRootConfig.is_excluded: members named without a pattern outdo ``exclude``."""
    workspace = root.workspace or {}

    def named(key: str) -> bool:
        return any(within(path, resolve(root.directory, each)) for each in strings(workspace, key))

    return named("exclude") and not named("members")


def _check(pattern: str, root: Manifest) -> None:
    # The limit keeps a hostile pattern from taking more than linear time.
    if pattern.count("*") > 8 or "***" in pattern or re.search(r"\[[^\]]*$", pattern):
        hold(
            "unsupported-workspace-glob",
            f"{root.path} names members by {pattern}, which dockopt does not read.",
            "List the members with plain * patterns.",
            root.path,
        )


def _matches(survey: Survey, directory: str, segments: Sequence[str]) -> Iterator[str]:
    """The glob crate: ``*`` stays within a name, hidden ones included; ``**`` is any depth."""
    if not segments:
        yield directory
        return
    first, rest = segments[0], segments[1:]
    if first == "**":
        while rest[:1] == ["**"]:
            rest = rest[1:]
        yield from _matches(survey, directory, rest)
        for child in _folders(survey, directory):
            yield from _matches(survey, child, [first, *rest])
    elif re.search(r"[*?\[]", first):
        for child in _folders(survey, directory):
            if _segment(first).fullmatch(child.rpartition("/")[2]):
                yield from _matches(survey, child, rest)
    elif survey.files.kind(place := resolve(directory, first)) == "dir":
        yield from _matches(survey, place, rest)


def _folders(survey: Survey, directory: str) -> Iterator[str]:
    for name in survey.files.children(directory):
        path = resolve(directory, name)
        if survey.files.kind(path) == "dir":
            yield path


@lru_cache(maxsize=256)
def _segment(pattern: str) -> re.Pattern[str]:
    from fnmatch import translate

    return re.compile(translate(pattern))
