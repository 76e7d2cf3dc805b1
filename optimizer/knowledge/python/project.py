"""Proves, for a Python project in a directory, that its build reads that directory and no more."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NoReturn

from optimizer.knowledge.manifests import Survey, ancestors, hold, resolve, unreadable

if TYPE_CHECKING:
    from optimizer.knowledge.python.setup_script import SetupScript

_UNBLOCK = "Install the local project in a step of its own, after the sources are copied."
_SETUPTOOLS = "setuptools.build_meta"


def survey_project(survey: Survey, directory: str, named_by: str) -> None:
    """Notes the project in ``directory`` as a tree, with what its build leaves behind.

    Only projects of setuptools pass whose settings are static and whose setup.py can be followed:
    hatchling looks for .gitignore up to the root (hatchling/builders/config.py), poetry-core asks
    git (poetry/core/masonry/builders/builder.py). pip builds in the directory itself since 21.3
    (pip's changelog).
    """
    told = _Project(survey, directory, named_by)
    told.look()
    if survey.kind(resolve(directory, "build")):
        told.hold("it has a build directory already", f"{directory}/build")
    survey.tree(directory)
    name = re.sub(r"[-_.]+", "_", told.name or "").lower()
    if not name:
        told.hold("its name is not known", directory)
    roots = (resolve(directory, part) for part in ("src", *told.roots))
    for place in (directory, *filter(survey.has_dir, roots)):
        survey.write(resolve(place, f"{name}.egg-info"))
    survey.write(resolve(directory, "build"))


@dataclass(slots=True)
class _Project:
    """A project of setuptools while it is looked at; ``roots`` are directories of packages."""

    survey: Survey
    directory: str
    named_by: str
    name: str | None = None
    roots: tuple[str, ...] = ()

    def look(self) -> None:
        """Notes nothing, and holds where the build may read more than the directory."""
        path = resolve(self.directory, "pyproject.toml")
        script, settings = (resolve(self.directory, n) for n in ("setup.py", "setup.cfg"))
        has_other = self.survey.has_file(script) or self.survey.has_file(settings)
        if self.survey.has_file(path):
            data = read_toml(self.survey, path)
            if reason := _reason(data, has_other):
                self.hold(reason, path)
            self.name = (table_of(data, "project") or {}).get("name")
        elif not has_other:
            self.hold("it has no pyproject.toml", self.directory)
        if self.survey.has_file(script):
            self._script(script)
        if self.survey.has_file(settings):
            self._settings(settings)

    def _script(self, path: str) -> None:
        found = follow_script(self.survey, path, self.named_by)
        name = found.keywords.get("name")
        self.name = self.name or (name if isinstance(name, str) else None)
        roots = found.keywords.get("package_dir")
        if isinstance(roots, dict):
            self.roots = tuple(each for each in roots.values() if isinstance(each, str))

    def _settings(self, path: str) -> None:
        """setuptools' documentation, "Configuring setuptools using setup.cfg files"."""
        settings = read_settings(self.survey, path)
        self.name = self.name or settings.get("metadata", {}).get("name")
        for section, values in settings.items():
            if section in ("pbr", "versioneer"):
                self.hold_git(f"{path} has [{section}]", path)
            for key, text in values.items():
                words = re.split(r"[\s,=]+", text)
                outside = [w for w in words if w.startswith("/") or ".." in w.split("/")]
                if outside:
                    self.hold(f"its setup.cfg names {outside[0]}", path)
                if text.startswith("attr:") or key in ("setup_requires", "cmdclass"):
                    self.hold(f"its setup.cfg has {key} = {text.split()[0]}", path)

    def hold(self, reason: str, path: str) -> NoReturn:
        """Holds because the build may read more than the directory."""
        hold(
            "local-dependency",
            f"{self.named_by} installs the project in {self.directory}, and {reason}.",
            _UNBLOCK,
            path,
        )

    def hold_git(self, reason: str, path: str) -> NoReturn:
        """Holds because the version comes from git."""
        hold_git(f"{self.named_by} installs the project in {self.directory}, and {reason}", path)


def hold_git(reason: str, path: str, line: int | None = None) -> NoReturn:
    """Holds because the version of a project comes from git."""
    hold(
        "version-from-git",
        f"{reason}, so git says its version.",
        "Install the dependencies from a requirements file or a lockfile in a step of their own.",
        path,
        line,
    )


def follow_script(survey: Survey, path: str, named_by: str) -> SetupScript:
    """Reads the setup.py at ``path`` without running it. Holds where what it reads is not known.

    Code that it executes has to be constants only.
    """
    from optimizer.knowledge.python.setup_script import (
        NotFollowed,
        is_only_constants,
        read_setup_script,
    )

    text = survey.content(path, note=False).decode("utf-8", "replace")
    try:
        found = read_setup_script(text)
    except SyntaxError as error:
        unreadable(path, f"is not Python that can be read: {error.msg}", error.lineno)
    except NotFollowed as stop:
        if stop.is_git:
            hold_git(f"{path} {stop}", path, stop.line)
        hold(
            "local-dependency",
            f"{named_by} runs {path}, which {stop}.",
            _UNBLOCK,
            path,
            stop.line,
        )
    for name in found.executed:
        other = resolve(posixpath.dirname(path), name)
        code = survey.files.read(other) or b""
        if not is_only_constants(code.decode("utf-8", "replace")):
            hold(
                "local-dependency",
                f"{named_by} runs {path}, which executes {other}.",
                _UNBLOCK,
                other,
            )
    return found


def read_settings(survey: Survey, path: str) -> dict[str, dict[str, str]]:
    """Returns the sections of a setup.cfg. Holds where it is none.

    setuptools/config/setupcfg.py reads it with configparser, without interpolation of "%".
    """
    import configparser

    parser = configparser.RawConfigParser()
    try:
        parser.read_string(survey.content(path, note=False).decode("utf-8", "replace"))
    except configparser.Error as error:
        unreadable(path, f"is no setup.cfg: {error.message}", getattr(error, "lineno", 1))
    return {section: dict(parser.items(section)) for section in parser.sections()}


def requirements_files(survey: Survey, directory: str, title: str) -> tuple[str, ...]:
    """Returns the requirements files that hold the dependencies of the project in ``directory``,
    which ``title`` installs. Holds where they stand elsewhere.

    setuptools' documentation, "Dynamic Metadata" (``file`` of tool.setuptools.dynamic) and
    "Configuring setuptools using setup.cfg files" (``file:``); setup.py is followed.
    """
    path = resolve(directory, "pyproject.toml")
    script, settings = (resolve(directory, name) for name in ("setup.py", "setup.cfg"))
    data = read_toml(survey, path) if survey.has_file(path) else {}
    named = (table_of(data, "tool", "setuptools", "dynamic", "dependencies") or {}).get("file", ())
    files = tuple(map(str, named if isinstance(named, list) else [named] if named else ()))
    project = table_of(data, "project")
    is_listed = project is not None and "dependencies" not in (project.get("dynamic") or ())
    if not files and not is_listed and survey.has_file(settings):
        found = read_settings(survey, settings).get("options", {}).get("install_requires", "")
        if found.startswith("file:"):
            files = tuple(name.strip() for name in found.removeprefix("file:").split(","))
    if not files and not is_listed and survey.has_file(script):
        told = follow_script(survey, script, f"`{title}`")
        files = (told.requirements,) if told.requirements is not None else ()
    if not files:
        _hold_git_backend(data, path)
        _no_deps_only(title, path if data else script)
    return tuple(resolve(directory, name) for name in files)


def _hold_git_backend(data: Mapping[str, Any], path: str) -> None:
    requires = (table_of(data, "build-system") or {}).get("requires")
    for each in requires if isinstance(requires, list) else []:
        name = _name_of(str(each))
        if name in _GIT_BUILDS:
            hold_git(f"{path} builds with {name}", path)


def _no_deps_only(title: str, path: str) -> NoReturn:
    hold(
        "project-install",
        f"`{title}` installs the project itself, so it reads its sources, and pip before 26.3 "
        "cannot install the dependencies alone.",
        "List the dependencies in a requirements file and install that above the sources, "
        "or use `uv pip install -r pyproject.toml`; the project comes below with --no-deps.",
        path,
    )


def _name_of(requirement: str) -> str:
    return re.sub(r"[-_.]+", "-", re.split(r"[\s<>=!~\[;@]", requirement)[0]).lower()


# Build requirements that ask git for the version: the READMEs of each.
_GIT_BUILDS = frozenset(
    {"setuptools-scm", "setuptools-git-versioning", "versioneer", "hatch-vcs", "pbr", "dunamai",
     "poetry-dynamic-versioning", "versioningit", "flit-scm", "uv-dynamic-versioning"}
)  # fmt: skip


def _reason(data: Mapping[str, Any], has_other: bool) -> str | None:
    """Says what in a pyproject.toml speaks against the proof; ``has_other`` says that setup.py or
    setup.cfg may name the project."""
    system = data.get("build-system", {})
    project = data.get("project", {} if has_other else None)
    if not isinstance(project, Mapping) or not isinstance(system, Mapping):
        return "its pyproject.toml has no [project] table"
    requires = {_name_of(str(r)) for r in system.get("requires", ())}
    if system.get("build-backend", _SETUPTOOLS) != _SETUPTOOLS:
        return f"its build backend is {system['build-backend']}"
    if extra := sorted(requires - {"setuptools", "wheel"}):
        return f"its build needs {', '.join(extra)}"
    if "backend-path" in system:
        return "its build backend is code of its own"
    for key, text in _strings(data):
        if text.startswith("/") or ".." in text.split("/") or "file:" in text:
            return f"its pyproject.toml names {text}"
        if key == "attr":
            return f"its version is computed by {text}"
    return None


def _strings(value: object, key: str = "") -> Iterator[tuple[str, str]]:
    if isinstance(value, str):
        yield key, value
    elif isinstance(value, Mapping):
        for name, inner in value.items():
            yield from _strings(inner, str(name))
    elif isinstance(value, list):
        for inner in value:
            yield from _strings(inner, key)


def find_project(survey: Survey, start: str) -> str:
    """Returns the directory of the nearest pyproject.toml, in ``start`` or above it. Holds where
    there is none."""
    places = (p for p in ancestors(start) if survey.has_file(resolve(p, "pyproject.toml")))
    found = next(places, None)
    if found is None:
        path = resolve(start, "pyproject.toml")
        outside_of_copy(path, f"{path} is not among the files copied from the build context.")
    return found


def outside_of_copy(path: str, reason: str) -> NoReturn:
    """Holds because an install needs the file at ``path``, which was not copied."""
    hold(
        "manifest-outside-copy",
        reason,
        "Copy the file from the build context before the install.",
        path,
    )


def hold_project(title: str, path: str, unblock: str) -> NoReturn:
    """Holds because the command ``title`` installs the project at ``path`` itself."""
    hold(
        "project-install",
        f"`{title}` installs the project in {path}, so it reads its sources.",
        unblock,
        path,
    )


def hold_edit(title: str, path: str) -> NoReturn:
    """Holds because the command ``title`` writes into ``path``, which the context brings."""
    hold(
        "install-edits-manifest",
        f"`{title}` writes {path}, and the later copy would put the old file back.",
        "Make the change in the project, commit it, and take the command out.",
        path,
    )


def hold_missing_lock(title: str, path: str) -> NoReturn:
    """Holds because the command ``title`` stops without the lockfile at ``path``."""
    hold(
        "missing-lockfile",
        f"`{title}` needs {path}, which is not among the copied files.",
        f"Commit {posixpath.basename(path)}, and see that .dockerignore does not leave it out.",
        path,
    )


def hold_local_indexes(path: str, addresses: Iterable[object]) -> None:
    """Holds where one of the package indexes that the manifest at ``path`` names lies in the image
    and not on the network."""
    for address in addresses:
        if isinstance(address, str) and address.startswith(("file:", "/", ".")):
            hold(
                "config-reads-source",
                f"{path} looks for packages in {address}.",
                "Name an index on the network.",
                path,
            )


WITHOUT_LOCK = (
    "Without a lockfile the install picks versions anew whenever it runs; "
    "after the change it runs when a manifest changes, not at every source edit."
)
"""What a reviewer has to know of an install without a lockfile."""


def table_of(data: Mapping[str, Any], *names: str) -> Mapping[str, Any] | None:
    """Returns the table at ``names`` in parsed TOML, or None where there is none."""
    found: Any = data
    for name in names:
        found = found.get(name) if isinstance(found, Mapping) else None
    return found if isinstance(found, Mapping) else None


def is_static(data: Mapping[str, Any]) -> bool:
    """Tells whether a pyproject.toml names its dependencies itself, without a build.

    PEP 621: what stands in ``dynamic`` is computed by the build backend.
    """
    project = table_of(data, "project")
    if project is None:
        return "build-system" not in data and "project" not in data
    dynamic = project.get("dynamic")
    computed = {"dependencies", "optional-dependencies", "requires-python"}
    return not computed & set(map(str, dynamic if isinstance(dynamic, list) else ()))


def read_toml(survey: Survey, path: str) -> dict[str, Any]:
    """Returns the content of a TOML file that the install reads. Holds where it is none."""
    import tomllib

    try:
        return tomllib.loads(survey.content(path).decode("utf-8"))
    except tomllib.TOMLDecodeError as error:
        place = re.search(r"at line (\d+)", str(error))
        unreadable(path, f"is not valid TOML: {error}", int(place[1]) if place else None)
    except (UnicodeDecodeError, RecursionError) as error:
        unreadable(path, f"is not valid TOML: {error}", 1)
