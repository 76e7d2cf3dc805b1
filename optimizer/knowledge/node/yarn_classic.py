"""Yarn 1: what an install of it reads and writes.

Sources: yarn 1.22, src/config.js, rc.js, cli/commands/install.js, package-install-scripts.js,
package-linker.js, registries/{npm,yarn}-registry.js, util/user-home-dir.js; trials with 1.22.22.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from optimizer.knowledge.installs import Call
from optimizer.knowledge.manifests import JsonManifest, Survey, ancestors, hold, homes, resolve
from optimizer.knowledge.node import nested, scripts
from optimizer.knowledge.node.npm_config import Config, read_config
from optimizer.knowledge.node.options import Words
from optimizer.knowledge.node.project import Project, Protocols, dependency_names, local_paths
from optimizer.knowledge.node.workspaces import (
    declared_workspaces,
    matching_directories,
    unordered_patterns,
)
from optimizer.knowledge.node.yaml_files import hold_for_conflicts

# src/resolvers/exotics/{file,link}-resolver.js; no program of a link's target is linked (tried).
_PROTOCOLS = Protocols({"file": "copied", "link": "looked at"}, bare="copied")


def look(
    call: Call, words: Words, directory: str, survey: Survey, above: frozenset[str]
) -> None:  # fmt: skip
    """Notes what the install ``call`` in ``directory`` reads and writes."""
    _Classic(call, words, directory, survey, above).look()


@dataclass(slots=True)
class _Classic:
    call: Call
    words: Words
    directory: str
    survey: Survey
    above: frozenset[str]
    project: Project = field(init=False)
    settings: dict[str, str] = field(init=False, default_factory=dict)
    config: Config = field(init=False)

    def look(self) -> None:
        self._read_settings()
        root = self._root()
        self.project = Project(self.survey, self.call, root, _PROTOCOLS)
        manifest = self.project.add_root()
        self._members(manifest)
        lock = self._lock()
        manifests = tuple(self.project.manifests.values())
        self.project.follow(
            local for each in manifests for local in local_paths(each, _PROTOCOLS, root)
        )
        # clean.js: with .yarnclean at the root the install deletes what it lists.
        self.survey.read(resolve(root, ".yarnclean"))
        self.project.hold_for_installed_packages()
        if not self._on("ignore-scripts"):
            self._scripts()
        self._writes(manifest, lock)

    def _read_settings(self) -> None:
        """rc.js: .yarnrc here and in every directory above, and the user's; nearest counts."""
        places = [f"{place.rstrip('/')}/.yarnrc" for place in ancestors(self.directory)]
        places += [f"{home}/.yarnrc" for home in homes(self.call, self.survey.files)]
        named = [resolve(self.call.directory, path) for path in self.words.all("use-yarnrc")]
        for path in (*named, *places):
            if self.survey.has_file(path):
                text = self.survey.content(path).decode("utf-8", "replace")
                for key, value in _read_rc(text, posixpath.dirname(path)):
                    self.settings.setdefault(key, value)
        self.config = read_config(
            self.survey, self.call, {**self.settings, **self.words.options},
            ancestors(self.directory),
        )  # fmt: skip
        program = self.settings.get("yarn-path")
        if program is not None:
            self.survey.read(program)
        mirror = self.settings.get("yarn-offline-mirror")
        if mirror is not None and self.survey.has_dir(mirror):
            self.survey.tree(mirror)

    def _on(self, option: str) -> bool:
        return self.config.on(option)

    def _root(self) -> str:
        """config.js, findWorkspaceRoot: the nearest directory that declares workspaces, if this
        one is a member."""
        for place in ancestors(self.directory):
            path = resolve(place, "package.json")
            if not self.survey.has_file(path):
                continue
            manifest = self.survey.json(path, note=False)
            if declared_workspaces(manifest):
                is_member = self.directory in self._directories(place, manifest)
                return place if place == self.directory or is_member else self.directory
        return self.directory

    def _directories(self, root: str, manifest: JsonManifest) -> tuple[str, ...]:
        """config.js, resolveWorkspaces: a glob for each pattern; one with ``!`` matches nothing."""
        line = manifest.line_of_key("workspaces")
        declared = declared_workspaces(manifest)
        patterns = unordered_patterns(declared, manifest.path, line, excludes=False)
        return matching_directories(self.survey, root, patterns)

    def _members(self, manifest: JsonManifest) -> None:
        for directory in self._directories(self.project.root, manifest):
            if directory != self.project.root:
                self.project.add_member(directory)

    def _lock(self) -> str | None:
        path = resolve(self.project.root, "yarn.lock")
        if self.words.off("lockfile") or self.words.on("no-lockfile"):
            return None
        if not self.survey.read(path):
            self.survey.assume(
                "Without a lockfile the install picks versions anew whenever it runs; "
                "after the change it runs when a manifest changes, not at every source edit."
            )
            return None
        text = self.survey.content(path).decode("utf-8", "replace")
        hold_for_conflicts(text, path)
        if self._on("frozen-lockfile") and len(self.project.manifests) == 1:
            self._hold_for_missing(text, path)
        return text

    def _hold_for_missing(self, text: str, path: str) -> None:
        """install.js (bailout): with a frozen lockfile a pattern that it lacks ends the install.

        A project with workspaces passes (yarnpkg/yarn issue 5840), so it is not asked.
        """
        locked = set(_locked_patterns(text))
        manifest = self.project.manifests["."]
        for name in dict.fromkeys(dependency_names(manifest)):
            spec = _spec(manifest, name)
            if spec is not None and locked and f"{name}@{spec}" not in locked:
                hold(
                    "lockfile-out-of-sync",
                    f"{manifest.path} asks for {name} {spec}, which {path} does not have, so "
                    "an install with a frozen lockfile stops.",
                    "Run `yarn install` and commit the lockfile.",
                    manifest.path,
                    manifest.line_of_key(name),
                )

    def _is_production(self) -> bool:
        """config.js: --production, else NODE_ENV."""
        said = self.config.get("production") or self.config.get("prod")
        if said is not None:
            return said != "false"
        return self.call.env.get("NODE_ENV") == "production"

    def _scripts(self) -> None:
        survey, project = self.survey, self.project
        install = nested.looker(survey, self.above)
        events = scripts.BUILD_EVENTS if self._is_production() else scripts.YARN_EVENTS
        runs = {
            location: scripts.Run(
                survey, manifest, "install", posixpath.dirname(manifest.path), self.call, install
            )
            for location, manifest in project.manifests.items()
        }
        here = posixpath.relpath(self.directory, project.root)
        for location in dict.fromkeys((".", here)):
            if location in runs:
                scripts.survey_scripts(runs[location], events)
        for location, run in runs.items():
            if run.directory in project.copied:
                scripts.survey_scripts(runs[location], scripts.BUILD_EVENTS)
        names = {name for each in project.manifests.values() for name in dependency_names(each)}
        scripts.survey_dependencies(runs["."], names, known=False)

    def _writes(self, manifest: JsonManifest, lock: str | None) -> None:
        survey, root = self.survey, self.project.root
        for home in homes(self.call, survey.files):
            survey.write(*(f"{home}/{name}" for name in (".cache", ".config", ".yarn", ".npm")))
        # util/user-home-dir.js: root's home is /usr/local/share.
        survey.write("/usr/local/share/.cache", "/usr/local/share/.config")
        temporary = self.call.env.get("TMPDIR") or "/tmp"
        survey.write(f"{temporary}/yarn--", f"{temporary}/v8-compile-cache-0")
        named = self.call.env.get("YARN_CACHE_FOLDER"), self.config.get("cache-folder")
        survey.write(*(resolve(self.call.directory, folder) for folder in named if folder))
        for directory in self.project.directories:
            survey.write(resolve(directory, "node_modules"))
        if folder := self.config.get("modules-folder"):
            survey.write(resolve(self.directory, folder))
        settings = manifest.data.get("installConfig")
        if self._on("pnp") or self._on("enable-pnp") or (
            isinstance(settings, dict) and settings.get("pnp")
        ):  # fmt: skip
            survey.write(resolve(root, ".pnp.js"))
        self._saved_lock(lock)

    def _saved_lock(self, lock: str | None) -> None:
        """install.js, saveLockfileAndIntegrity."""
        if any(self._on(o) for o in ("frozen-lockfile", "pure-lockfile", "no-lockfile")):
            return
        if self.words.off("lockfile"):
            return
        path = resolve(self.project.root, "yarn.lock")
        if lock is None:
            self.survey.write(path)
            return
        self.survey.rewrite(path)
        self.survey.assume(
            f"Where {path} does not have what the manifests ask for, the install brings it up to "
            "date, and the later copy puts the committed one back."
        )


_PAIR = re.compile(r'\s*(?P<key>"[^"]*"|[^\s"#:]+):?\s+(?P<value>"[^"]*"|\S+)\s*$')
# rc.js (PATH_KEYS) and registries/yarn-registry.js (RELATIVE_KEYS).
_PATHS = frozenset(
    ("yarn-path", "cache-folder", "global-folder", "modules-folder", "cwd", "offline-cache-folder",
     "yarn-offline-mirror")
)  # fmt: skip


def _read_rc(text: str, directory: str) -> Iterator[tuple[str, str]]:
    """Yields the settings of a .yarnrc, paths made absolute; ``--install.x`` means option x."""
    for line in text.splitlines():
        match = _PAIR.match(line)
        if match is None:
            continue
        key, value = match["key"].strip('"'), match["value"].strip('"')
        key = re.sub(r"^--(?:(?:install|\*)\.)?", "", key)
        yield key, resolve(directory, value) if key in _PATHS else value


def _locked_patterns(text: str) -> Iterator[str]:
    """Yields what stands in front of the colons: ``"a@^1.0.0", a@1:`` (lockfile/stringify.js)."""
    for line in text.splitlines():
        if line[:1] not in ("", " ", "#") and line.endswith(":"):
            for pattern in re.split(r",\s+", line[:-1]):
                yield pattern.strip('"')


def _spec(manifest: JsonManifest, name: str) -> str | None:
    for section in ("dependencies", "devDependencies", "optionalDependencies"):
        found = manifest.data.get(section)
        if isinstance(found, dict) and isinstance(found.get(name), str):
            return str(found[name])
    return None
