"""PDM: which commands install, and what such an install reads and writes.

Sources: pdm-project/pdm, src/pdm/{project/core,cli/hooks,cli/commands/install}.py, documentation
("Working with virtual environments", "Hooks", "Configuration"), and trials with PDM 2.29.
"""

from __future__ import annotations

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
    is_static,
    read_toml,
    table_of,
)

NAME = "pdm"

# `pdm install|sync|lock|export --help` of PDM 2.29, and options of 2.0.
_VALUED = options(
    """
    -p --project -G --group --with --without -L --lockfile -k --skip --override --config-setting -C
    -o --output -f --format -S --strategy --python --platform --implementation -c --config
    """
)
_FLAGS = options(
    """
    -h --help -v --verbose -vv -q --quiet --dry-run --frozen-lockfile --no-lock --check --plugins
    --no-default -d --dev --prod --production --no-editable --no-self --fail-fast -x
    --no-isolation --clean --only-keep --clean-unselected -r --reinstall --no-hashes
    --without-hashes --no-markers --no-extras --pyproject --expandvars --self --editable-self
    --no-cross-platform --static-urls --no-static-urls --refresh --update-reuse --append -V
    --version -I --ignore-python -n --non-interactive --pep582
    """
)
_VERBS = frozenset({"install", "sync", "lock", "export"})
_VARIABLES = ("PDM_*", *VARIABLES)
# docs, "Hooks": the signals of these commands, each also the name of a user script.
_HOOKS = (
    "pre_install", "post_install", "pre_lock", "post_lock", "pre_sync", "post_sync", "post_use",
    "pre_invoke",
)  # fmt: skip


def recognise(call: Call) -> Install | Touch | Obstacle | None:
    """Says what ``call`` is; see `optimizer.knowledge.installs.Ecosystem`."""
    if call.program != "pdm":
        return None
    line = read_line(call)
    if line.verb in ("add", "remove", "update"):
        return Obstacle(
            "install-edits-manifest",
            f"`{title_of(call)}` writes into pyproject.toml and pdm.lock.",
            "Make the change in the project, commit it, and install with `pdm sync`.",
        )
    if line.has("-h", "--help", "-V", "--version"):
        return Touch(variables=_VARIABLES, repeatable=True)
    if line.verb == "config":
        home = call.env.get("HOME") or "/root"
        places = (f"{home}/.config/pdm", resolve(call.directory, "pdm.toml"))
        return Touch(places, places, _VARIABLES, repeatable=True)
    if line.verb not in _VERBS:
        return None
    if line.unknown is not None or line.operands or line.has("--plugins"):
        what = line.unknown or (line.operands[0] if line.operands else "--plugins")
        return Obstacle(
            "unknown-install-flag",
            f"`{title_of(call)}` has {what}, which dockopt does not know.",
            "Take it out, or install with options that `pdm sync --help` lists.",
        )
    return Install(NAME, title_of(call), call)


def read_line(call: Call) -> CommandLine:
    """Reads the words behind the program."""
    return read(call.words[1:], _VALUED, _FLAGS)


def dependency_step(call: Call, files: Files) -> Install | Obstacle | None:
    """Returns the install with --no-self; see `optimizer.knowledge.installs.Ecosystem`."""
    line = read_line(call) if isinstance(recognise(call), Install) else None
    if line is None or line.verb not in ("install", "sync"):
        return None
    project = _Project(Survey(files), call, line)
    try:
        project.look_around()
    except Held as held:
        return held.obstacle
    if not project.installs_self():
        return None
    changed = replace(call, words=with_options(call.words, line.verb, "--no-self"))
    return Install(NAME, title_of(changed), changed)


def download_caches(call: Call) -> tuple[DownloadCache, ...]:
    """Returns PDM's cache; see `optimizer.knowledge.installs.Ecosystem`.

    docs, "Configuration", cache_dir. Nothing there says that it is locked.
    """
    home = call.env.get("XDG_CACHE_HOME") or (
        f"{call.env['HOME']}/.cache" if call.env.get("HOME") else None
    )
    place = call.env.get("PDM_CACHE_DIR") or (f"{home}/pdm" if home else None)
    if call.program != "pdm" or place is None:
        return ()
    return (DownloadCache(resolve("/", place), is_locked=False),)


def inputs(install: Install, files: Files) -> Inputs | Obstacle:
    """Returns what ``install`` reads among ``files``, or why that is not known."""
    return answer(lambda: _survey(install, Survey(files)))


def _survey(install: Install, survey: Survey) -> Inputs:
    project = _Project(survey, install.call, read_line(install.call))
    project.look_around()
    if project.installs_self():
        hold_project(
            project.title,
            project.directory,
            "Run `pdm sync --no-self` above the sources, "
            "or set distribution = false where the project is no package.",
        )
    project.note_writes()
    return survey.inputs()


@dataclass(slots=True)
class _Project:
    """One command of PDM while it is looked at."""

    survey: Survey
    call: Call
    line: CommandLine
    directory: str = field(init=False)
    path: str = field(init=False)
    data: Mapping[str, Any] = field(init=False)
    lock: Mapping[str, Any] | None = field(init=False, default=None)

    @property
    def title(self) -> str:
        return title_of(self.call)

    @property
    def tool(self) -> Mapping[str, Any]:
        return table_of(self.data, "tool", "pdm") or {}

    def look_around(self) -> None:
        """Notes the manifest, the lockfile, the settings and the interpreter that is chosen."""
        named = self.line.last("-p", "--project") or self.call.env.get("PDM_PROJECT")
        self.directory = find_project(self.survey, resolve(self.call.directory, named or ""))
        self.path = resolve(self.directory, "pyproject.toml")
        self.data = read_toml(self.survey, self.path)
        for name in ("pdm.toml", ".pdm.toml", ".python-version"):
            self.survey.read(resolve(self.directory, name))
        for home in homes(self.call, self.survey.files):
            self.survey.read(f"{home}/.config/pdm/config.toml")
        overrides = [*self.line.all("--override"), self.call.env.get("PDM_OVERRIDE")]
        for each in filter(None, overrides):
            self.survey.read(resolve(self.call.directory, each))
        self._scripts()
        self._lock_file()
        self._path_dependencies()

    def _scripts(self) -> None:
        """docs, "Hooks": scripts of the project with a hook's name run with the install."""
        scripts = table_of(self.tool, "scripts") or {}
        skipped = {name for value in self.line.all("-k", "--skip") for name in value.split(",")}
        for name in _HOOKS:
            is_skipped = skipped & {":all", name, f":{name.partition('_')[0]}"}
            if name in scripts and not is_skipped:
                hold(
                    "install-script-reads-source",
                    f"{self.path} has the script {name}, which runs with `{self.title}`.",
                    "Install with --skip=:all where the script is not needed.",
                    self.path,
                )
        if self.tool.get("plugins"):
            hold(
                "config-reads-source",
                f"{self.path} names plugins of PDM, which may read any file.",
                "Take the plugins out, or install with another tool.",
                self.path,
            )

    def _lock_file(self) -> None:
        named = self.line.last("-L", "--lockfile") or self.call.env.get("PDM_LOCKFILE")
        path = resolve(self.directory, named or "pdm.lock")
        keeps = self.line.verb in ("sync", "export") or self.line.has(
            "--frozen-lockfile", "--no-lock", "--check"
        )
        keeps = keeps or bool(self.call.env.get("PDM_FROZEN_LOCKFILE"))
        if self.survey.read(path):
            if self.line.verb == "lock" and not self.line.has("--check"):
                hold_edit(self.title, path)
            self.lock = read_toml(self.survey, path)
            if not keeps:
                self.survey.rewrite(path)
                self.survey.assume(
                    f"{path} is brought up to date where it does not agree with pyproject.toml, "
                    "and the later copy puts the committed one back; --check makes that an error."
                )
        elif keeps:
            hold_missing_lock(self.title, path)
        else:
            self.survey.write(path)
            self.survey.assume(WITHOUT_LOCK)
        if not is_static(self.data) and not keeps:
            hold_project(
                self.title, self.path, "List the dependencies in pyproject.toml, not by the build."
            )

    def _path_dependencies(self) -> None:
        sources = self.tool.get("source")
        listed = [s.get("url") for s in sources] if isinstance(sources, list) else []
        hold_local_indexes(self.path, listed)
        for name, where in (*_named_paths(self.data), *self._locked_paths()):
            # docs, "Local dependencies": ${PROJECT_ROOT} is where pyproject.toml lies.
            place = re.sub(r"^/*\$\{PROJECT_ROOT\}/", "", where)
            if self.survey.read(resolve(self.directory, place.partition("#")[0])):
                continue
            hold(
                "local-dependency",
                f"{self.path} takes {name} from {where}, whose build reads its sources.",
                "Install that package in a step of its own, after the sources are copied.",
                self.path,
            )

    def _locked_paths(self) -> Iterator[tuple[str, str]]:
        packages = (self.lock or {}).get("package")
        for package in packages if isinstance(packages, list) else []:
            if isinstance(package, Mapping) and "path" in package:
                yield str(package.get("name")), str(package["path"])

    def installs_self(self) -> bool:
        """project/core.py, is_distribution; --no-self leaves the project out."""
        if self.line.verb not in ("install", "sync") or self.line.has("--no-self"):
            return False
        if self.call.env.get("PDM_NO_SELF"):
            return False
        if not (table_of(self.data, "project") or {}).get("name"):
            return False
        if "package-type" in self.tool:
            return bool(self.tool["package-type"] == "library")
        return self.tool.get("distribution") is not False

    def note_writes(self) -> None:
        """Notes the environment, the caches and the files that the command writes.

        docs, "Working with virtual environments": the interpreter that was chosen is kept in
        .pdm-python, and packages go to .venv or, where that is switched on, __pypackages__.
        """
        survey_user(self.survey, self.call)
        for path in self.line.all("-o", "--output"):
            self.survey.write(resolve(self.call.directory, path))
        if self.line.verb in ("lock", "export"):
            return
        self.survey.write(*site_directories(likely_prefixes(self.call)))
        for name in (".venv", "__pypackages__"):
            survey_environment(self.survey, resolve(self.directory, name))
        chosen = resolve(self.directory, ".pdm-python")
        if self.survey.read(chosen):
            self.survey.rewrite(chosen)
        self.survey.write(chosen)


def _named_paths(data: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Yields name and address of the dependencies that pyproject.toml takes from directories."""
    project = table_of(data, "project") or {}
    groups = [
        table_of(project, "optional-dependencies"),
        table_of(data, "dependency-groups"),
        table_of(data, "tool", "pdm", "dev-dependencies"),
        {"": project.get("dependencies")},
    ]
    for group in groups:
        for requirements in (group or {}).values():
            for each in requirements if isinstance(requirements, list) else []:
                if isinstance(each, str) and "file:" in each:
                    name, _, where = each.partition("file:")
                    yield name.strip(" @-e") or each, where
