"""Solutions: the projects that ``.sln``, ``.slnx`` and ``.slnf`` files list.

Sources: dotnet/msbuild, src/Build/Construction/Solution/SolutionFile.cs (the lines of projects);
microsoft/vs-solutionpersistence, README (slnx); the documentation of solution filters.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from optimizer.knowledge.manifests import Survey, resolve, unreadable

# SolutionFile.cs: Project("{type}") = "name", "path", "{id}".
_PROJECT = re.compile(
    r'^\s*Project\(\s*"\{?(?P<type>[^"}]*)\}?"\s*\)\s*=\s*"(?P<name>[^"]*)"\s*,'
    r'\s*"(?P<path>[^"]*)"\s*,',
    re.IGNORECASE,
)
_FOLDER = "2150E333-8FDC-42A3-9474-1A3956D46DE8"
SUFFIXES = (".sln", ".slnx", ".slnf")


def projects(survey: Survey, path: str) -> Iterator[tuple[str, int | None]]:
    """Yields the absolute paths of the projects that the solution at ``path`` lists, each with
    its line. Raises `Held` where the solution cannot be read."""
    folder = resolve(path, "..")
    if path.endswith(".slnx"):
        for element in survey.xml(path).walk():
            if element.name == "Project" and (named := element.get("Path")):
                yield _place(folder, named), element.line
    elif path.endswith(".slnf"):
        yield from _filtered(survey, path)
    else:
        yield from _classic(survey, path, folder)


def _place(folder: str, named: str) -> str:
    return resolve(folder, named.replace("\\", "/"))


def _classic(survey: Survey, path: str, folder: str) -> Iterator[tuple[str, int | None]]:
    text = survey.content(path).decode("utf-8-sig", "replace")
    lines = text.splitlines()
    if not any("Microsoft Visual Studio Solution File" in line for line in lines[:5]):
        unreadable(path, "does not begin like a solution", 1)
    for number, line in enumerate(lines, 1):
        match = _PROJECT.match(line[:4000])
        if match is not None and match["type"].upper() != _FOLDER:
            yield _place(folder, match["path"]), number


def _filtered(survey: Survey, path: str) -> Iterator[tuple[str, int | None]]:
    manifest = survey.json(path)
    solution = manifest.data.get("solution")
    named = solution.get("path") if isinstance(solution, dict) else None
    wanted = solution.get("projects") if isinstance(solution, dict) else None
    if not isinstance(named, str) or not isinstance(wanted, list):
        unreadable(path, "names no solution with projects", manifest.line_of_key("solution") or 1)
    whole = _place(resolve(path, ".."), named)
    if not survey.read(whole):
        unreadable(path, f"names {whole}, which was not copied", manifest.line_of_key("path"))
    for project in wanted:
        yield _place(resolve(whole, ".."), str(project)), manifest.line_of_key("projects")
