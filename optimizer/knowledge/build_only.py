"""Which of the copied files only a build of a compiled language needs.

Whatever a row does not name stays: templates, static files, migrations, settings.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from posixpath import basename

from optimizer.knowledge.artefacts import named_paths
from optimizer.knowledge.installs import HOLE, Files
from optimizer.knowledge.manifests import ancestors, resolve, within
from optimizer.knowledge.running import Running

MOST_FILES = 20_000
"""Files that are looked at; of larger trees everything stays."""
DOCKERFILES = r"dockerfile(?:[.-].*)?|.*\.dockerfile|containerfile(?:\..*)?"
"""The names of Dockerfiles, in lower case (the Dockerfile reference and `docker build`)."""
_ABOUT_BUILDS = re.compile(rf"{DOCKERFILES}|(?:readme|changelog)(?:\..*)?", re.IGNORECASE)
"""Files that name the directory of a build and that no program reads."""
_READ_MAKEFILES = frozenset(("make", "gmake", "just", "task"))
_DEEPEST = 60
_MOST_BYTES = 20_000_000
"""Bytes of sources that are searched for one word."""


@dataclass(frozen=True, slots=True)
class Sources:
    """The files of one ecosystem that only building needs: those whose whole name ``names``
    matches, and ``folders``, by name or as the end of a path, with all that lies in them.

    ``places`` is what sources hold that put the place of their directory into a program
    (``__FILE__``), so that it may read there wherever it is started.
    """

    names: re.Pattern[str]
    folders: frozenset[str] = frozenset()
    places: re.Pattern[bytes] | None = None


# Sources, in this order: the Dockerfile reference and `docker build` (names of Dockerfiles and
# ignore files); the Compose specification ("Compose file") and Bake's file names; git's
# gitignore(5), gitattributes(5), gitmodules(5); GitHub ("community health files"), and the file
# names of each CI service, editor and tool in its own documentation; GNU make, just, Task and
# Vagrant (their default file names). LICENSE and NOTICE stay: licences ask for them in copies.
_GENERAL = re.compile(
    rf"{DOCKERFILES}|\.dockerignore"
    r"|(?:docker-)?compose(?:[.-].*)?\.ya?ml|docker-bake(?:\..*)?\.(?:hcl|json)"
    r"|\.gitignore|\.gitattributes|\.gitmodules|\.mailmap|\.editorconfig"
    r"|(?:readme|changelog|changes|contributing|code_of_conduct|security|history|authors"
    r"|maintainers|codeowners|roadmap)(?:\.(?:md|rst|txt|adoc|markdown))?"
    r"|\.gitlab-ci\.yml|\.travis\.yml|jenkinsfile|azure-pipelines\.ya?ml|appveyor\.yml|\.drone\.yml"
    r"|\.pre-commit-config\.ya?ml|renovate\.json5?|codecov\.ya?ml|\.codecov\.ya?ml|sonar-project\.properties"
    r"|makefile|gnumakefile|justfile|taskfile\.ya?ml|vagrantfile|skaffold\.ya?ml|dockopt\.toml"
    r"|procfile\.dev|\.envrc|\.tool-versions|fly\.toml|render\.ya?ml",
    re.IGNORECASE,
)
_GENERAL_FOLDERS = frozenset(
    (".git", ".github", ".gitlab", ".circleci", ".vscode", ".idea", ".devcontainer", ".husky")
)


def only_for_building(
    files: Files,
    directory: str,
    sources: Sources,
    running: Running,
    outputs: Sequence[str] = (),
) -> tuple[str, ...] | None:
    """Returns the copied files and whole directories that only the build in ``directory`` needs:
    those that ``sources`` names, and all of them where the container works elsewhere and nothing
    names the directory.

    ``outputs`` are directories that the build writes; what was copied there is what another
    machine built. A file that a running command names, or that lies in a directory that one names,
    is not among them. None where there are too many files to look at, or where a command may read
    any of them: it names a directory above them all, or looks for what to do in a makefile.
    """
    top = top_of(files, directory)
    if any(call.program in _READ_MAKEFILES for call in running.calls):
        return None
    if _is_left(files, top, sources, running):
        return tuple(resolve(top, name) for name in files.children(top))
    named = [path for path in named_paths(running) if files.kind(path) is not None]
    if any(within(top, path) for path in named):
        return None
    walk = _Walk(files, sources, tuple(named), frozenset(outputs))
    found, _ = walk.below(top, 0)
    return None if walk.seen > MOST_FILES else tuple(found)


def _is_left(files: Files, top: str, sources: Sources, running: Running) -> bool:
    """Tells whether a container has nothing to do with ``top``: its commands work in other
    directories and name nothing there, nor does a variable or a file among the sources."""
    if sources.places is None or running.opaque is not None or not running.calls or top == "/":
        return False
    for call in running.calls:
        if HOLE in call.directory or within(call.directory, top) or within(top, call.directory):
            return False
        if any(_speaks_of(value, top) for value in (*call.env.values(), *call.words)):
            return False
    found = all_files(files, top)
    if found is None:
        return False
    spoken = [path for path in found if not _ABOUT_BUILDS.fullmatch(basename(path))]
    told = re.escape(top.encode()) + rb"(?![\w.-])"
    return not any_holds(files, spoken, re.compile(told + rb"|" + sources.places.pattern))


def _speaks_of(text: str, top: str) -> bool:
    return HOLE in text or re.search(re.escape(top) + r"(?![\w.-])", text) is not None


def all_files(files: Files, directory: str) -> list[str] | None:
    """Returns the files below ``directory``; None where there are too many to look at."""
    return source_files(files, directory, ("",))


def top_of(files: Files, directory: str) -> str:
    """Returns the topmost directory, at or above ``directory``, that files were copied into: that
    of a repository for a build in one of its folders."""
    top = directory
    for place in ancestors(directory):
        if place == "/":
            break
        if any(files.kind(resolve(place, name)) == "file" for name in files.children(place)):
            top = place
    return top


@dataclass(slots=True)
class _Walk:
    files: Files
    sources: Sources
    named: tuple[str, ...]
    outputs: frozenset[str]
    seen: int = 0

    def below(self, folder: str, depth: int) -> tuple[list[str], bool]:
        """Returns what only building needs in ``folder``, and whether that is all of it."""
        names = self.files.children(folder)
        self.seen += len(names)
        if self.seen > MOST_FILES or depth > _DEEPEST:
            return [], False
        found: list[str] = []
        whole = bool(names)
        for name in names:
            path = resolve(folder, name)
            own, all_of_it = self._one(path, name, depth)
            found += own
            whole = whole and all_of_it
        if depth and all(_GENERAL.fullmatch(name) for name in names):
            # A file such as .gitignore is often there to have the folder, which may be written to.
            return [], False
        return ([folder], True) if whole and depth else (found, whole)

    def _one(self, path: str, name: str, depth: int) -> tuple[list[str], bool]:
        if path in self.outputs:
            return [path], True
        if any(within(path, place) for place in self.named):
            return [], False
        kind = self.files.kind(path)
        if kind == "dir":
            if self._is_build_folder(path, name):
                return [path], True
            return self.below(path, depth + 1)
        if kind == "file" and (self.sources.names.fullmatch(name) or _GENERAL.fullmatch(name)):
            return [path], True
        return [], False

    def _is_build_folder(self, path: str, name: str) -> bool:
        if any(within(place, path) for place in self.named):
            return False
        ends = (each for each in self.sources.folders if "/" in each)
        return (
            name in _GENERAL_FOLDERS
            or name in self.sources.folders
            or any(path.endswith(f"/{end}") for end in ends)
        )


def source_files(files: Files, directory: str, suffixes: Sequence[str]) -> list[str] | None:
    """Returns the files below ``directory`` whose names end in one of ``suffixes``; None where
    there are too many to look at."""
    found: list[str] = []
    waiting, seen = [(directory, 0)], 0
    while waiting:
        folder, depth = waiting.pop()
        for name in files.children(folder):
            seen += 1
            if seen > MOST_FILES:
                return None
            path = resolve(folder, name)
            kind = files.kind(path)
            if kind == "file" and name.endswith(tuple(suffixes)):
                found.append(path)
            elif depth < _DEEPEST and not name.startswith(".") and kind == "dir":
                waiting.append((path, depth + 1))
    return sorted(found)


def any_holds(files: Files, paths: Iterable[str], pattern: re.Pattern[bytes]) -> bool:
    """Tells whether one of the files at ``paths`` holds ``pattern``, or is too large to tell."""
    left = _MOST_BYTES
    for path in paths:
        content = files.read(path)
        if content is None:
            return True
        left -= len(content)
        if left < 0 or pattern.search(content):
            return True
    return False
