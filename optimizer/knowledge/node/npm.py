"""npm: which commands install, and what such an install reads and writes.

Sources: npm/cli, lib/commands/{ci,install}.js, workspaces/arborist (npm 11),
and trials with npm 6 to 11; the functions name the file they follow.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

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
    JsonManifest,
    Survey,
    ancestors,
    answer,
    hold,
    homes,
    resolve,
    within,
)
from optimizer.knowledge.node import nested, npm_lock, scripts
from optimizer.knowledge.node.npm_config import (
    CommandLine,
    Config,
    preloads,
    read_command_line,
    read_config,
)
from optimizer.knowledge.node.project import (
    DEPENDENCY_FIELDS,
    dependency_names,
    hold_for_installed_packages,
    link_programs,
    package_manager,
)
from optimizer.knowledge.node.workspaces import member_directories
from optimizer.knowledge.variables import CERTIFICATES, NODE, PROXIES

NAME = "npm"

# docs of npm, "folders": the prefix of a Node.js in /usr/local (node images) or /usr (packages).
_GLOBAL = tuple(
    f"{prefix}/{part}"
    for prefix in ("/usr/local", "/usr")
    for part in ("lib/node_modules", "bin", "share/man", "etc/npmrc")
)
# Homes of the users of the official node images, for commands that are looked at without files.
_HOMES = ("/root", "/home/node")

# npm's config page, "Environment variables"; the README of corepack; node(1), ENVIRONMENT.
_VARIABLES = ("npm_*", "NPM_*", "COREPACK_*", "XDG_*", *NODE, *PROXIES, *CERTIFICATES)

_READ_ONLY = frozenset({"root", "prefix", "ping", "view", "whoami", "help", "get"})


def recognise(call: Call) -> Install | Touch | Obstacle | None:
    """Says what ``call`` is; see `optimizer.knowledge.installs.Ecosystem`."""
    if call.program == "corepack":
        return _corepack(call)
    if call.program != "npm":
        return None
    line = read_command_line(call.words[1:])
    if preloads(call.env.get("NODE_OPTIONS", "")):
        return Obstacle(
            "config-reads-source",
            f"NODE_OPTIONS is {call.env['NODE_OPTIONS']}, so npm itself loads code of the project.",
            "Set NODE_OPTIONS after the install.",
        )
    if line.on("version") or line.on("versions") or line.on("usage"):
        return Touch(variables=_VARIABLES, repeatable=True)
    if line.command in ("install", "ci", "update", "uninstall") and line.unknown:
        return Obstacle(
            "unknown-install-flag",
            f"`{_title(call)}` has {line.unknown[0]}, a flag that dockopt does not know.",
            "Take the flag out if npm ignores it.",
        )
    if line.command in ("install", "ci") and not line.is_global:
        return Install(NAME, _title(call), call)
    return _other_command(call, line)


def _title(call: Call) -> str:
    return " ".join(("npm", *call.words[1:]))


def _other_command(call: Call, line: CommandLine) -> Touch | Obstacle | None:
    match line.command:
        case "install" | "update" | "uninstall" if line.is_global:
            return _global_command(call, line)
        case "install-test" | "install-ci-test":
            return Obstacle(
                "install-runs-tests",
                f"`{_title(call)}` runs the project's tests after the install.",
                "Run the install and the tests in two steps.",
            )
        case "link":
            return Obstacle(
                "project-install",
                f"`{_title(call)}` links the project itself.",
                "Link the project after the sources are copied.",
            )
        case "update" | "uninstall" | "dedupe" | "shrinkwrap":
            return _edits_manifest(call)
        case "config" | "set":
            return _settings_command(call, line)
        case "cache":
            written = (*_caches(call), *_left_behind(call))
            return Touch(writes=written, variables=_VARIABLES, network=True)
        case command if command in _READ_ONLY:
            written = (*_logs(call), *_left_behind(call))
            return Touch(writes=written, variables=_VARIABLES, network=True)
    return None


def _global_command(call: Call, line: CommandLine) -> Touch | Obstacle:
    """lib/commands/install.js: without a name, `npm install -g` installs the current directory."""
    local = next((word for word in line.arguments if _names_a_path(word)), None)
    if local or (line.command == "install" and not line.arguments):
        return Obstacle(
            "project-install",
            f"`{_title(call)}` installs {local or 'the current directory'} globally.",
            "Install the project after the sources are copied.",
        )
    prefix = call.env.get("npm_config_prefix") or call.env.get("NPM_CONFIG_PREFIX")
    places = (prefix, *_GLOBAL) if prefix else _GLOBAL
    reads = tuple(f"{home}/.npmrc" for home in _known_homes(call))
    # Packages run lifecycle scripts, and tools such as node-gyp keep headers in the user's cache.
    return Touch(
        reads=(*reads, *places),
        writes=(*places, *_caches(call), *_left_behind(call)),
        variables=("*",),
        network=True,
    )


def _edits_manifest(call: Call) -> Obstacle:
    return Obstacle(
        "install-edits-manifest",
        f"`{_title(call)}` writes into package.json or the lockfile.",
        "Make the change in the project, commit it, and install with `npm ci`.",
    )


def _settings_command(call: Call, line: CommandLine) -> Touch:
    """docs: npm-config; settings go to the user's file unless --location or -g says otherwise."""
    rc = [f"{home}/.npmrc" for home in _known_homes(call)]
    if line.options.get("location") == "project":
        rc.extend(f"{place.rstrip('/')}/.npmrc" for place in ancestors(call.directory))
    written = (*rc, *_GLOBAL, *_logs(call), *_left_behind(call))
    return Touch((*rc, *_GLOBAL), written, _VARIABLES)


def _corepack(call: Call) -> Install | Touch | Obstacle | None:
    """docs of corepack: `enable` puts shims beside itself, `prepare X@1` fills its cache, and
    `install` takes the package manager from the nearest package.json."""
    rest = [word for word in call.words[2:] if not word.startswith("-")]
    verb = call.words[1] if len(call.words) > 1 else ""
    cache = tuple(f"{home}/.cache/node/corepack" for home in _known_homes(call))
    if verb in ("enable", "disable"):
        return Touch(writes=("/usr/local/bin", "/usr/bin"), variables=_VARIABLES, repeatable=True)
    if verb in ("prepare", "install", "use", "up"):
        if verb in ("prepare", "install") and rest and not any(map(_names_a_path, rest)):
            return Touch(
                writes=(*cache, "/usr/local/bin", "/usr/bin"), variables=_VARIABLES, network=True
            )
        if verb in ("prepare", "install") and not rest:
            return Install(NAME, " ".join(("corepack", *call.words[1:])), call)
        return Obstacle(
            "install-edits-manifest",
            f"`{' '.join(call.words)}` writes into package.json.",
            "Commit the change, and use `corepack install`.",
        )
    return None


def _known_homes(call: Call) -> tuple[str, ...]:
    home = call.env.get("HOME")
    return (home,) if home else _HOMES


def _left_behind(call: Call) -> tuple[str, ...]:
    """node-gyp README ("Environment variables", devdir), node's compile cache, and os.tmpdir()."""
    homes_ = (f"{home}/{part}" for home in _known_homes(call) for part in (".cache", ".config"))
    return (*homes_, call.env.get("TMPDIR") or "/tmp")


def _logs(call: Call) -> tuple[str, ...]:
    """npm's config page, logs-dir: a log of every run, below the cache."""
    return tuple(f"{cache}/_logs" for cache in _caches(call))


def _caches(call: Call) -> tuple[str, ...]:
    cache = call.env.get("npm_config_cache") or call.env.get("NPM_CONFIG_CACHE")
    return (cache,) if cache else tuple(f"{home}/.npm" for home in _known_homes(call))


def _names_a_path(spec: str) -> bool:
    """npm-package-arg lib/npa.js, as far as a word can mean a file or directory."""
    if re.match(r"(?:git\+)?[a-z]+:", spec) or re.match(r"[^@]+@[^:.]+\.[^:]+:.+$", spec):
        return spec.startswith("file:")
    bare = spec[spec.index("@", 1) + 1 :] if "@" in spec[1:] else spec
    if bare.startswith(("file:", ".", "/", "~/")):
        return True
    if re.search(r"\.(?:tgz|tar\.gz|tar)$", bare):
        return True
    return "/" in bare.removeprefix("@").partition("/")[2]


def dependency_step(call: Call, files: Files) -> Install | Obstacle | None:
    """Returns None: npm has no command that builds and installs dependencies in one."""
    return None


def download_caches(call: Call) -> tuple[DownloadCache, ...]:
    """Returns npm's cache; see `optimizer.knowledge.installs.Ecosystem`.

    npm writes it atomically and by content (cacache's README), so it needs no lock.
    """
    known = any(call.env.get(name) for name in ("npm_config_cache", "NPM_CONFIG_CACHE", "HOME"))
    caches = _caches(call) if call.program == "npm" and known else ()
    return tuple(DownloadCache(resolve("/", path), is_locked=True) for path in caches)


def inputs(install: Install, files: Files) -> Inputs | Obstacle:
    """Returns what ``install`` reads among ``files``, or why that is not known."""
    return answer(lambda: _survey(install.call, Survey(files)))


def _survey(call: Call, survey: Survey) -> Inputs:
    look(call, survey, frozenset())
    return survey.inputs()


def look(call: Call, survey: Survey, above: frozenset[str]) -> None:
    """Notes what the install ``call`` reads and writes; ``above`` are those that run it."""
    if call.program == "corepack":
        _look_at_corepack(call, survey)
    else:
        _Project(survey, call, above).look()


def _look_at_corepack(call: Call, survey: Survey) -> None:
    """README of corepack, "corepack install": the nearest packageManager; sources/specUtils.ts
    (loadSpec) looks into every package.json on the way up, and .corepack.env (tryReadEnv)."""
    for place in ancestors(call.directory):
        survey.read(resolve(place, "package.json"))
        survey.read(resolve(place, ".corepack.env"))
    if package_manager(survey, call.directory) is None:
        hold(
            "manifest-outside-copy",
            f"`{' '.join(call.words)}` looks for packageManager in package.json, and no copied "
            "one has it.",
            "Name the package manager and its version in the command.",
        )
    for home in homes(call, survey.files):
        survey.write(f"{home}/.cache")
    survey.write("/usr/local/bin", "/usr/bin")


@dataclass(slots=True)
class _Project:
    """One npm install while it is looked at. ``above`` are the installs that it is part of."""

    survey: Survey
    call: Call
    above: frozenset[str]
    line: CommandLine = field(init=False)
    prefix: str = field(init=False)
    config: Config = field(init=False)
    manifests: dict[str, JsonManifest] = field(init=False, default_factory=dict)

    def look(self) -> None:
        """Notes everything that the install reads and writes."""
        self.line = read_command_line(self.call.words[1:])
        self.prefix = self._local_prefix()
        self.config = read_config(self.survey, self.call, self.line.options, (self.prefix,))
        path = resolve(self.prefix, "package.json")
        if not self.survey.has_file(path):
            if self.line.command == "install" and self.line.arguments:
                self._outside_of_project()
                return
            hold(
                "manifest-outside-copy",
                f"{path} is not among the files copied from the build context.",
                "Copy package.json from the build context before the install.",
                path,
            )
        root = self.survey.json(path)
        self.manifests[""] = root
        self._arguments(root)
        lock = self._lock(root)
        self._members(root)
        self._local_dependencies(lock)
        self._installed_packages()
        if not self.config.on("ignore-scripts"):
            self._scripts(lock)
        self._writes(lock)

    def _local_prefix(self) -> str:
        """config/lib/index.js, loadLocalPrefix: --prefix, or up to package.json, then to the root.

        npm before 8 does not look for a workspace root above a member, so the member's own
        lockfile is noted too.
        """
        if "prefix" in self.line.options:
            return resolve(self.call.directory, self.line.options["prefix"])
        found = None
        for place in ancestors(self.call.directory):
            path = resolve(place, "package.json")
            if found is None:
                if self.survey.has_file(path) or self.survey.has_dir(
                    resolve(place, "node_modules")
                ):
                    found = place
                    if self.line.off("workspaces"):
                        return found
            elif self.survey.has_file(path):
                manifest = self.survey.json(path, note=False)
                if found in member_directories(self.survey, place, manifest):
                    npm_lock.read_lock(self.survey, found)
                    return place
        return found or self.call.directory

    def _outside_of_project(self) -> None:
        """`npm install NAME` where no package.json was copied: nothing of the project is read."""
        self._hold_local_arguments()
        self.survey.write(self.prefix + "/package.json", self.prefix + "/package-lock.json")
        self._writes(None)

    def _hold_local_arguments(self) -> None:
        for word in self.line.arguments:
            if _names_a_path(word):
                hold(
                    "local-dependency",
                    f"`{_title(self.call)}` installs {word}, a path.",
                    "Name the dependency in package.json.",
                )

    def _arguments(self, root: JsonManifest) -> None:
        if not self.line.arguments:
            return
        self._hold_local_arguments()
        if self._saves():
            hold(
                "install-edits-manifest",
                f"`{_title(self.call)}` writes {', '.join(self.line.arguments)} into {root.path}.",
                "Add the dependency to package.json and the lockfile, or install with --no-save.",
                root.path,
            )

    def _saves(self) -> bool:
        return self.line.command == "install" and self.config.on("save", default=True)

    def _locks(self) -> bool:
        """definitions.js: package-lock, and shrinkwrap as its old name."""
        return self.config.on("package-lock", True) and self.config.on("shrinkwrap", True)

    def _lock(self, root: JsonManifest) -> npm_lock.Lock | None:
        if self.line.command != "ci" and not self._locks():
            # definitions.js, package-lock: an install that is told so looks past the lockfile.
            with self.survey.at_will():
                return npm_lock.read_lock(self.survey, self.prefix)
        lock = npm_lock.read_lock(self.survey, self.prefix)
        if self.line.command == "ci":
            self._frozen(lock, root)
            return lock
        # shrinkwrap.js, load: yarn.lock steers the versions where npm has no lockfile of its own,
        # and `save` rewrites it.
        yarn = resolve(self.prefix, "yarn.lock")
        if self.survey.read(yarn) and self._saves() and self._locks():
            self.survey.rewrite(yarn)
        if lock is None:
            self.survey.assume(
                "Without a lockfile the install picks versions anew whenever it runs; "
                "after the change it runs when a manifest changes, not at every source edit."
            )
        return lock

    def _frozen(self, lock: npm_lock.Lock | None, root: JsonManifest) -> None:
        """lib/commands/ci.js: stops without a lockfile, and where lock and manifest disagree."""
        if lock is None:
            hold(
                "missing-lockfile",
                f"`{_title(self.call)}` needs package-lock.json or npm-shrinkwrap.json "
                f"in {self.prefix}, and neither is among the copied files.",
                "Commit package-lock.json, and see that .dockerignore does not leave it out.",
                resolve(self.prefix, "package-lock.json"),
            )
        if difference := npm_lock.missing_from_lock(lock, root):
            hold(
                "lockfile-out-of-sync",
                f"{root.path} asks for {difference.text}, so `npm ci` stops or is about to.",
                "Run `npm install` and commit the lockfile.",
                root.path,
                root.line_of_key(difference.key),
            )

    def _members(self, root: JsonManifest) -> None:
        """arborist, build-ideal-tree.js: every member's package.json; members' members are none."""
        if root.data.get("workspaces"):
            for directory in member_directories(self.survey, self.prefix, root):
                location = posixpath.relpath(directory, self.prefix)
                self.manifests[location] = self.survey.json(resolve(directory, "package.json"))
                link_programs(self.survey, self.manifests[location])

    def _local_dependencies(self, lock: npm_lock.Lock | None) -> None:
        queue = [
            (manifest, spec) for manifest in list(self.manifests.values())
            for spec in _local_specs(manifest)
        ]  # fmt: skip
        if lock is not None:
            queue += [(lock.manifest, path) for path in lock.local_paths()]
        while queue:
            manifest, spec = queue.pop()
            path = resolve(posixpath.dirname(manifest.path), spec)
            location = posixpath.relpath(path, self.prefix)
            if self.survey.has_file(path):
                self.survey.read(path)
            elif location not in self.manifests and self.survey.has_dir(path):
                linked = self._linked_directory(manifest, path)
                self.manifests[location] = linked
                queue += [(linked, nested) for nested in _local_specs(linked)]

    def _linked_directory(self, manifest: JsonManifest, path: str) -> JsonManifest:
        """A dependency that is a directory: a link by default, packed with install-links.

        definitions.js: install-links was the default in the first releases of npm 9, so the
        whole directory counts as read.
        """
        if within(self.prefix, path) or within(self.call.directory, path):
            hold(
                "local-dependency",
                f"{manifest.path} depends on {path}, which holds the project itself.",
                "Depend on a directory that does not hold the whole project.",
                manifest.path,
            )
        linked = resolve(path, "package.json")
        if not self.survey.has_file(linked):
            hold(
                "local-dependency",
                f"{manifest.path} depends on {path}, which has no package.json.",
                "Add a package.json to the directory.",
                manifest.path,
            )
        self.survey.tree(path)
        found = self.survey.json(linked)
        link_programs(self.survey, found)
        return found

    def _directories(self) -> Iterator[str]:
        for manifest in self.manifests.values():
            yield posixpath.dirname(manifest.path)

    def _installed_packages(self) -> None:
        """load-actual.js looks into node_modules here and in the directories above."""
        for directory in (*self._directories(), *ancestors(posixpath.dirname(self.prefix))):
            hold_for_installed_packages(self.survey, directory, NAME)

    def _scripts(self, lock: npm_lock.Lock | None) -> None:
        for location, manifest in self.manifests.items():
            events = scripts.LINK_EVENTS if location else scripts.ROOT_EVENTS
            scripts.survey_scripts(self._run(manifest), events)
        root = self._run(self.manifests[""])
        if lock is not None and lock.names_scripts:
            scripts.survey_dependencies(root, lock.packages_with_scripts(), known=True)
        else:
            names = {name for m in self.manifests.values() for name in dependency_names(m)}
            names |= set(lock.packages_with_scripts()) if lock else set()
            scripts.survey_dependencies(root, names, known=False)

    def _run(self, manifest: JsonManifest) -> scripts.Run:
        directory = posixpath.dirname(manifest.path)
        install = nested.looker(self.survey, self.above)
        return scripts.Run(self.survey, manifest, "install", directory, self.call, install)

    def _writes(self, lock: npm_lock.Lock | None) -> None:
        survey, prefix = self.survey, self.prefix
        for home in homes(self.call, survey.files):
            survey.write(f"{home}/.npm", f"{home}/.cache", f"{home}/.config")
        # npm's config page, "cache" and "logs-dir"; npm, bin/npm-cli.js and lib/cli.js turn on
        # Node's compile cache, which lies with the temporary files.
        survey.write(*_caches(self.call))
        for option in ("cache", "logs-dir"):
            if value := self.config.get(option):
                survey.write(resolve(self.call.directory, value))
        temporary = self.call.env.get("TMPDIR") or "/tmp"
        survey.write(f"{temporary}/node-compile-cache", f"{temporary}/v8-compile-cache-0")
        if not self.config.on("package-lock-only"):
            for directory in (*self._directories(), prefix):
                survey.write(resolve(directory, "node_modules"))
        if self.manifests and self._saves() and self._locks():
            self._saved_lock(lock)

    def _saved_lock(self, lock: npm_lock.Lock | None) -> None:
        """reify.js (_saveIdealTree): an install that saves always writes the lockfile."""
        if lock is None:
            self.survey.write(resolve(self.prefix, "package-lock.json"))
            return
        self.survey.rewrite(lock.path)
        change = npm_lock.would_change(lock, self.manifests)
        if change is None:
            self.survey.assume(
                f"{lock.path} agrees with the manifests, so the install keeps its versions; "
                "npm may note them in another form, and the later copy keeps the committed one."
            )
        else:
            self.survey.assume(
                f"{lock.path} {change}: the install brings it up to date, "
                "and the later copy puts the committed one back."
            )


def _local_specs(manifest: JsonManifest) -> Iterator[str]:
    """Yields the paths that dependencies and overrides name (npm-package-arg lib/npa.js)."""
    for name in DEPENDENCY_FIELDS:
        section = manifest.data.get(name)
        yield from _paths_in(section if isinstance(section, Mapping) else {})
    overrides = manifest.data.get("overrides")
    yield from _paths_in(overrides if isinstance(overrides, Mapping) else {})


def _paths_in(section: Mapping[str, object]) -> Iterator[str]:
    for spec in section.values():
        if isinstance(spec, Mapping):
            yield from _paths_in(spec)
        elif isinstance(spec, str) and re.match(r"file:|\.|/|~/", spec):
            yield re.sub(r"^file:(?://)?(?=/)|^file:", "", spec)
