"""Yarn 2 and later: what an install of it reads and writes.

Sources: yarnpkg/berry, packages/yarnpkg-core/sources (Configuration.ts, Project.ts, Workspace.ts,
Manifest.ts), plugin-{file,link,exec,patch,pnp,nm,pnpm,constraints}, plugin-essentials
(install.ts), plugin-workspace-tools (focus.ts); the "Settings (.yarnrc.yml)" reference; trials
with Yarn 3.8 and 4.
"""

from __future__ import annotations

import json
import posixpath
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import unquote

from optimizer.knowledge.installs import Call
from optimizer.knowledge.manifests import JsonManifest, Survey, ancestors, hold, homes, resolve
from optimizer.knowledge.node import nested, scripts
from optimizer.knowledge.node.javascript import stands_alone
from optimizer.knowledge.node.options import Words, names
from optimizer.knowledge.node.project import (
    DEPENDENCY_FIELDS,
    Project,
    Protocols,
    dependency_names,
    local_paths,
)
from optimizer.knowledge.node.workspaces import (
    declared_workspaces,
    matching_directories,
    npm_patterns,
)
from optimizer.knowledge.node.yaml_files import hold_for_conflicts, read_yaml

# plugin-file (FileResolver, TarballFileResolver), plugin-link, plugin-exec.
_PROTOCOLS = Protocols(
    {"file": "copied", "portal": "linked", "link": "linked", "exec": "ran"}, bare="copied"
)
# The plugins of the repository yarnpkg/berry; they read nothing beside what is noted here.
_OFFICIAL = names(
    """
    compat constraints dlx essentials exec file git github http init interactive-tools jsr link nm
    node-modules npm npm-cli outdated pack patch pnp pnpm stage typescript version workspace-tools
    """
)
_CERTIFICATES = re.compile(r"(?:https(?:Ca|Key|Cert)|ca|cert|key)FilePath")


def look(
    call: Call, words: Words, directory: str, survey: Survey, above: frozenset[str]
) -> None:  # fmt: skip
    """Notes what the install ``call`` in ``directory`` reads and writes."""
    _Berry(call, words, directory, survey, above).look()


@dataclass(slots=True)
class _Berry:
    call: Call
    words: Words
    directory: str
    survey: Survey
    above: frozenset[str]
    project: Project = field(init=False)
    settings: dict[str, Any] = field(init=False, default_factory=dict)
    members: dict[str, None] = field(init=False, default_factory=dict)

    def look(self) -> None:
        root = self._root()
        self._read_settings()
        linker = self._setting("nodeLinker", "pnp")
        self.project = Project(self.survey, self.call, root, _PROTOCOLS, linker != "pnp")
        self.project.add_root()
        self._members()
        self._lock()
        self._code(root)
        self._local_dependencies()
        # A project that does not say which Yarn it is for may get Yarn 1, which makes modules.
        makes_modules = linker != "pnp" or not self._major()
        if makes_modules:
            self.project.hold_for_installed_packages()
        self._cache()
        if self.words.options.get("mode") != "skip-build" and not self.words.on("skip-builds"):
            self._scripts()
        self._writes(str(linker), makes_modules)

    def _root(self) -> str:
        """Configuration.ts, findProjectCwd: up to a lockfile, else the topmost manifest."""
        topmost = self.directory
        for place in ancestors(self.directory):
            if self.survey.has_file(resolve(place, "yarn.lock")):
                return place
            if self.survey.has_file(resolve(place, "package.json")):
                topmost = place
        return topmost

    def _read_settings(self) -> None:
        """Configuration.ts, findRcFiles: here, in every directory above, and the user's; and
        YARN_* variables, which win."""
        for name, value in self.call.env.items():
            if name.startswith("YARN_"):
                head, *rest = name[5:].lower().split("_")
                self.settings[head + "".join(word.capitalize() for word in rest)] = value
        file = self.call.env.get("YARN_RC_FILENAME") or ".yarnrc.yml"
        places = [*ancestors(self.directory), *homes(self.call, self.survey.files)]
        for path in dict.fromkeys(resolve(place, file) for place in places):
            if self.survey.has_file(path):
                found = read_yaml(self.survey, path)
                self._files_of_settings(found, posixpath.dirname(path))
                for key, value in found.items():
                    self.settings.setdefault(str(key), value)

    def _files_of_settings(self, settings: Mapping[str, Any], directory: str) -> None:
        program = settings.get("yarnPath")
        if isinstance(program, str):
            self.survey.read(resolve(directory, program))
        plugins = settings.get("plugins")
        for plugin in plugins if isinstance(plugins, list) else ():
            self._plugin(plugin, directory)
        for path in _certificates(settings):
            self.survey.read(resolve(directory, path))

    def _plugin(self, plugin: object, directory: str) -> None:
        path, spec = plugin, plugin
        if isinstance(plugin, Mapping):
            path, spec = plugin.get("path"), plugin.get("spec") or plugin.get("path")
        if not isinstance(path, str):
            return
        place = resolve(directory, path)
        name = re.search(r"plugin-([\w-]+?)(?:\.c?js)?$", str(spec))
        foreign = re.match(r"https?:", str(spec)) is not None and "yarnpkg/berry" not in str(spec)
        if self.survey.read(place) and (foreign or not name or name[1] not in _OFFICIAL):
            hold(
                "config-reads-source",
                f"Yarn loads the plugin {place}, and what that reads is not known.",
                "Take the plugin out of .yarnrc.yml, or copy what it reads above the install "
                "yourself.",
                place,
            )

    def _setting(self, name: str, default: object) -> Any:
        return self.settings.get(name, default)

    def _members(self) -> None:
        """Workspace.ts: globby for each workspace, which may have workspaces of its own."""
        queue = [self.project.root]
        while queue:
            directory = queue.pop()
            if directory in self.members:
                continue
            self.members[directory] = None
            if directory != self.project.root:
                self.project.add_member(directory)
            manifest = self.project.manifests[posixpath.relpath(directory, self.project.root)]
            if declared_workspaces(manifest):
                queue += matching_directories(self.survey, directory, npm_patterns(manifest))

    def _is_immutable(self) -> bool:
        """install.ts: --immutable, its old name, or the setting, which is on in CI."""
        if self.words.off("immutable"):
            return False
        said = str(self._setting("enableImmutableInstalls", "")).lower()
        in_ci = "CI" in self.call.env and self.call.env["CI"] not in ("", "0", "false")
        flagged = self.words.on("immutable") or self.words.on("frozen-lockfile")
        return flagged or said == "true" or (in_ci and said != "false")

    def _keeps_files(self) -> bool:
        """focus.ts installs with persistProject off."""
        return self.words.plain[:2] == ("workspaces", "focus")

    def _lock(self) -> None:
        path = resolve(self.project.root, str(self._setting("lockfileFilename", "yarn.lock")))
        if self.survey.read(path):
            hold_for_conflicts(self.survey.content(path).decode("utf-8", "replace"), path)
            if not self._is_immutable() and not self._keeps_files():
                self.survey.rewrite(path)
                self.survey.assume(
                    f"Where {path} does not have what the manifests ask for, the install brings "
                    "it up to date, and the later copy puts the committed one back."
                )
        elif self._is_immutable():
            hold(
                "missing-lockfile",
                f"An immutable install needs {path}, and it is not among the copied files.",
                "Commit yarn.lock, and see that .dockerignore does not leave it out.",
                path,
            )
        else:
            self.survey.write(path)
            self.survey.assume(
                "Without a lockfile the install picks versions anew whenever it runs; "
                "after the change it runs when a manifest changes, not at every source edit."
            )
        if self._is_immutable() and self._setting("immutablePatterns", None):
            hold(
                "config-reads-source",
                "immutablePatterns in .yarnrc.yml makes the install check files of the project.",
                "Check them in a step of its own.",
            )

    def _code(self, root: str) -> None:
        """Files of the project that every start of Yarn or every install runs or takes in."""
        named = self._setting("injectEnvironmentFiles", [".env.yarn?"])
        for path in named if isinstance(named, list) else ():
            self.survey.read(resolve(root, str(path).removesuffix("?")))
        if str(self._setting("enableConstraintsChecks", "false")).lower() != "true":
            return
        for name in ("yarn.config.cjs", str(self._setting("constraintsPath", "constraints.pro"))):
            path = resolve(root, name)
            if not self.survey.read(path):
                continue
            text = self.survey.content(path).decode("utf-8", "replace")
            if name.endswith(".cjs") and not stands_alone(text):
                hold(
                    "config-reads-source",
                    f"enableConstraintsChecks makes the install run {path}, which loads other "
                    "files.",
                    "Check the constraints in a step of its own.",
                    path,
                )

    def _local_dependencies(self) -> None:
        project = self.project
        for manifest in list(project.manifests.values()):
            project.follow(local_paths(manifest, _PROTOCOLS, project.root))
        for manifest in project.manifests.values():
            for path in _patches(manifest, project.root):
                self.survey.read(path)

    def _cache(self) -> None:
        """Configuration.ts, enableGlobalCache: on since Yarn 4; where it is off, the archives
        lie in the project ("Zero-installs")."""
        folder = resolve(self.project.root, str(self._setting("cacheFolder", ".yarn/cache")))
        if self._uses_global_cache() or self.words.on("clean-cache"):
            return
        if self.survey.has_dir(folder):
            self.survey.tree(folder)
            self.survey.rewrite(folder)
        else:
            self.survey.write(folder)

    def _uses_global_cache(self) -> bool:
        said = self._setting("enableGlobalCache", None)
        if said is not None:
            return str(said).lower() != "false"
        return self._major() >= 4

    def _major(self) -> int:
        """The version that the project asks for; 0 where it does not say."""
        manager = self.project.manifests["."].data.get("packageManager")
        named = re.search(r"yarn[@-](\d+)", f"{manager} {self.settings.get('yarnPath')}")
        return int(named[1]) if named and len(named[1]) < 4 else 0

    def _scripts(self) -> None:
        survey, project = self.survey, self.project
        install = nested.looker(survey, self.above)
        for manifest in project.manifests.values():
            directory = posixpath.dirname(manifest.path)
            run = scripts.Run(survey, manifest, "install", directory, self.call, install)
            # YN0006: the build scripts of what portal: and link: lead to are ignored.
            if directory not in project.linked:
                scripts.survey_scripts(run, scripts.BUILD_EVENTS)
        if str(self._setting("enableScripts", "true")).lower() == "false":
            return
        root = project.manifests["."]
        needed = {name for each in project.manifests.values() for name in dependency_names(each)}
        run = scripts.Run(survey, root, "install", project.root, self.call, install)
        scripts.survey_dependencies(run, needed, known=False)

    def _writes(self, linker: str, makes_modules: bool) -> None:
        survey, root = self.survey, self.project.root
        for home in homes(self.call, survey.files):
            survey.write(f"{home}/.yarn", f"{home}/.cache", f"{home}/.config")
        for name in ("globalFolder", "installStatePath", "pnpUnpluggedFolder", "bstatePath"):
            if isinstance(named := self._setting(name, None), str):
                survey.write(resolve(root, named))
        survey.write(
            *(resolve(root, f".yarn/{n}") for n in ("install-state.gz", "build-state.yml"))
        )
        temporary = self.call.env.get("TMPDIR") or "/tmp"
        survey.write(f"{temporary}/xfs-", f"{temporary}/node-compile-cache")
        if linker == "pnp":
            loaders = (".pnp.cjs", ".pnp.js", ".pnp.loader.mjs", ".pnp.data.json")
            survey.write(*(resolve(root, name) for name in (*loaders, ".yarn/unplugged")))
        if makes_modules:
            survey.write(*(resolve(d, "node_modules") for d in self.project.directories))
        if not self._keeps_files():
            self._manifests_in_yarns_form()

    def _manifests_in_yarns_form(self) -> None:
        """Project.ts (persist): every manifest is written in Yarn's form, with --immutable too."""
        for directory in self.members:
            manifest = self.project.manifests[posixpath.relpath(directory, self.project.root)]
            if not _has_yarns_form(manifest):
                self.survey.rewrite(manifest.path)
                self.survey.assume(
                    f"Yarn writes {manifest.path} in a form of its own; the later copy puts the "
                    "committed one back."
                )


def _certificates(settings: object) -> Iterator[str]:
    if isinstance(settings, Mapping):
        for key, value in settings.items():
            if isinstance(value, str) and _CERTIFICATES.fullmatch(str(key)):
                yield value
            else:
                yield from _certificates(value)


def _patches(manifest: JsonManifest, root: str) -> Iterator[str]:
    """Yields the absolute paths of the patches that dependencies and resolutions name.

    plugin-patch/sources/patchUtils.ts: ``patch:SOURCE#PATHS``, paths joined by ``&``, each of
    which may begin with flags (``optional!``); ``~/`` is the project's root, a path of
    ``builtin<...>`` is part of Yarn.
    """
    directory = posixpath.dirname(manifest.path)
    names = (*DEPENDENCY_FIELDS, *(("resolutions",) if directory == root else ()))
    for name in names:
        section = manifest.data.get(name)
        for spec in section.values() if isinstance(section, Mapping) else ():
            if isinstance(spec, str):
                yield from (resolve(root if is_root else directory, path)
                            for path, is_root in _patch_paths(spec, 8))  # fmt: skip


def _patch_paths(spec: str, depth: int) -> Iterator[tuple[str, bool]]:
    if not spec.startswith("patch:") or not depth:
        return
    source, _, rest = spec.removeprefix("patch:").partition("#")
    for path in re.split(r"::", rest)[0].split("&"):
        bare = unquote(path).rpartition("!")[2]
        if bare and not bare.startswith(("builtin<", "~builtin<")):
            yield bare.removeprefix("~/"), bare.startswith("~/")
    yield from _patch_paths(re.sub(r"^.*?@(?=patch:)", "", unquote(source)), depth - 1)


# Manifest.ts, exportTo: what it sorts, and what it stores in another form than it may stand.
_SORTED = (*DEPENDENCY_FIELDS, "dependenciesMeta", "peerDependenciesMeta")
_REFORMED = (
    "bin", "publishConfig", "workspaces", "resolutions", "preferUnplugged", "installConfig", "os",
    "cpu", "libc", "exports", "imports", "files", "type", "main", "module", "browser",
    "bundledDependencies", "languageName",
)  # fmt: skip


def _has_yarns_form(manifest: JsonManifest) -> bool:
    """Tells whether Yarn leaves a manifest as it is: its JSON as JSON.stringify makes it, its
    dependencies in order, and nothing in it that Yarn may store otherwise."""
    indent = re.search(r"^([ \t]+)\S", manifest.text, re.M)
    written = json.dumps(
        manifest.data, indent=indent[1] if indent else "  ", ensure_ascii=False
    )  # fmt: skip
    written = re.sub(r"\{\s*\}", "{}", re.sub(r"\[\s*\]", "[]", written))
    if manifest.text != written + "\n":
        return False
    for name in _SORTED:
        section = manifest.data.get(name)
        if section is not None and (
            not isinstance(section, Mapping) or not section or list(section) != sorted(section)
        ):
            return False
    return all(_keeps(name, manifest.data.get(name)) for name in _REFORMED)


def _keeps(name: str, value: object) -> bool:
    if name == "workspaces":
        return value is None or (isinstance(value, list) and bool(value))
    if name in ("type", "main", "module", "browser"):
        return value is None or isinstance(value, str)
    return value in (None, True, False) or (isinstance(value, (list, Mapping)) and bool(value))
