"""pnpm: which commands install, and what such an install reads and writes.

Sources: pnpm/pnpm (v8 to v11), config/config, workspace/{find-packages,read-manifest},
hooks/pnpmfile, pkg-manager/{core,plugin-commands-installation}, exec/lifecycle,
lockfile/fs; pnpm's reference, "Settings"; trials with pnpm 8, 9 and 10.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator, Mapping
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
    Held,
    JsonManifest,
    Survey,
    ancestors,
    answer,
    hold,
    homes,
    resolve,
    within,
)
from optimizer.knowledge.node import nested, scripts
from optimizer.knowledge.node.javascript import stands_alone
from optimizer.knowledge.node.npm_config import Config, preloads, read_config
from optimizer.knowledge.node.options import OptionTable, Words, names, read_words
from optimizer.knowledge.node.project import (
    Project,
    Protocols,
    dependency_names,
    local_paths,
    package_manager,
)
from optimizer.knowledge.node.workspaces import matching_directories, unordered_patterns
from optimizer.knowledge.node.yaml_files import hold_for_conflicts, read_section, read_yaml

NAME = "pnpm"

# pnpm's reference, "pnpm install", "pnpm fetch", "Filtering" and "Settings"; config/types.ts.
_OPTIONS = OptionTable(
    booleans=names(
        """
        recursive prod production dev optional offline prefer-offline frozen-lockfile
        prefer-frozen-lockfile lockfile lockfile-only fix-lockfile merge-git-branch-lockfiles
        ignore-scripts ignore-pnpmfile ignore-workspace ignore-workspace-root-check workspace-root
        shamefully-hoist hoist strict-peer-dependencies auto-install-peers force silent stream
        aggregate-output use-beta-cli side-effects-cache side-effects-cache-readonly
        verify-store-integrity dangerously-allow-all-builds shared-workspace-lockfile
        engine-strict unsafe-perm color no-bail bail if-present include-workspace-root
        link-workspace-packages save save-dev save-prod save-exact save-optional save-peer global
        global-dir strict-store-pkg-content-check resolution-only enable-modules-dir
        fail-if-no-match no-color ignore-compatibility-db update-notifier progress strict-ssl
        version help inject-workspace-packages dedupe-peer-dependents prefer-workspace-packages
        symlink optimistic-repeat-install trust-lockfile yes package-import fund audit
        """
    ),
    valued=names(
        """
        dir filter filter-prod test-pattern changed-files-ignore-pattern reporter loglevel
        store-dir virtual-store-dir modules-dir lockfile-dir registry network-concurrency
        child-concurrency workspace-concurrency fetch-retries fetch-retry-factor
        fetch-retry-maxtimeout fetch-retry-mintimeout fetch-timeout hoist-pattern
        public-hoist-pattern package-import-method node-linker use-node-version cpu os libc
        resume-from prefix cache-dir state-dir global-pnpmfile pnpmfile user-agent omit only
        save-prefix proxy https-proxy noproxy cafile config-dir minimum-release-age
        network-timeout trust-policy
        """
    ),
    short={"r": "recursive", "P": "prod", "D": "dev", "O": "save-optional", "E": "save-exact",
           "w": "workspace-root", "s": "silent", "C": "dir", "F": "filter", "g": "global",
           "v": "version", "h": "help", "f": "force", "q": "silent", "d": "dev", "y": "yes"},
)  # fmt: skip

_EDITS = frozenset(
    ("update", "up", "upgrade", "remove", "rm", "uninstall", "un", "dedupe", "import", "patch",
     "patch-commit", "patch-remove", "approve-builds")
)  # fmt: skip

# pkg-manager/core and resolving/local-resolver (parsePref.ts): a path without a protocol is a
# link, or an archive.
_PROTOCOLS = Protocols(
    {"file": "copied", "link": "linked", "workspace": "linked"}, bare="linked", hard_links=True
)  # fmt: skip


def recognise(call: Call) -> Install | Touch | Obstacle | None:
    """Says what ``call`` is; see `optimizer.knowledge.installs.Ecosystem`."""
    if call.program != "pnpm":
        return None
    words = _words(call)
    if words.on("global") or words.on("version") or words.on("help"):
        return None
    title = " ".join(("pnpm", *call.words[1:]))
    match _plain(words):
        case ("install" | "i" | "ci" | "clean-install" | "fetch",):
            return _unless_odd(call, words, title)
        case ("install" | "i" | "add", *_):
            return Install(NAME, title, call)
        case ("install-test" | "it", *_):
            return Obstacle(
                "install-runs-tests",
                f"`{title}` runs the project's tests after the install.",
                "Run the install and the tests in two steps.",
            )
        case ("link" | "ln" | "unlink", *_):
            return Obstacle(
                "project-install",
                f"`{title}` links the project itself.",
                "Link the project after the sources are copied.",
            )
        case ("deploy", *_):
            return Obstacle(
                "project-install",
                f"`{title}` copies the files of the project itself.",
                "Install above it with `pnpm fetch` or `pnpm install`, which need manifests alone.",
            )
        case (verb, *_) if verb in _EDITS:
            return Obstacle(
                "install-edits-manifest",
                f"`{title}` writes into package.json or the lockfile.",
                "Make the change in the project, commit it, and use `pnpm install "
                "--frozen-lockfile`.",
            )
    return None


def _words(call: Call) -> Words:
    return read_words(call.words[1:], _OPTIONS)


def _plain(words: Words) -> tuple[str, ...]:
    """The verb and what follows; `recursive` and `m` in front of it mean -r (pnpm's reference)."""
    plain = words.plain
    return plain[1:] if plain[:1] in (("recursive",), ("multi",), ("m",)) else plain


def _unless_odd(call: Call, words: Words, title: str) -> Install | Obstacle:
    if preloads(call.env.get("NODE_OPTIONS", "")):
        return Obstacle(
            "config-reads-source",
            f"NODE_OPTIONS is {call.env['NODE_OPTIONS']}, so pnpm itself loads code of the "
            "project.",
            "Set NODE_OPTIONS after the install.",
        )
    unknown = [word for word in words.unknown if not word.startswith("--config.")]
    if unknown:
        return Obstacle(
            "unknown-install-flag",
            f"`{title}` has {unknown[0]}, a flag that dockopt does not know.",
            "Take the flag out if pnpm ignores it.",
        )
    return Install(NAME, title, call)


# Options of `pnpm install` that `pnpm fetch` goes by, too, and those that do not
# matter to it; with any other it might bring in something else.
_CARRIED = names(
    """
    prod production dev dir prefix store-dir registry network-concurrency fetch-retries
    fetch-retry-factor fetch-retry-maxtimeout fetch-retry-mintimeout fetch-timeout
    """
)
_NEUTRAL = names(
    """
    frozen-lockfile prefer-frozen-lockfile prefer-offline silent reporter loglevel recursive color
    unsafe-perm strict-peer-dependencies
    """
)
# Why an install needs sources although `pnpm fetch` does not.
_SCRIPTS = ("install-script-reads-source", "install-script-sets-git-hooks")


def dependency_step(call: Call, files: Files) -> Install | Obstacle | None:
    """Returns `pnpm fetch` for an install of pnpm 8 or 9 whose scripts need the sources.

    The install takes the packages from where that puts them ("pnpm fetch" in pnpm's reference)
    and leaves the same files as without it. That does not hold for pnpm 10, which then writes no
    NODE_PATH into the programs that it links (tried with 8 to 10).
    """
    words = _words(call)
    if call.program != "pnpm" or _plain(words) not in (("install",), ("i",)) or words.unknown:
        return None
    if not {*words.options} <= _CARRIED | _NEUTRAL:
        return None
    found = inputs(Install(NAME, "pnpm install", call), files)
    if not isinstance(found, Obstacle) or found.code not in _SCRIPTS:
        return None
    try:
        named = package_manager(Survey(files), _directory(call, words)) or ""
    except Held:
        return None
    if re.match(r"pnpm@[89]\.", named) is None:
        return None
    fetch = ("pnpm", "fetch", *_written(words, _CARRIED))
    step = Install(NAME, " ".join(fetch), Call(fetch, call.directory, call.env))
    return None if isinstance(inputs(step, files), Obstacle) else step


def _directory(call: Call, words: Words) -> str:
    named = words.options.get("dir") or words.options.get("prefix") or "."
    return resolve(call.directory, named)


def _written(words: Words, wanted: frozenset[str]) -> Iterator[str]:
    """Yields those options that are ``wanted`` as they can stand on a command line."""
    for name, value in words.options.items():
        if name in wanted:
            is_switch = name in _OPTIONS.booleans
            no = "no-" if is_switch and value == "false" else ""
            yield f"--{no}{name}" if is_switch else f"--{name}={value}"


def download_caches(call: Call) -> tuple[DownloadCache, ...]:
    """Returns pnpm's store, as far as it is known to lie outside the project; see `Ecosystem`.

    store/store-path: PNPM_HOME, then XDG_DATA_HOME, then ~/.local/share. Files come into the
    store by renaming (store/cafs), so it needs no lock.
    """
    if call.program != "pnpm":
        return ()
    named = _words(call).options.get("store-dir") or _in_environment(call, "store_dir")
    home = call.env.get("HOME")
    if named:
        place = resolve(call.directory, named)
    elif call.env.get("PNPM_HOME"):
        place = f"{call.env['PNPM_HOME']}/store"
    elif call.env.get("XDG_DATA_HOME"):
        place = f"{call.env['XDG_DATA_HOME']}/pnpm/store"
    elif home:
        place = f"{home}/.local/share/pnpm/store"
    else:
        return ()
    return (DownloadCache(resolve("/", place), is_locked=True),)


def _in_environment(call: Call, name: str) -> str | None:
    for prefix in ("npm_config_", "pnpm_config_"):
        for spelled in (prefix + name, (prefix + name).upper()):
            if value := call.env.get(spelled):
                return value
    return None


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
    directory = _directory(call, words)
    _Pnpm(call, words, directory, survey, above).look()


@dataclass(slots=True)
class _Pnpm:
    call: Call
    words: Words
    directory: str
    survey: Survey
    above: frozenset[str]
    project: Project = field(init=False)
    workspace: Mapping[str, Any] | None = field(init=False, default=None)
    config: Config = field(init=False)
    lock: str | None = field(init=False, default=None)

    def look(self) -> None:
        package_manager(self.survey, self.directory)
        root = self._root()
        self.project = Project(self.survey, self.call, root, _PROTOCOLS)
        # .npmrc is read before it is known which directories are members.
        self.config = read_config(
            self.survey, self.call, self.words.options, dict.fromkeys((self.directory, root))
        )
        for home in homes(self.call, self.survey.files):
            self.survey.read(f"{home}/.config/pnpm/rc")
        if self._adds():
            return
        self._lock()
        fetches = _plain(self.words) == ("fetch",)
        if not fetches or self.survey.has_file(resolve(root, "package.json")):
            self.project.add_root()
        self._settings(fetches)
        if fetches:
            self._fetched_archives()
        else:
            self._members()
            self._local_dependencies()
            self._injected()
            if self._setting("ignore-scripts") != "true":
                self._scripts()
        self.project.hold_for_installed_packages()
        self._writes(fetches)

    def _root(self) -> str:
        """workspace/find-workspace-dir: up to pnpm-workspace.yaml; else the nearest manifest."""
        nearest = None
        for place in ancestors(self.directory):
            path = resolve(place, "pnpm-workspace.yaml")
            if not self.words.on("ignore-workspace") and self.survey.has_file(path):
                self.workspace = read_yaml(self.survey, path)
                return place
            if nearest is None and self.survey.has_file(resolve(place, "package.json")):
                nearest = place
        return nearest or self.directory

    def _adds(self) -> bool:
        """`pnpm add NAME` is harmless where the context has no project for it to write into."""
        plain = _plain(self.words)
        if len(plain) < 2 and plain[:1] != ("add",):
            return False
        manifest = resolve(self.project.root, "package.json")
        local = any(re.match(r"[a-z]+:|[./~]", word) for word in plain[1:])
        if self.survey.has_file(manifest) or self.words.unknown or local:
            hold(
                "install-edits-manifest",
                f"`{' '.join(self.call.words)}` writes into package.json and the lockfile.",
                "Make the change in the project, commit it, and use `pnpm install "
                "--frozen-lockfile`.",
                manifest,
            )
        written = ("package.json", "pnpm-lock.yaml", "node_modules")
        self.survey.write(*(resolve(self.project.root, name) for name in written))
        return True

    def _setting(self, name: str) -> str | None:
        """A setting: command line, environment, pnpm-workspace.yaml (camelCase), .npmrc."""
        given = self.words.options.get(name) or _in_environment(self.call, name.replace("-", "_"))
        if given is not None:
            return given
        head, *rest = name.split("-")
        value = (self.workspace or {}).get(head + "".join(word.capitalize() for word in rest))
        if value is not None:
            return str(value).lower() if isinstance(value, bool) else str(value)
        return self.config.get(name)

    def _lock(self) -> None:
        folder = self._setting("lockfile-dir")
        place = resolve(self.directory, folder) if folder else self.project.root
        path = resolve(place, "pnpm-lock.yaml")
        if self._setting("git-branch-lockfile") == "true":
            hold(
                "config-reads-source",
                "gitBranchLockfile makes pnpm ask git for the branch.",
                "Turn gitBranchLockfile off in the build.",
            )
        if self._setting("lockfile") == "false":
            return
        if self.survey.read(path):
            self.lock = self.survey.content(path).decode("utf-8", "replace")
            hold_for_conflicts(self.lock, path)
        elif self._is_frozen() or _plain(self.words) == ("fetch",):
            hold(
                "missing-lockfile",
                f"`{' '.join(self.call.words)}` needs {path}, and it is not among the copied "
                "files.",
                "Commit pnpm-lock.yaml, and see that .dockerignore does not leave it out.",
                path,
            )
        else:
            self.survey.assume(
                "Without a lockfile the install picks versions anew whenever it runs; "
                "after the change it runs when a manifest changes, not at every source edit."
            )
        if not self._is_frozen() and _plain(self.words) != ("fetch",):
            self._saved_lock(path)

    def _is_frozen(self) -> bool:
        """config/index.ts: --frozen-lockfile, which is the default in CI."""
        said = self._setting("frozen-lockfile")
        if said is not None:
            return said != "false"
        in_ci = self.call.env.get("CI", "") not in ("", "0", "false")
        return _plain(self.words)[:1] in (("ci",), ("clean-install",)) or in_ci

    def _saved_lock(self, path: str) -> None:
        if self.lock is None:
            self.survey.write(path)
            return
        self.survey.rewrite(path)
        self.survey.assume(
            f"Where {path} does not have what the manifests ask for, the install brings it up to "
            "date, and the later copy puts the committed one back."
        )

    def _settings(self, fetches: bool) -> None:
        """Files that settings name: patches, hooks, lists of packages."""
        root, survey = self.project.root, self.survey
        manifest = self.project.manifests.get(".")
        own = manifest.data.get("pnpm") if manifest else None
        for settings in (self.workspace, own):
            if not isinstance(settings, Mapping):
                continue
            patches = settings.get("patchedDependencies")
            for path in patches.values() if isinstance(patches, Mapping) else ():
                survey.read(resolve(root, str(path)))
            if isinstance(named := settings.get("onlyBuiltDependenciesFile"), str):
                survey.read(resolve(root, named))
        if fetches and self.lock is not None:
            lock = resolve(root, "pnpm-lock.yaml")
            for entry in read_section(self.lock, "patchedDependencies", lock).values():
                named = entry.get("path") if isinstance(entry, Mapping) else None
                if isinstance(named, str):
                    survey.read(resolve(root, named))
        if self._setting("ignore-pnpmfile") != "true":
            self._hooks()

    def _hooks(self) -> None:
        """hooks/pnpmfile, requireHooks.ts: code of the project that pnpm runs."""
        root = self.project.root
        named = self._setting("pnpmfile"), self._setting("global-pnpmfile")
        default = () if named[0] else (".pnpmfile.cjs", ".pnpmfile.mjs", "pnpmfile.js")
        for name in (*(path for path in named if path), *default):
            path = resolve(root, name)
            if not self.survey.read(path):
                continue
            text = self.survey.content(path).decode("utf-8", "replace")
            if not stands_alone(text):
                hold(
                    "config-reads-source",
                    f"pnpm runs {path}, which loads other files.",
                    "Let the hooks stand alone, or copy what they load above the install yourself.",
                    path,
                )

    def _members(self) -> None:
        """workspace/find-packages: globs of pnpm-workspace.yaml; the root is always a member."""
        root = self.project.root
        path = resolve(root, "pnpm-workspace.yaml")
        declared = (self.workspace or {}).get("packages")
        globs = declared if isinstance(declared, list) else ()
        patterns = unordered_patterns((g for g in globs if isinstance(g, str)), path, None)
        manifests = ("package.json", "package.yaml", "package.json5")
        for directory in matching_directories(self.survey, root, patterns, manifests):
            if "bower_components" in directory.split("/"):
                continue
            if not self.survey.has_file(resolve(directory, "package.json")):
                hold(
                    "unreadable-manifest",
                    f"{directory} has a manifest in a form that dockopt does not read.",
                    "Write the manifest as package.json.",
                    directory,
                )
            self._member(directory)
        if self.directory != root and posixpath.relpath(self.directory, root) not in (
            self.project.manifests
        ):  # fmt: skip
            nearest = next(
                (at for at in ancestors(self.directory)
                 if self.survey.has_file(resolve(at, "package.json"))),
                root,
            )  # fmt: skip
            if posixpath.relpath(nearest, root) not in self.project.manifests:
                self._member(nearest)

    def _member(self, directory: str) -> None:
        self.project.add_member(directory)
        self.survey.read(resolve(directory, ".npmrc"))
        if self._setting("shared-workspace-lockfile") == "false":
            lock = resolve(directory, "pnpm-lock.yaml")
            if self.survey.read(lock) and not self._is_frozen():
                self.survey.rewrite(lock)

    def _local_dependencies(self) -> None:
        project, workspace = self.project, self.workspace or {}
        root = project.manifests["."]
        own = root.data.get("pnpm")
        own = own if isinstance(own, Mapping) else {}
        more = [workspace.get(name) for name in ("overrides", "catalog", "catalogs")]
        more += [own.get("overrides"), own.get("packageExtensions")]
        more.append(workspace.get("packageExtensions"))
        project.follow(local_paths(root, _PROTOCOLS, project.root, *more))
        for manifest in list(project.manifests.values()):
            project.follow(local_paths(manifest, _PROTOCOLS, project.root))

    def _injected(self) -> None:
        """docs: dependenciesMeta.*.injected and injectWorkspacePackages copy a member's files."""
        if self._setting("inject-workspace-packages") == "true":
            hold(
                "local-dependency",
                "injectWorkspacePackages makes the install copy the files of workspace members.",
                "Install without it, or build the members before the install.",
                resolve(self.project.root, "pnpm-workspace.yaml"),
            )
        by_name = {
            str(manifest.data.get("name")): manifest for manifest in self.project.manifests.values()
        }
        for manifest in self.project.manifests.values():
            for name in _injected_names(manifest):
                if name in by_name:
                    hold(
                        "local-dependency",
                        f"{manifest.path} has {name} injected, so the install copies the files of "
                        f"{posixpath.dirname(by_name[name].path)}.",
                        f"Depend on {name} without injecting it.",
                        manifest.path,
                        manifest.line_of_key("injected"),
                    )

    def _fetched_archives(self) -> None:
        """`pnpm fetch` takes archives of the project from where the lockfile names them, and
        before pnpm 10 copies directories, too (tried)."""
        for match in re.finditer(_LOCAL_IN_LOCK, self.lock or ""):
            path = resolve(self.project.root, match["path"])
            if self.survey.has_file(path):
                self.survey.read(path)
            elif self.survey.has_dir(path):
                if within(self.directory, path):
                    hold(
                        "local-dependency",
                        f"pnpm-lock.yaml takes {path}, which holds the project itself.",
                        "Depend on a directory that does not hold the whole project.",
                        path,
                    )
                self.survey.tree(path)

    def _scripts(self) -> None:
        survey, project = self.survey, self.project
        install = nested.looker(survey, self.above)
        for manifest in project.manifests.values():
            directory = posixpath.dirname(manifest.path)
            if directory in project.linked:
                continue
            run = scripts.Run(survey, manifest, "install", directory, self.call, install)
            events = (
                scripts.BUILD_EVENTS if directory in project.copied else scripts.PNPM_EVENTS
            )  # fmt: skip
            scripts.survey_scripts(run, events)
        root = project.manifests["."]
        needed = {name for each in project.manifests.values() for name in dependency_names(each)}
        allowed = self._allowed_builds(root)
        run = scripts.Run(survey, root, "install", project.root, self.call, install)
        if allowed is None:
            scripts.survey_dependencies(run, needed, known=False)
        else:
            scripts.survey_dependencies(run, allowed, known=True)

    def _allowed_builds(self, root: JsonManifest) -> frozenset[str] | None:
        """The dependencies whose build scripts run: since pnpm 10 those that are allowed to
        (settings onlyBuiltDependencies, allowBuilds); None for all of them."""
        major = re.match(r"pnpm@(\d+)", package_manager(self.survey, self.project.root) or "")
        if major is None or int(major[1]) < 10:
            return None
        own = root.data.get("pnpm")
        found: set[str] = set()
        for settings in (self.workspace, own if isinstance(own, Mapping) else None):
            for name in ("dangerouslyAllowAllBuilds", "onlyBuiltDependenciesFile",
                         "neverBuiltDependencies"):  # fmt: skip
                if (settings or {}).get(name) not in (None, False):
                    return None
            allowed = (settings or {}).get("allowBuilds")
            found.update(allowed if isinstance(allowed, Mapping) else ())
            listed = (settings or {}).get("onlyBuiltDependencies")
            found.update(str(each) for each in (listed if isinstance(listed, list) else ()))
        if self._setting("dangerously-allow-all-builds") == "true" or "*" in "".join(found):
            return None
        return frozenset(re.sub(r"(?<=.)@.*", "", name) for name in found)

    def _writes(self, fetches: bool) -> None:
        survey, root = self.survey, self.project.root
        for home in homes(self.call, survey.files):
            places = (".local/share/pnpm", ".local/state/pnpm", ".cache", ".config", ".npm")
            survey.write(*(f"{home}/{name}" for name in places))
        for name in ("PNPM_HOME", "XDG_DATA_HOME", "XDG_CACHE_HOME"):
            if value := self.call.env.get(name):
                survey.write(resolve(self.call.directory, value))
        for name in ("store-dir", "virtual-store-dir", "modules-dir", "cache-dir", "state-dir"):
            if value := self._setting(name):
                survey.write(resolve(root, value))
        # store/store-path: beside the project where the home lies on another file system.
        survey.write("/.pnpm-store", resolve(root, ".pnpm-store"))
        temporary = self.call.env.get("TMPDIR") or "/tmp"
        survey.write(f"{temporary}/node-compile-cache")
        directories = (root,) if fetches else (root, *self.project.directories)
        survey.write(*(resolve(directory, "node_modules") for directory in directories))


_LOCAL_IN_LOCK = re.compile(
    r"\bresolution: \{[^}\n]*\b(?:tarball: ['\"]?file:|directory: ['\"]?)(?P<path>[^,}'\"\n]+)"
)
"""lockfile/types: the resolutions of archives and directories beside the project."""


def _injected_names(manifest: JsonManifest) -> Iterator[str]:
    meta = manifest.data.get("dependenciesMeta")
    for name, entry in meta.items() if isinstance(meta, Mapping) else ():
        if isinstance(entry, Mapping) and entry.get("injected"):
            yield name
