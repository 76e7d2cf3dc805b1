"""uv's projects: which commands install, and what such an install reads and writes.

Sources: astral-sh/uv, documentation ("Locking and syncing", "Using workspaces", "Managing
dependencies", "Environment variables", "Using uv in Docker"), crates/uv-workspace, and trials with
uv 0.13. `uv pip` is `optimizer.knowledge.python.pip`'s.
"""

from __future__ import annotations

import fnmatch
import posixpath
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
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
    Survey,
    ancestors,
    answer,
    hold,
    resolve,
    within,
)
from optimizer.knowledge.python.command_line import CommandLine, options, read, with_options
from optimizer.knowledge.python.environments import (
    VARIABLES,
    likely_prefixes,
    site_directories,
    survey_environment,
    survey_user,
    title_of,
)
from optimizer.knowledge.python.project import (
    WITHOUT_LOCK,
    find_project,
    hold_edit,
    hold_missing_lock,
    hold_project,
    is_static,
    outside_of_copy,
    read_toml,
    table_of,
)
from optimizer.knowledge.python.uv_settings import is_local, survey_settings, tool_table

NAME = "uv"

# `uv sync --help`, `uv lock --help`, `uv export --help` of uv 0.13, and options of older versions.
_VALUED = options(
    """
    --extra --no-extra --group --no-group --only-group --package --prune --output-format --format
    --python-platform --index --default-index -i --index-url --extra-index-url -f --find-links
    --index-strategy --keyring-provider -P --upgrade-package --upgrade-group --resolution
    --prerelease --prerelease-package --fork-strategy --exclude-newer --exclude-newer-package
    --no-sources-package --no-editable-package --reinstall-package --link-mode -C --config-setting
    --config-settings --config-settings-package --no-build-isolation-package --no-build-package
    --no-binary-package --cache-dir --refresh-package -p --python --python-preference
    --python-fetch --color --allow-insecure-host --directory --project --config-file --script
    --no-install-package --no-emit-package -o --output-file --only-install-package
    """
)
_FLAGS = options(
    """
    --all-extras --no-dev --dev --only-dev --no-default-groups --all-groups --no-editable --inexact
    --exact --active --no-active --no-install-project --no-install-workspace --no-install-local
    --locked --frozen --dry-run --all-packages --check --check-exists --no-index -U --upgrade --pre
    --no-sources --reinstall --compile-bytecode --no-compile-bytecode --no-build-isolation
    --no-build --no-binary --require-build-hashes --no-require-build-hashes -n --no-cache --refresh
    --managed-python --no-managed-python --no-python-downloads -q --quiet -v --verbose
    --system-certs --native-tls --no-native-tls --offline --no-progress --no-config -h --help -V
    --version --preview --no-preview --no-annotate --no-hashes --no-header --hashes
    --emit-find-links --emit-index-url --no-emit-project --no-emit-workspace --no-emit-local
    --no-upgrade --no-refresh --no-reinstall --build-isolation --system --isolated
    --only-install-project --only-install-workspace --only-install-local
    """
)
_VERBS = frozenset({"sync", "lock", "export"})
# docs, "Environment variables".
_INDEX_VARIABLES = ("UV_FIND_LINKS", "UV_INDEX", "UV_DEFAULT_INDEX", "UV_INDEX_URL",
                    "UV_EXTRA_INDEX_URL")  # fmt: skip
_SYNC_ENVIRONMENT = "UV_PROJECT_ENVIRONMENT"


def read_line(call: Call) -> CommandLine:
    """Reads the words behind the program."""
    return read(call.words[1:], _VALUED, _FLAGS)


def recognise(call: Call) -> Install | Touch | Obstacle | None:
    """Says what ``call`` is; see `optimizer.knowledge.installs.Ecosystem`."""
    if call.program != "uv":
        return None
    line = read_line(call)
    if line.verb in ("add", "remove"):
        return Obstacle(
            "install-edits-manifest",
            f"`{title_of(call)}` writes into pyproject.toml and uv.lock.",
            "Make the change in the project, commit it, and install with `uv sync --locked`.",
        )
    if line.verb not in _VERBS:
        return None
    if line.has("-h", "--help"):
        return Touch(variables=VARIABLES, repeatable=True)
    if line.unknown is not None or line.operands:
        what = line.unknown or line.operands[0]
        return Obstacle(
            "unknown-install-flag",
            f"`{title_of(call)}` has {what}, which dockopt does not know.",
            "Take it out, or install with flags that `uv sync --help` lists.",
        )
    if line.has("--script"):
        return Obstacle(
            "install-reads-source",
            f"`{title_of(call)}` takes the dependencies from {line.last('--script')}.",
            "Name the dependencies in pyproject.toml.",
        )
    return Install(NAME, title_of(call), call)


def dependency_step(call: Call, files: Files) -> Install | Obstacle | None:
    """Returns `uv sync` without the packages that the project itself builds; see
    `optimizer.knowledge.installs.Ecosystem`.

    The metadata of a package that only its build knows stands in uv.lock too, which --frozen
    takes as it is; `uv sync` below the sources then checks it.
    """
    line = read_line(call) if call.program == "uv" else None
    if line is None or line.verb != "sync" or not isinstance(recognise(call), Install):
        return None
    project = _Project(Survey(files), call, line)
    try:
        project.look_around()
    except Held as held:
        return held.obstacle
    leave = tuple(_left_out(project))
    computed = project.lock is not None and not project.frozen and project.computed() is not None
    if not leave and not computed:
        return None
    words = with_options(call.words, "sync", *leave, *(("--frozen",) if computed else ()))
    words = tuple(word for word in words if word != "--locked" or not computed)
    return Install(NAME, title_of(replace(call, words=words)), replace(call, words=words))


def _left_out(project: _Project) -> Iterator[str]:
    """Yields the options that leave out what would be built from sources."""
    built = project.built()
    if any(each.is_member and not each.is_project for each in built):
        yield "--no-install-workspace"
    elif any(each.is_project for each in built):
        yield "--no-install-project"
    for each in built:
        if not each.is_member:
            yield from ("--no-install-package", each.name)


def download_caches(call: Call) -> tuple[DownloadCache, ...]:
    """Returns nothing: `optimizer.knowledge.python.pip` answers for every command of uv."""
    return ()


def inputs(install: Install, files: Files) -> Inputs | Obstacle:
    """Returns what ``install`` reads among ``files``, or why that is not known."""
    return answer(lambda: _survey(install, Survey(files)))


def _survey(install: Install, survey: Survey) -> Inputs:
    call = install.call
    project = _Project(survey, call, read_line(call))
    project.look_around()
    project.hold_what_is_built()
    project.note_writes()
    return survey.inputs()


@dataclass(frozen=True, slots=True)
class _Local:
    """A package whose sources lie in the project; ``path`` is its directory."""

    name: str
    path: str
    is_member: bool
    is_project: bool
    is_built: bool


@dataclass(slots=True)
class _Project:
    """One command of uv while it is looked at. ``root`` is the workspace's directory."""

    survey: Survey
    call: Call
    line: CommandLine
    directory: str = field(init=False)
    root: str = field(init=False)
    members: tuple[str, ...] = field(init=False, default=())
    lock: Mapping[str, Any] | None = field(init=False, default=None)
    local: tuple[_Local, ...] = field(init=False, default=())

    @property
    def title(self) -> str:
        return title_of(self.call)

    @property
    def frozen(self) -> bool:
        return self._on("--frozen", "UV_FROZEN")

    def look_around(self) -> None:
        """Notes the manifests, the lockfile and the settings."""
        self.directory = self._project_directory()
        self.root, self.members = self._workspace()
        survey_settings(self.survey, replace(self.call, directory=self.directory))
        self._python_versions()
        for path in (self.root, *self.members):
            self.survey.read(resolve(path, "pyproject.toml"))
        self._index_options()
        self._lock_file()
        self.local = tuple(self._locals())
        if not self.frozen and self.line.verb == "sync":
            for each in self.local:
                self.survey.read(resolve(each.path, "pyproject.toml"))

    def _on(self, option: str, variable: str) -> bool:
        """uv's "Environment variables": a flag's variable takes true, 1 and their like."""
        value = self.call.env.get(variable, "").lower()
        return self.line.has(option) or value in ("1", "true", "t", "yes", "y", "on")

    def _project_directory(self) -> str:
        start = resolve(self.call.directory, self.line.last("--directory") or "")
        named = self.line.last("--project") or self.call.env.get("UV_PROJECT")
        start = resolve(start, named) if named else start
        return find_project(self.survey, start)

    def _workspace(self) -> tuple[str, tuple[str, ...]]:
        """crates/uv-workspace, Workspace::discover: the project itself, or a directory above that
        counts it as a member."""
        for place in ancestors(self.directory):
            path = resolve(place, "pyproject.toml")
            if not self.survey.has_file(path):
                continue
            workspace = table_of(tool_table(read_toml(self.survey, path)), "workspace")
            if workspace is None:
                continue
            members = tuple(self._members(place, workspace, path))
            if place == self.directory or self.directory in members:
                return place, members
        return self.directory, ()

    def _members(self, root: str, workspace: Mapping[str, Any], path: str) -> Iterator[str]:
        excluded = [str(each) for each in _list(workspace.get("exclude"))]
        for pattern in _list(workspace.get("members")):
            for place in self._globbed(root, str(pattern), path):
                relative = posixpath.relpath(place, root)
                if any(fnmatch.fnmatchcase(relative, each.rstrip("/")) for each in excluded):
                    continue
                if self.survey.has_file(resolve(place, "pyproject.toml")):
                    yield place

    def _globbed(self, root: str, pattern: str, path: str) -> Iterator[str]:
        if "**" in pattern or "{" in pattern:
            hold(
                "unsupported-workspace-glob",
                f"{path} names the members of the workspace by {pattern}.",
                "Name each member, or use * for one level.",
                path,
            )
        found = [root]
        for part in pattern.strip("/").split("/"):
            if not re.search(r"[*?\[]", part):
                found = [resolve(place, part) for place in found]
                continue
            found = [
                resolve(place, name)
                for place in found
                for name in self.survey.files.children(place)
                if fnmatch.fnmatchcase(name, part) and self.survey.has_dir(resolve(place, name))
            ]
        for place in found:
            if not within(place, root):
                hold(
                    "workspace-outside-root",
                    f"{path} names the member {place}, which lies outside of {root}.",
                    "Keep the members below the root of the workspace.",
                    path,
                )
            yield place

    def _python_versions(self) -> None:
        """docs, "Python version files": from the project up to the root of the workspace."""
        for place in ancestors(self.directory):
            for name in (".python-version", ".python-versions"):
                self.survey.read(resolve(place, name))
            if place == self.root:
                return

    def _index_options(self) -> None:
        names = ("-f", "--find-links", "--index", "--default-index", "-i", "--index-url")
        named = [self.call.env.get(name, "") for name in _INDEX_VARIABLES]
        given = [word for value in named for word in re.split(r"[\s,]+", value) if word]
        for word in (*given, *self.line.all(*names, "--extra-index-url")):
            bare = word.partition("=")[2] or word
            if is_local(bare):
                path = resolve(self.call.directory, bare)
                if not self.survey.has_dir(path) or within(self.directory, path):
                    hold(
                        "local-dependency",
                        f"`{self.title}` looks for packages in {bare}.",
                        "Keep the packages in a directory of their own.",
                    )
                self.survey.tree(path)

    def _lock_file(self) -> None:
        path = resolve(self.root, "uv.lock")
        needs_lock = self.frozen or self._on("--locked", "UV_LOCKED")
        if self.survey.read(path):
            self.lock = read_toml(self.survey, path)
            if self.line.verb == "lock":
                hold_edit(self.title, path)
            if not needs_lock:
                self.survey.rewrite(path)
                self.survey.assume(
                    f"{path} is brought up to date where it does not agree with the manifests, "
                    "and the later copy puts the committed one back; --locked makes that an error."
                )
        elif needs_lock:
            hold_missing_lock(self.title, path)
        else:
            self.survey.write(path)
            self.survey.assume(WITHOUT_LOCK)

    def _locals(self) -> Iterator[_Local]:
        if self.lock is None:
            yield from self._unlocked()
            return
        for package in _list(self.lock.get("package")):
            source = table_of(package, "source") if isinstance(package, Mapping) else None
            for kind, where in (source or {}).items():
                path = resolve(self.root, str(where))
                if kind in ("editable", "directory", "virtual"):
                    yield self._local(str(package.get("name")), path, kind != "virtual")
                elif kind == "path":
                    self._archive(path, resolve(self.root, "uv.lock"))

    def _unlocked(self) -> Iterator[_Local]:
        """docs, "Managing dependencies": path sources, and those of the packages they name."""
        queue = [self.root, *self.members]
        seen: set[str] = set()
        while queue:
            place = queue.pop()
            if place in seen:
                continue
            seen.add(place)
            path = resolve(place, "pyproject.toml")
            if not self.survey.has_file(path):
                yield self._local(posixpath.basename(place), place, True)
                continue
            data = read_toml(self.survey, path)
            project = table_of(data, "project") or {}
            yield self._local(str(project.get("name")), place, _is_package(data))
            queue += self._path_sources(data, place, path)

    def _path_sources(self, data: Mapping[str, Any], place: str, named_in: str) -> Iterator[str]:
        sources = table_of(tool_table(data), "sources") or {}
        for source in sources.values():
            for each in _list(source) if isinstance(source, list) else [source]:
                where = each.get("path") if isinstance(each, Mapping) else None
                if where is None:
                    continue
                path = resolve(place, str(where))
                if self.survey.has_dir(path):
                    yield path
                else:
                    self._archive(path, named_in)

    def _archive(self, path: str, named_in: str) -> None:
        if not self.survey.read(path):
            outside_of_copy(
                path, f"{named_in} installs {path}, which is not among the copied files."
            )

    def _local(self, name: str, path: str, is_built: bool) -> _Local:
        members = (self.root, *self.members)
        return _Local(
            re.sub(r"[-_.]+", "-", name).lower(),
            path,
            path in members,
            path == self.directory,
            is_built,
        )

    def built(self) -> list[_Local]:
        """Returns the packages that this command builds from the project's sources."""
        if self.line.verb != "sync" or self._on("--no-install-local", "UV_NO_INSTALL_LOCAL"):
            return []
        no_workspace = self._on("--no-install-workspace", "UV_NO_INSTALL_WORKSPACE")
        no_project = self._on("--no-install-project", "UV_NO_INSTALL_PROJECT")
        # docs of --only-group: "The project and its dependencies will be omitted."
        no_project = no_project or self.line.has("--only-group", "--only-dev")
        named = {re.sub(r"[-_.]+", "-", n).lower() for n in self.line.all("--no-install-package")}
        return [
            each
            for each in self.local
            if each.is_built
            and each.name not in named
            and not (each.is_member and no_workspace)
            and not (each.is_project and no_project)
        ]

    def computed(self) -> _Local | None:
        """Returns a package whose dependencies only its build knows; uv builds it to compare them
        with the lockfile, or to make one."""
        for each in self.local:
            path = resolve(each.path, "pyproject.toml")
            if not self.survey.has_file(path) or not is_static(read_toml(self.survey, path)):
                return each
        return None

    def hold_what_is_built(self) -> None:
        """Holds where a package is built from the project's sources."""
        for each in self.built():
            if each.is_project:
                hold_project(
                    self.title, each.path, "Run `uv sync --no-install-project` above the sources."
                )
            hold(
                "local-dependency",
                f"`{self.title}` builds {each.name} from {each.path}, so it reads its sources.",
                "Run `uv sync` with --no-install-workspace and --no-install-package NAME "
                "in a step above the sources.",
                each.path,
            )
        computed = None if self.frozen else self.computed()
        if computed is not None:
            hold(
                "project-install",
                f"`{self.title}` builds {computed.name} in {computed.path} to learn its "
                "dependencies.",
                "Commit uv.lock and use --frozen, or list the dependencies in pyproject.toml.",
                computed.path,
            )

    def note_writes(self) -> None:
        """Notes the environment, the caches and the files that the command writes."""
        survey_user(self.survey, self.call)
        for name in ("UV_CACHE_DIR", "UV_PYTHON_INSTALL_DIR"):
            if value := self.call.env.get(name):
                self.survey.write(resolve(self.call.directory, value))
        for path in self.line.all("--cache-dir", "-o", "--output-file"):
            self.survey.write(resolve(self.call.directory, path))
        if self.line.verb == "lock":
            return
        named = self.call.env.get(_SYNC_ENVIRONMENT)
        environment = resolve(self.root, named or ".venv")
        if named and not within(environment, self.root):
            self.survey.write(*site_directories([environment]))
        elif self.line.has("--active", "--system"):
            self.survey.write(*site_directories(likely_prefixes(self.call)))
        if not (named and not within(environment, self.root)):
            survey_environment(self.survey, environment)


def _is_package(data: Mapping[str, Any]) -> bool:
    """docs, "Project packaging": tool.uv.package, else whether there is a build system."""
    told = tool_table(data).get("package")
    return told if isinstance(told, bool) else "build-system" in data


def _list(value: object) -> list[Any]:
    return value if isinstance(value, list) else []
