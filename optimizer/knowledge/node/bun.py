"""bun: which commands install, and what such an install reads and writes.

Sources: bun's documentation ("bun install", "Workspaces", "Lockfile", "Lifecycle scripts",
"bunfig.toml", "bun patch"); oven-sh/bun src/install (lockfile, migration, PackageInstall); trials
with bun 1.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from optimizer.knowledge.installs import (
    Call,
    DownloadCache,
    Files,
    Inputs,
    Install,
    Obstacle,
    Touch,
)
from optimizer.knowledge.manifests import (
    Survey,
    ancestors,
    answer,
    hold,
    homes,
    resolve,
    unreadable,
)
from optimizer.knowledge.node import nested, scripts
from optimizer.knowledge.node.npm_config import read_config
from optimizer.knowledge.node.options import OptionTable, Words, names, read_words
from optimizer.knowledge.node.project import Project, Protocols, dependency_names, local_paths
from optimizer.knowledge.node.workspaces import (
    declared_workspaces,
    matching_directories,
    npm_patterns,
)

NAME = "bun"

# `bun install --help` of bun 1.
_OPTIONS = OptionTable(
    booleans=names(
        """
        yarn production no-save save dry-run frozen-lockfile force no-cache silent quiet verbose
        no-progress no-summary no-verify ignore-scripts trust global exact only-missing
        save-text-lockfile lockfile-only dev development optional peer no-optional analyze help
        version save-dev recursive
        """
    ),
    valued=names(
        """
        config cwd ca cafile cache-dir backend registry concurrent-scripts network-concurrency omit
        filter linker minimum-release-age cpu os env-file
        """
    ),
    short={"c": "config", "y": "yarn", "p": "production", "f": "force", "g": "global",
           "d": "dev", "D": "dev", "E": "exact", "a": "analyze", "h": "help", "v": "version",
           "F": "filter"},
)  # fmt: skip

# src/install/PackageInstall.zig: hard links on Linux (docs, "bun install --backend").
_PROTOCOLS = Protocols({"file": "copied"}, bare="copied", hard_links=True)

# docs, "Lockfile": what `bun install` takes the versions from where there is no lockfile of bun's.
_FOREIGN_LOCKS = ("package-lock.json", "yarn.lock", "pnpm-lock.yaml")


def recognise(call: Call) -> Install | Touch | Obstacle | None:
    """Says what ``call`` is; see `optimizer.knowledge.installs.Ecosystem`."""
    if call.program != "bun":
        return None
    words = _words(call)
    if words.on("global") or words.on("version") or words.on("help"):
        return None
    title = " ".join(("bun", *call.words[1:]))
    match words.plain:
        case ("install" | "i" | "ci",):
            if words.unknown:
                return Obstacle(
                    "unknown-install-flag",
                    f"`{title}` has {words.unknown[0]}, a flag that dockopt does not know.",
                    "Take the flag out if bun ignores it.",
                )
            return Install(NAME, title, call)
        case ("install" | "i" | "add" | "a" | "remove" | "rm" | "update" | "patch", *_):
            return Obstacle(
                "install-edits-manifest",
                f"`{title}` writes into package.json or the lockfile.",
                "Make the change in the project, commit it, and use `bun install "
                "--frozen-lockfile`.",
            )
        case ("link" | "unlink", *_):
            return Obstacle(
                "project-install",
                f"`{title}` links the project itself.",
                "Link the project after the sources are copied.",
            )
    return None


def _words(call: Call) -> Words:
    return read_words(call.words[1:], _OPTIONS)


def dependency_step(call: Call, files: Files) -> Install | Obstacle | None:
    """Returns None: bun has no command that builds and installs dependencies in one."""
    return None


def download_caches(call: Call) -> tuple[DownloadCache, ...]:
    """Returns bun's cache (docs, "Global cache"), whose files come into being by renaming."""
    if call.program != "bun":
        return ()
    named = _words(call).options.get("cache-dir") or call.env.get("BUN_INSTALL_CACHE_DIR")
    user = call.env.get("HOME")
    home = call.env.get("BUN_INSTALL") or (f"{user}/.bun" if user else None)
    if named:
        return (DownloadCache(resolve(call.directory, named), is_locked=True),)
    return (DownloadCache(resolve("/", f"{home}/install/cache"), is_locked=True),) if home else ()


def inputs(install: Install, files: Files) -> Inputs | Obstacle:
    """Returns what ``install`` reads among ``files``, or why that is not known."""

    def survey() -> Inputs:
        found = Survey(files)
        look(install.call, found, frozenset())
        return found.inputs()

    return answer(survey)


def look(call: Call, survey: Survey, above: frozenset[str]) -> None:
    """Notes what the install ``call`` reads and writes; ``above`` are those that run it."""
    words = _words(call)
    directory = resolve(call.directory, words.options.get("cwd", "."))
    _Bun(call, words, directory, survey, above).look()


@dataclass(slots=True)
class _Bun:
    call: Call
    words: Words
    directory: str
    survey: Survey
    above: frozenset[str]
    project: Project = field(init=False)
    settings: Mapping[str, Any] = field(init=False, default_factory=dict)

    def look(self) -> None:
        root = self._root()
        self.project = Project(self.survey, self.call, root, _PROTOCOLS)
        manifest = self.project.add_root()
        self._read_settings()
        self._lock()
        if declared_workspaces(manifest):
            for directory in matching_directories(self.survey, root, npm_patterns(manifest)):
                self.project.add_member(directory)
        self._local_dependencies()
        self.project.hold_for_installed_packages()
        if not self._on("ignore-scripts", "ignoreScripts"):
            self._scripts()
        self._writes()

    def _root(self) -> str:
        """PackageManager.zig, init: the nearest manifest, or one above it whose workspaces have
        it."""
        nearest = None
        for place in ancestors(self.directory):
            path = resolve(place, "package.json")
            if not self.survey.has_file(path):
                continue
            if nearest is None:
                nearest = place
            elif (
                declared_workspaces(manifest := self.survey.json(path, note=False))
                and nearest in matching_directories(self.survey, place, npm_patterns(manifest))
            ):  # fmt: skip
                return place
        return nearest or self.directory

    def _read_settings(self) -> None:
        """bunfig.toml of the project and the user; .npmrc; .env files, which fill in variables
        (docs, "Environment variables")."""
        root, survey = self.project.root, self.survey
        named = self.words.options.get("config")
        place = resolve(self.call.directory, named) if named else resolve(root, "bunfig.toml")
        users = [f"{home}/.bunfig.toml" for home in homes(self.call, survey.files)]
        users += [f"{home}/.config/.bunfig.toml" for home in homes(self.call, survey.files)]
        for path in (place, *users):
            if survey.has_file(path):
                found = _toml(survey, path)
                section = found.get("install")
                self.settings = {**(section if isinstance(section, Mapping) else {}),
                                 **self.settings}  # fmt: skip
        if isinstance(file := self.settings.get("cafile"), str):
            survey.read(resolve(root, file))
        read_config(survey, self.call, self.words.options, (root,))
        mode = self.call.env.get("NODE_ENV") or "development"
        with survey.at_will():
            for name in (".env", ".env.local", f".env.{mode}", f".env.{mode}.local"):
                survey.read(resolve(root, name))

    def _on(self, option: str, setting: str) -> bool:
        if option in self.words.options:
            return self.words.on(option)
        return self.settings.get(setting) is True

    def _is_frozen(self) -> bool:
        return self.words.plain[:1] == ("ci",) or self._on("frozen-lockfile", "frozenLockfile")

    def _lock(self) -> None:
        """docs, "Lockfile": bun.lock, or else bun.lockb; or else those of others, taken over."""
        root, survey = self.project.root, self.survey
        found = [p for n in ("bun.lock", "bun.lockb") if survey.read(p := resolve(root, n))]
        saves = not self.words.on("no-save") and not self.words.off("save")
        saves = saves and self.settings.get("saveLockfile") is not False and not self._is_frozen()
        if found:
            if saves:
                survey.rewrite(*found)
                survey.write(*(p for n in ("bun.lock",) if (p := resolve(root, n)) not in found))
                survey.assume(
                    f"Where {found[0]} does not have what the manifests ask for, the install "
                    "brings it up to date, and the later copy puts the committed one back."
                )
            return
        if self._is_frozen():
            path = resolve(root, "bun.lock")
            hold(
                "missing-lockfile",
                f"`{' '.join(self.call.words)}` needs {path}, and it is not among the copied "
                "files.",
                "Commit bun.lock, and see that .dockerignore does not leave it out.",
                path,
            )
        for name in _FOREIGN_LOCKS:
            survey.read(resolve(root, name))
        if survey.has_file(path := resolve(root, "pnpm-lock.yaml")):
            hold(
                "install-edits-manifest",
                f"Without a bun.lock, bun takes over {path} and writes into package.json.",
                "Commit bun.lock.",
                path,
            )
        survey.write(resolve(root, "bun.lock"), resolve(root, "bun.lockb"))
        survey.assume(
            "Without a lockfile the install picks versions anew whenever it runs; "
            "after the change it runs when a manifest changes, not at every source edit."
        )

    def _local_dependencies(self) -> None:
        project = self.project
        for manifest in list(project.manifests.values()):
            project.follow(local_paths(manifest, _PROTOCOLS, project.root))
        patches = project.manifests["."].data.get("patchedDependencies")
        for path in patches.values() if isinstance(patches, Mapping) else ():
            if isinstance(path, str):
                self.survey.read(resolve(project.root, path))

    def _scripts(self) -> None:
        survey, project = self.survey, self.project
        install = nested.looker(survey, self.above)
        for manifest in project.manifests.values():
            directory = posixpath.dirname(manifest.path)
            run = scripts.Run(survey, manifest, "install", directory, self.call, install)
            copied = directory in project.copied
            scripts.survey_scripts(run, scripts.BUILD_EVENTS if copied else scripts.BUN_EVENTS)
        root = project.manifests["."]
        needed = {name for each in project.manifests.values() for name in dependency_names(each)}
        run = scripts.Run(survey, root, "install", project.root, self.call, install)
        trusted = root.data.get("trustedDependencies")
        if isinstance(trusted, list):
            # docs, "Lifecycle scripts": the list takes the place of bun's own.
            needed &= {name for name in trusted if isinstance(name, str)}
        scripts.survey_dependencies(run, needed, known=isinstance(trusted, list))

    def _writes(self) -> None:
        survey = self.survey
        for home in homes(self.call, survey.files):
            survey.write(f"{home}/.bun", f"{home}/.cache", f"{home}/.npm")
        for name in ("BUN_INSTALL", "BUN_INSTALL_CACHE_DIR", "XDG_CACHE_HOME"):
            if value := self.call.env.get(name):
                survey.write(resolve(self.call.directory, value))
        if value := self.words.options.get("cache-dir"):
            survey.write(resolve(self.call.directory, value))
        if self.words.on("yarn"):
            survey.write(resolve(self.project.root, "yarn.lock"))
        survey.write(*(resolve(d, "node_modules") for d in self.project.directories))


def _toml(survey: Survey, path: str) -> Mapping[str, Any]:
    import tomllib

    text = survey.content(path).decode("utf-8", "replace").removeprefix("\ufeff")
    try:
        return tomllib.loads(text)
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        line = re.search(r"line (\d+)", str(error))
        unreadable(path, f"is not valid TOML: {error}", int(line[1]) if line else None)
