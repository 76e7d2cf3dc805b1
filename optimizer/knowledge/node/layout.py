"""Where the packages of a project lie: its root, and the members of its workspace."""

from __future__ import annotations

import posixpath
from collections.abc import Mapping
from dataclasses import dataclass

from optimizer.knowledge.installs import Files
from optimizer.knowledge.manifests import JsonManifest, Survey, ancestors, resolve
from optimizer.knowledge.node.workspaces import (
    declared_workspaces,
    matching_directories,
    npm_patterns,
    unordered_patterns,
)
from optimizer.knowledge.node.yaml_files import read_yaml


@dataclass(frozen=True, slots=True)
class Package:
    """A package of the project, as its package.json describes it."""

    manifest: JsonManifest

    @property
    def path(self) -> str:
        """The absolute path of its package.json."""
        return self.manifest.path

    @property
    def directory(self) -> str:
        """The absolute path of its directory."""
        return posixpath.dirname(self.manifest.path)

    @property
    def name(self) -> str | None:
        """Its name, where it has one."""
        name = self.manifest.data.get("name")
        return name if isinstance(name, str) else None

    @property
    def scripts(self) -> Mapping[str, str]:
        """Its scripts by name."""
        return self._strings("scripts")

    @property
    def dependencies(self) -> Mapping[str, str]:
        """What it depends on when it runs, optional packages included."""
        return {**self._strings("optionalDependencies"), **self._strings("dependencies")}

    @property
    def dev_dependencies(self) -> Mapping[str, str]:
        """What it depends on for development alone; what stands in both fields is needed when it
        runs (npm's docs, package.json)."""
        needed = {**self.dependencies}
        found = self._strings("devDependencies")
        return {name: spec for name, spec in found.items() if name not in needed}

    def _strings(self, field: str) -> Mapping[str, str]:
        section = self.manifest.data.get(field)
        items = section.items() if isinstance(section, Mapping) else ()
        return {name: value for name, value in items if isinstance(value, str)}


def package_at(files: Files, directory: str) -> Package | None:
    """Returns the package whose directory is the nearest one at or above ``directory``, None where
    there is none. Raises `Held` for a manifest that cannot be read."""
    survey = Survey(files)
    for place in ancestors(directory):
        path = resolve(place, "package.json")
        if survey.has_file(path):
            return Package(survey.json(path))
    return None


def root_of(files: Files, directory: str) -> str | None:
    """Returns the directory of the project that ``directory`` belongs to: that of the workspace
    where it is a member of one. Raises `Held`."""
    own = package_at(files, directory)
    if own is None:
        return None
    for place in ancestors(own.directory):
        members = _member_directories(files, place) if place != own.directory else ()
        if own.directory in members:
            return place
    return own.directory


def packages_of(files: Files, root: str) -> tuple[Package, ...]:
    """Returns the package in ``root`` and the members of its workspace, which may be none.
    Raises `Held`."""
    survey = Survey(files)
    path = resolve(root, "package.json")
    if not survey.has_file(path):
        return ()
    members = (resolve(at, "package.json") for at in _member_directories(files, root))
    return tuple(Package(survey.json(each)) for each in (path, *members) if survey.has_file(each))


def _member_directories(files: Files, root: str) -> tuple[str, ...]:
    survey = Survey(files)
    settings = resolve(root, "pnpm-workspace.yaml")
    if survey.has_file(settings):
        named = read_yaml(survey, settings).get("packages")
        globs = [glob for glob in named if isinstance(glob, str)] if isinstance(named, list) else []
        patterns = unordered_patterns(globs, settings, None)
        return matching_directories(survey, root, patterns)
    path = resolve(root, "package.json")
    if not survey.has_file(path) or not declared_workspaces(manifest := survey.json(path)):
        return ()
    return matching_directories(survey, root, npm_patterns(manifest))
