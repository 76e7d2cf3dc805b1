"""Proves, for a Python project in a directory, that its build reads that directory and no more."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, NoReturn

from optimizer.knowledge.manifests import Survey, hold, resolve, unreadable

_UNBLOCK = "Install the local project in a step of its own, after the sources are copied."


def survey_project(survey: Survey, directory: str, named_by: str) -> None:
    """Notes the project in ``directory`` as a tree, with what its build leaves behind.

    Only static projects of setuptools pass: hatchling looks for .gitignore up
    to the root (hatchling/builders/config.py), poetry-core asks git
    (poetry/core/masonry/builders/builder.py), and setup.py is code.
    pip builds in the directory itself since 21.3 (pip's changelog).
    """
    path = resolve(directory, "pyproject.toml")
    for name in ("setup.py", "setup.cfg"):
        if survey.has_file(resolve(directory, name)):
            _hold(
                directory, named_by, f"{name} decides what its build reads", f"{directory}/{name}"
            )
    if not survey.has_file(path):
        _hold(directory, named_by, "it has no pyproject.toml", directory)
    data = read_toml(survey, path)
    if reason := _reason(data):
        _hold(directory, named_by, reason, path)
    if survey.kind(resolve(directory, "build")):
        _hold(directory, named_by, "it has a build directory already", f"{directory}/build")
    survey.tree(directory)
    name = re.sub(r"[-_.]+", "_", str(data.get("project", {}).get("name", ""))).lower()
    for place in (directory, resolve(directory, "src")):
        survey.write(resolve(place, f"{name}.egg-info"))
    survey.write(resolve(directory, "build"))


def _hold(directory: str, named_by: str, reason: str, path: str) -> NoReturn:
    hold(
        "local-dependency",
        f"{named_by} installs the project in {directory}, and {reason}.",
        _UNBLOCK,
        path,
    )


def _reason(data: Mapping[str, Any]) -> str | None:
    """Says what in a pyproject.toml speaks against the proof."""
    system = data.get("build-system", {})
    project = data.get("project")
    if not isinstance(project, Mapping) or not isinstance(system, Mapping):
        return "its pyproject.toml has no [project] table"
    requires = {re.split(r"[\s<>=!~\[;@]", str(r))[0].lower() for r in system.get("requires", ())}
    if system.get("build-backend", "setuptools.build_meta") != "setuptools.build_meta":
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
