"""Poetry: which commands install, and what such an install reads and writes.

Sources: python-poetry/poetry, src/poetry/{factory,installation/installer,config/config}.py and
console/commands/install.py; its documentation ("Configuration", "The pyproject.toml file",
"Plugins"); trials with Poetry 1.8 and 2.5; poetry-plugin-export's README.
"""

from __future__ import annotations

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
from optimizer.knowledge.manifests import Held, Survey, answer, hold, homes, resolve
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
    hold_local_indexes,
    hold_missing_lock,
    hold_project,
    outside_of_copy,
    read_toml,
    survey_project,
    table_of,
)

NAME = "poetry"

# `poetry install --help` and `poetry export --help` of Poetry 1.8 and 2.5, and options of 1.0.
_VALUED = options(
    """
    --without --with --only -E --extras -P --project -C --directory -f --format -o --output
    """
)
_FLAGS = options(
    """
    --sync --no-root --no-directory --dry-run --all-extras --all-groups --only-root --compile
    --no-dev --dev-only --dev --remove-untracked --no-update --regenerate --check --without-hashes
    --without-urls --with-credentials -h --help -q --quiet -V --version --ansi --no-ansi -n
    --no-interaction --no-plugins --no-cache -v --verbose -vv -vvv
    """
)
_VERBS = frozenset({"install", "sync", "lock", "export"})
_VARIABLES = ("POETRY_*", *VARIABLES)
# Plugins that neither change a manifest nor look at sources (their READMEs).
_PLAIN_PLUGINS = frozenset(
    {"poetry-plugin-export", "poetry-plugin-shell", "poetry-plugin-up", "poetry-plugin-bundle"}
)


def recognise(call: Call) -> Install | Touch | Obstacle | None:
    """Says what ``call`` is; see `optimizer.knowledge.installs.Ecosystem`."""
    if call.program != "poetry":
        return None
    line = read_line(call)
    if line.verb in ("add", "remove", "update"):
        return Obstacle(
            "install-edits-manifest",
            f"`{title_of(call)}` writes into pyproject.toml or poetry.lock.",
            "Make the change in the project, commit it, and install with `poetry install`.",
        )
    if line.verb == "self":
        # docs, "Plugins": packages beside Poetry itself.
        places = (*site_directories(likely_prefixes(call)), *_homes(call))
        return Touch(writes=places, variables=("*",), network=True)
    if line.verb not in _VERBS:
        return None
    if line.has("-h", "--help"):
        return Touch(variables=_VARIABLES, repeatable=True)
    if line.unknown is not None or line.operands:
        what = line.unknown or line.operands[0]
        return Obstacle(
            "unknown-install-flag",
            f"`{title_of(call)}` has {what}, which dockopt does not know.",
            "Take it out, or install with options that `poetry install --help` lists.",
        )
    return Install(NAME, title_of(call), call)


def read_line(call: Call) -> CommandLine:
    """Reads the words behind the program."""
    return read(call.words[1:], _VALUED, _FLAGS)


def _homes(call: Call) -> tuple[str, ...]:
    home = call.env.get("HOME") or "/root"
    return tuple(f"{home}/{part}" for part in (".cache", ".local", ".config"))


def dependency_step(call: Call, files: Files) -> Install | Obstacle | None:
    """Returns the install with --no-root and, where directories are dependencies, --no-directory;
    see `optimizer.knowledge.installs.Ecosystem`."""
    line = read_line(call) if isinstance(recognise(call), Install) else None
    if line is None or line.verb not in ("install", "sync") or line.has("--only-root"):
        return None
    project = _Project(Survey(files), call, line)
    try:
        project.look_around()
    except Held as held:
        return held.obstacle
    leave = ["--no-root"] if project.installs_root() else []
    if project.directories() and not line.has("--no-directory"):
        leave.append("--no-directory")
    if not leave:
        return None
    changed = replace(call, words=with_options(call.words, line.verb, *leave))
    return Install(NAME, title_of(changed), changed)


def download_caches(call: Call) -> tuple[DownloadCache, ...]:
    """Returns Poetry's cache of downloads; see `optimizer.knowledge.installs.Ecosystem`.

    docs, "Configuration", cache-dir: it holds virtual environments as well, so only the parts
    below are downloads. Poetry writes them without a lock (utils/cache.py, FileCache).
    """
    named = call.env.get("POETRY_CACHE_DIR")
    home = call.env.get("XDG_CACHE_HOME") or (
        f"{call.env['HOME']}/.cache" if call.env.get("HOME") else None
    )
    place = named or (f"{home}/pypoetry" if home else None)
    if call.program != "poetry" or place is None:
        return ()
    parts = ("artifacts", "cache")
    return tuple(DownloadCache(resolve("/", f"{place}/{part}"), False) for part in parts)


def inputs(install: Install, files: Files) -> Inputs | Obstacle:
    """Returns what ``install`` reads among ``files``, or why that is not known."""
    return answer(lambda: _survey(install, Survey(files)))


def _survey(install: Install, survey: Survey) -> Inputs:
    project = _Project(survey, install.call, read_line(install.call))
    project.look_around()
    if project.installs_root():
        hold_project(
            project.title,
            project.directory,
            "Run `poetry install --no-root` above the sources, "
            "or set package-mode = false where the project is no package.",
        )
    project.note_directories()
    project.note_writes()
    return survey.inputs()


@dataclass(slots=True)
class _Project:
    """One command of Poetry while it is looked at."""

    survey: Survey
    call: Call
    line: CommandLine
    directory: str = field(init=False)
    data: Mapping[str, Any] = field(init=False)
    lock: Mapping[str, Any] | None = field(init=False, default=None)
    settings: Mapping[str, Any] = field(init=False)

    @property
    def title(self) -> str:
        return title_of(self.call)

    def look_around(self) -> None:
        """Notes the manifest, the lockfile and the settings."""
        start = resolve(self.call.directory, self.line.last("-C", "--directory") or "")
        named = self.line.last("-P", "--project")
        self.directory = find_project(self.survey, resolve(start, named) if named else start)
        self.data = read_toml(self.survey, self._path("pyproject.toml"))
        local = self._path("poetry.toml")
        self.settings = read_toml(self.survey, local) if self.survey.has_file(local) else {}
        for home in homes(self.call, self.survey.files):
            for name in ("config.toml", "auth.toml"):
                self.survey.read(f"{home}/.config/pypoetry/{name}")
        self._plugins()
        self._lock_file()
        self._archives()
        sources = (table_of(self.data, "tool", "poetry") or {}).get("source")
        listed = [s.get("url") for s in sources] if isinstance(sources, list) else []
        hold_local_indexes(self._path("pyproject.toml"), listed)

    def _path(self, name: str) -> str:
        return resolve(self.directory, name)

    def _plugins(self) -> None:
        """docs, "Plugins"; poetry-dynamic-versioning rewrites pyproject.toml at every command with
        what git says."""
        path = self._path("pyproject.toml")
        wanted = set(table_of(self.data, "tool", "poetry", "requires-plugins") or {})
        requires = (table_of(self.data, "build-system") or {}).get("requires")
        versioning = table_of(self.data, "tool", "poetry-dynamic-versioning") or {}
        if versioning.get("enable") or "poetry-dynamic-versioning" in str(requires):
            hold(
                "version-from-git",
                f"{path} takes the version from git (poetry-dynamic-versioning), "
                "and the plugin does so at every command.",
                "Set the version in pyproject.toml, or install before the plugin is there.",
                path,
            )
        for name in sorted(wanted - _PLAIN_PLUGINS):
            hold(
                "config-reads-source",
                f"{path} makes Poetry load the plugin {name}, which may read any file.",
                "Install with --no-plugins.",
                path,
            )
        if wanted:
            self.survey.write(self._path(".poetry"))

    def _lock_file(self) -> None:
        path = self._path("poetry.lock")
        if self.survey.read(path):
            if self.line.verb == "lock" and not self.line.has("--check"):
                hold_edit(self.title, path)
            self.lock = read_toml(self.survey, path)
        elif self.line.verb == "sync" or self.line.has("--check"):
            hold_missing_lock(self.title, path)
        else:
            self.survey.write(path)
            self.survey.assume(WITHOUT_LOCK)

    def installs_root(self) -> bool:
        """console/commands/install.py: the project itself, unless told or no package (1.8)."""
        if self.line.verb not in ("install", "sync") or self.line.has("--no-root"):
            return False
        return (table_of(self.data, "tool", "poetry") or {}).get("package-mode") is not False

    def _local(self) -> Iterator[tuple[str, str, str]]:
        """Yields kind, name and path of what lies in the project; kind is directory or file."""
        if self.lock is None:
            for name, where in _path_dependencies(self.data):
                path = self._path(where)
                yield ("directory" if self.survey.has_dir(path) else "file", name, path)
            return
        packages = self.lock.get("package")
        for package in packages if isinstance(packages, list) else []:
            source = table_of(package, "source") if isinstance(package, Mapping) else None
            if source and source.get("type") in ("directory", "file"):
                path = self._path(str(source.get("url")))
                yield str(source["type"]), str(package.get("name")), path

    def _archives(self) -> None:
        for kind, name, path in self._local():
            if kind == "file" and not self.survey.read(path):
                outside_of_copy(
                    path,
                    f"{self._path('pyproject.toml')} takes {name} from {path}, "
                    "which is not among the copied files.",
                )

    def directories(self) -> list[tuple[str, str]]:
        """Returns name and path of the dependencies that are directories."""
        return [(name, path) for kind, name, path in self._local() if kind == "directory"]

    def note_directories(self) -> None:
        """Notes the directories that are dependencies. Holds where their build reads more.

        With --no-directory (Poetry 1.5) they are not looked at; tried with 1.8 and 2.5.
        """
        if self.line.verb == "export" or self.line.has("--no-directory"):
            return
        for name, path in self.directories():
            survey_project(self.survey, path, f"`{self.title}`, for its dependency {name},")

    def note_writes(self) -> None:
        """Notes the environment, the caches and the files that the command writes.

        docs, "Configuration", virtualenvs: in the project where so set or where .venv is there
        already; else below the cache, or into the Python that runs where none is created.
        """
        survey_user(self.survey, self.call)
        self.survey.write(*site_directories(likely_prefixes(self.call)))
        for name in ("POETRY_CACHE_DIR", "POETRY_VIRTUALENVS_PATH", "POETRY_DATA_DIR"):
            if value := self.call.env.get(name):
                self.survey.write(resolve("/", value))
        for path in self.line.all("-o", "--output"):
            self.survey.write(resolve(self.call.directory, path))
        if self.line.verb in ("install", "sync") and self._setting("create") is not False:
            environment = self._path(".venv")
            if self._setting("in-project") or self.survey.files.kind(environment):
                survey_environment(self.survey, environment)

    def _setting(self, name: str) -> bool | None:
        """config/config.py: a variable comes before poetry.toml; None where neither says."""
        variable = "POETRY_VIRTUALENVS_" + name.replace("-", "_").upper()
        if value := self.call.env.get(variable):
            return value.lower() in ("true", "1")
        told = (table_of(self.settings, "virtualenvs") or {}).get(name)
        return told if isinstance(told, bool) else None


def _path_dependencies(data: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Yields name and path of the dependencies that tool.poetry takes from the project."""
    tool = table_of(data, "tool", "poetry") or {}
    groups = (table_of(tool, "group") or {}).values()
    tables = [tool, *groups, {"dependencies": tool.get("dev-dependencies")}]
    for table in tables:
        for name, spec in (table_of(table, "dependencies") or {}).items():
            for each in spec if isinstance(spec, list) else [spec]:
                if isinstance(each, Mapping) and "path" in each:
                    yield name, str(each["path"])
    project = (table_of(data, "project") or {}).get("dependencies")
    for each in project if isinstance(project, list) else []:
        name, _, place = str(each).partition("@")
        if place.strip().startswith("file:"):
            yield name.strip(), place.strip().removeprefix("file:").removeprefix("//")
