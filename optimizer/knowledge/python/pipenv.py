"""pipenv: which commands install, and what such an install reads and writes.

Sources: pypa/pipenv, documentation ("Pipfile & Pipfile.lock", "Configuration"),
pipenv/{project,environments}.py, and trials with pipenv 2026.10.
"""

from __future__ import annotations

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
from optimizer.knowledge.manifests import Survey, ancestors, answer, resolve, within
from optimizer.knowledge.python.command_line import CommandLine, options, read
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
    hold_edit,
    hold_local_indexes,
    hold_missing_lock,
    hold_project,
    outside_of_copy,
    read_toml,
    survey_project,
)

NAME = "pipenv"

# `pipenv install|sync|lock|requirements --help` of pipenv 2026.10, and options of older versions.
_VALUED = options(
    """
    --pypi-mirror --python --extra-pip-args --resolver --categories --extras --config-settings -i
    --index -r --requirements -e --editable --backend
    """
)
_FLAGS = options(
    """
    --system --deploy --site-packages --no-site-packages -v --verbose -q --quiet --clear --pre
    --dev -d --all --ignore-pipfile --skip-lock --keep-outdated --sequential --selective-upgrade
    --bare --clean --dev-only --hash --exclude-markers --exclude-index --from-pipfile --no-lock
    --three --two -h --help --version --support --man --where --venv --py --envs --rm
    """
)
_VERBS = frozenset({"install", "sync", "lock", "requirements"})
# docs, "Configuration", PIPENV_MAX_DEPTH: how many directories up a Pipfile is looked for.
_MAX_DEPTH = 10
_VARIABLES = ("PIPENV_*", "WORKON_HOME", *VARIABLES)
_META_SECTIONS = frozenset({"source", "requires", "scripts", "pipenv", "build-system"})


def recognise(call: Call) -> Install | Touch | Obstacle | None:
    """Says what ``call`` is; see `optimizer.knowledge.installs.Ecosystem`."""
    if call.program != "pipenv":
        return None
    line = read_line(call)
    if line.has("-h", "--help", "--version") or (not line.verb and not line.has("--rm")):
        return Touch(variables=_VARIABLES, repeatable=True)
    if line.verb in ("update", "upgrade", "uninstall"):
        return _edits(call)
    if line.verb not in _VERBS:
        return None
    if line.unknown is not None:
        return Obstacle(
            "unknown-install-flag",
            f"`{title_of(call)}` has {line.unknown}, which dockopt does not know.",
            f"Take it out, or install with options that `pipenv {line.verb} --help` lists.",
        )
    if line.operands or line.has("-r", "--requirements", "-e", "--editable"):
        return _edits(call)
    return Install(NAME, title_of(call), call)


def _edits(call: Call) -> Obstacle:
    return Obstacle(
        "install-edits-manifest",
        f"`{title_of(call)}` writes into Pipfile and Pipfile.lock.",
        "Make the change in the project, commit it, and install with `pipenv sync`.",
    )


def read_line(call: Call) -> CommandLine:
    """Reads the words behind the program."""
    return read(call.words[1:], _VALUED, _FLAGS)


def dependency_step(call: Call, files: Files) -> Install | Obstacle | None:
    """Returns None: pipenv has no option that leaves out the project itself, and installs it only
    where the Pipfile names it."""
    return None


def download_caches(call: Call) -> tuple[DownloadCache, ...]:
    """Returns pip's and pipenv's caches; see `optimizer.knowledge.installs.Ecosystem`.

    docs, "Configuration", PIPENV_CACHE_DIR; pip downloads below it where that is set.
    """
    if call.program != "pipenv":
        return ()
    home = call.env.get("XDG_CACHE_HOME") or (
        f"{call.env['HOME']}/.cache" if call.env.get("HOME") else None
    )
    named = call.env.get("PIPENV_CACHE_DIR")
    places = [named] if named else [f"{home}/pipenv", f"{home}/pip"] if home else []
    return tuple(DownloadCache(resolve("/", place), is_locked=False) for place in places)


def inputs(install: Install, files: Files) -> Inputs | Obstacle:
    """Returns what ``install`` reads among ``files``, or why that is not known."""
    return answer(lambda: _survey(install, Survey(files)))


def _survey(install: Install, survey: Survey) -> Inputs:
    _Project(survey, install.call, read_line(install.call)).look()
    return survey.inputs()


@dataclass(slots=True)
class _Project:
    """One command of pipenv while it is looked at."""

    survey: Survey
    call: Call
    line: CommandLine
    directory: str = field(init=False)

    @property
    def title(self) -> str:
        return title_of(self.call)

    def look(self) -> None:
        """Notes everything that the command reads and writes."""
        path = self._pipfile()
        self.directory = resolve(path, "..")
        data = read_toml(self.survey, path)
        # docs, "Configuration": .env is loaded before every command, and pylock.toml is looked for.
        for name in (".env", "pylock.toml"):
            self.survey.read(resolve(self.directory, name))
        lock = self._lock_file(path)
        sources = data.get("source")
        listed = [s.get("url") for s in sources] if isinstance(sources, list) else []
        hold_local_indexes(path, listed)
        if self.line.verb != "requirements":
            for name, where in (*_paths_in(data), *_paths_in(lock)):
                self._local(name, resolve(self.directory, where), path)
            self._writes()

    def _pipfile(self) -> str:
        """pipenv/project.py, pipfile_location."""
        named = self.call.env.get("PIPENV_PIPFILE")
        places = [resolve(self.call.directory, named)] if named else []
        above = list(ancestors(self.call.directory))[:_MAX_DEPTH]
        places += [resolve(place, "Pipfile") for place in above]
        found = next(filter(self.survey.has_file, places), None)
        if found is None:
            reason = f"{places[0]} is not among the files copied from the build context."
            outside_of_copy(places[0], reason)
        return found

    def _lock_file(self, pipfile: str) -> Mapping[str, Any]:
        """docs, "Pipfile & Pipfile.lock": the lock holds a hash of the Pipfile; without --deploy an
        install makes a new one where they disagree."""
        path = f"{pipfile}.lock"
        keeps = self.line.verb in ("sync", "requirements") or self.line.has(
            "--deploy", "--ignore-pipfile", "--skip-lock"
        )
        if not self.survey.has_file(path):
            if keeps and not self.line.has("--skip-lock", "--from-pipfile"):
                hold_missing_lock(self.title, path)
            if not keeps:
                self.survey.write(path)
            self.survey.assume(WITHOUT_LOCK)
            return {}
        if self.line.verb == "lock":
            hold_edit(self.title, path)
        if not keeps:
            self.survey.rewrite(path)
            self.survey.assume(
                f"{path} is made anew where it does not agree with Pipfile, "
                "and the later copy puts the committed one back; --deploy makes that an error."
            )
        return self.survey.json(path).data

    def _local(self, name: str, path: str, named_in: str) -> None:
        if within(self.call.directory, path) or within(self.directory, path):
            hold_project(
                self.title,
                path,
                f"Take {name} out of the Pipfile, and install the project with "
                "`pip install --no-deps .` after the sources are copied.",
            )
        if self.survey.has_dir(path):
            survey_project(self.survey, path, f"{named_in}, for {name},")
        elif not self.survey.read(path):
            outside_of_copy(
                path, f"{named_in} takes {name} from {path}, which is not among the copied files."
            )

    def _writes(self) -> None:
        """docs, "Configuration": PIPENV_VENV_IN_PROJECT, WORKON_HOME; .venv where it is there."""
        survey_user(self.survey, self.call)
        self.survey.write(*site_directories(likely_prefixes(self.call)))
        for name in ("WORKON_HOME", "PIPENV_CACHE_DIR"):
            if value := self.call.env.get(name):
                self.survey.write(resolve(self.call.directory, value))
        environment = resolve(self.directory, ".venv")
        in_project = self.call.env.get("PIPENV_VENV_IN_PROJECT") not in (None, "", "0", "false")
        if not self.line.has("--system") and (in_project or self.survey.files.kind(environment)):
            survey_environment(self.survey, environment)


def _paths_in(data: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Yields name and path of what a Pipfile or its lock takes from the project."""
    for section, packages in data.items():
        if section in _META_SECTIONS or section == "_meta" or not isinstance(packages, Mapping):
            continue
        for name, spec in packages.items():
            if not isinstance(spec, Mapping):
                continue
            where = spec.get("path") or spec.get("file")
            if isinstance(where, str) and (where.startswith("file:") or "://" not in where):
                yield name, where.removeprefix("file:").removeprefix("//")
