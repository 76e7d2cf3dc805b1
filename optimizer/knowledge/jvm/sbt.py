"""sbt: which commands download dependencies, and what such a download reads and writes.

Sources: the sbt reference manual ("Directory structure", "Command line reference", "Library
dependencies", "Multi-project builds", "Resolvers"), and trials with sbt 1.10.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace

from optimizer.knowledge.installs import (
    Call,
    DownloadCache,
    Files,
    Inputs,
    Install,
    Obstacle,
    Touch,
)
from optimizer.knowledge.jvm import java_options
from optimizer.knowledge.jvm.scripts import STARTERS, Script, ScriptError, read_script
from optimizer.knowledge.manifests import Survey, answer, hold, resolve, unreadable

NAME = "sbt"

_UPDATE = re.compile(r"(?:(?P<project>[a-z][\w-]*)/)?(?:(?:Compile|Test)/)?update")
# Commands that build something; one may stand behind its project and its configuration.
_BUILDS = re.compile(
    r"(?:(?P<project>[a-z][\w-]*)/)?(?:[A-Z]\w*/|[a-z]+:)?"
    r"(?:compile|test|package|packageBin|assembly|stage|dist|run|runMain|publishLocal|pack"
    r"|stagePkg|packageZipTarball|packageXzTarball|fullOptJS|fastOptJS|nativeImage|fullLinkJS)"
)
_CLEANS = re.compile(r"clean|reload|(?:project [\w-]+)")
# sbt's runner, bin/sbt (sbt/sbt, sbt): options with a value of their own, and without.
_VALUED = frozenset(("mem", "jvm-debug", "sbt-version", "sbt-jar", "java-home", "sbt-dir",
                     "sbt-boot", "sbt-cache", "ivy", "timeout", "supershell", "color"))  # fmt: skip
_PLAIN = frozenset(("batch", "v", "verbose", "d", "debug", "no-colors", "no-color", "nocolor",
                    "no-server", "client", "error", "warn", "info", "jvm-client"))  # fmt: skip
_BUILD_SOURCES = (".sbt", ".scala", ".java")
_MOST_FILES = 20_000
_GIT_PLUGINS = frozenset(
    {"sbt-dynver", "sbt-git", "sbt-ci-release", "sbt-typelevel", "sbt-git-versioning",
     "sbt-version-from-git", "sbt-typelevel-ci-release", "sbt-lucuma", "sbt-lucuma-lib"}
)  # fmt: skip
"""Plugins that set the version from git while the build is loaded (their own READMEs)."""
# sbt.io.IO, scala.io.Source, java.io, java.nio.file: names that open files.
_READERS = frozenset(
    {"Source", "FileInputStream", "FileReader", "Files", "Properties", "readLines", "listFiles",
     "exists", "isFile", "isDirectory", "ConfigFactory", "XML", "getInputStream"}
)  # fmt: skip
_STARTERS = STARTERS | {"Process", "process"}


@dataclass(frozen=True, slots=True)
class _Line:
    options: tuple[str, ...]
    commands: tuple[str, ...]
    unknown: str | None


def _read_line(words: Sequence[str]) -> _Line:
    options: list[str] = []
    commands: list[str] = []
    unknown = None
    queue = list(reversed(words))
    while queue:
        word = queue.pop()
        name, equals, _ = word.lstrip("-").partition("=")
        if not word.startswith("-"):
            commands.append(word)
        elif word.startswith(("-D", "-J", "-X")) or name in _PLAIN or (name in _VALUED and equals):
            options.append(word)
        elif name in _VALUED:
            options += [word, queue.pop() if queue else ""]
        else:
            unknown = unknown or word
    return _Line(tuple(options), tuple(commands), unknown)


def recognise(call: Call) -> Install | Touch | Obstacle | None:
    """Says what ``call`` is; see `optimizer.knowledge.installs.Ecosystem`."""
    if call.program != "sbt":
        return None
    line = _read_line(call.words[1:])
    updates = [command for command in line.commands if _UPDATE.fullmatch(command)]
    others = [c for c in line.commands if c not in updates and not _CLEANS.fullmatch(c)]
    if not updates or others:
        return None
    title = " ".join(call.words)
    if line.unknown is not None:
        return _unknown(title, line.unknown)
    return Install(NAME, title, call)


def _unknown(title: str, option: str) -> Obstacle:
    return Obstacle(
        "unknown-install-flag",
        f"`{title}` has {option}, which may change what it reads.",
        "Leave the option out.",
    )


def dependency_step(call: Call, files: Files) -> Install | Obstacle | None:
    """Returns `sbt update` for a build; see `optimizer.knowledge.installs.Ecosystem`."""
    if call.program != "sbt":
        return None
    line = _read_line(call.words[1:])
    if recognise(call) is not None or not line.commands:
        return None
    matches = [_BUILDS.fullmatch(command) for command in line.commands]
    if not any(matches):
        return None
    title = " ".join(call.words)
    if line.unknown is not None:
        return _unknown(title, line.unknown)
    for command, match in zip(line.commands, matches, strict=True):
        if match is None and not _CLEANS.fullmatch(command):
            return _unknown(title, command)
    projects = [match["project"] for match in matches if match]
    updates = dict.fromkeys(f"{name}/update" if name else "update" for name in projects)
    words = (call.words[0], *line.options, *updates)
    return Install(
        NAME,
        " ".join(words),
        replace(call, words=words),
        assumes=(
            "What sbt downloads while it compiles (its compiler bridge) is left to the build.",
        ),
    )


def download_caches(call: Call) -> tuple[DownloadCache, ...]:
    """Returns coursier's cache, which it locks (coursier's documentation, "Cache")."""
    home = call.env.get("HOME")
    if call.program != "sbt" or not (home or call.env.get("COURSIER_CACHE")):
        return ()
    place = call.env.get("COURSIER_CACHE") or f"{home}/.cache/coursier/v1"
    return (DownloadCache(resolve("/", place), is_locked=True),)


def inputs(install: Install, files: Files) -> Inputs | Obstacle:
    """Returns what ``install`` reads among ``files``, or why that is not known."""
    return answer(_Update(Survey(files), install).look)


@dataclass(slots=True)
class _Update:
    """One `sbt update` while it is looked at."""

    survey: Survey
    install: Install
    seen: int = field(init=False, default=0)

    def look(self) -> Inputs:
        """Notes everything that the download reads and writes."""
        call, survey = self.install.call, self.survey
        java_options.survey_variables(survey, call, ("SBT_OPTS", "JAVA_OPTS", "JVM_OPTS"))
        root = call.directory
        for name in (".sbtopts", ".jvmopts", ".sbtrc", ".sbtconfig"):
            path = resolve(root, name)
            if survey.read(path):
                text = survey.content(path).decode("utf-8", "replace")
                java_options.survey_options(survey, root, java_options.split(text), path)
        project = resolve(root, "project")
        builds = [*self._definitions(root)]
        if not any(path.startswith(f"{root.rstrip('/')}/") for path in builds):
            self._hold_missing(resolve(root, "build.sbt"))
        if not survey.has_file(f"{project}/build.properties"):
            survey.assume("Which sbt loads the build is left to the one that is installed.")
        for path in builds:
            self._look_at(path)
        self._writes(root, project)
        return survey.inputs()

    def _hold_missing(self, path: str) -> None:
        hold(
            "manifest-outside-copy",
            f"{path} is not among the files copied from the build context.",
            "Copy the build definition from the build context before the download.",
            path,
        )

    def _definitions(self, root: str) -> Iterator[str]:
        """Yields every .sbt file, and in ``project`` directories every source: sbt loads those of
        the root, of each project and of the build's own build."""
        waiting = [root]
        while waiting:
            place = waiting.pop()
            inside = "/project" in place[len(root) :]
            for name in self.survey.files.children(place):
                self.seen += 1
                if self.seen > _MOST_FILES:
                    hold(
                        "unreadable-manifest",
                        f"{root} has more than {_MOST_FILES} files that may be build definitions.",
                        "Copy less of the build context.",
                        root,
                    )
                path = resolve(place, name)
                kind = self.survey.files.kind(path)
                if kind == "dir" and name not in _NO_PROJECTS and not name.startswith("."):
                    waiting.append(path)
                elif name.endswith(_BUILD_SOURCES if inside else ".sbt") and self.survey.read(path):
                    yield path
                elif inside and name.endswith(".properties"):
                    self.survey.read(path)

    def _look_at(self, path: str) -> None:
        script = self._script(path)
        for names, what in ((_READERS, "opens files"), (_STARTERS, "starts other programs")):
            token = script.named(*names)
            if token is not None:
                hold(
                    "config-reads-source",
                    f"{path} {what} (`{token.text}`), and which is not known before it runs.",
                    "Keep the build definition free of code that looks at files.",
                    path,
                    token.line,
                )
        for text in script.all_strings():
            if text.text in _GIT_PLUGINS:
                hold(
                    "version-from-git",
                    f"{path} uses {text.text}, which takes the version of the build from git.",
                    "Give the version in the build definition.",
                    path,
                    text.line,
                )
            if text.text.startswith("file:"):
                hold(
                    "local-dependency",
                    f"{path} names the repository {text.text}, a directory.",
                    "Copy the directory above the download yourself.",
                    path,
                    text.line,
                )

    def _script(self, path: str) -> Script:
        text = self.survey.content(path).decode("utf-8", "replace")
        try:
            return read_script(text, "scala")
        except ScriptError as error:
            unreadable(path, str(error), error.line)

    def _writes(self, root: str, project: str) -> None:
        home = resolve("/", self.install.call.env.get("HOME", "/root"))
        for place in dict.fromkeys(("/root", home)):
            self.survey.write(f"{place}/.cache", f"{place}/.ivy2", f"{place}/.sbt")
        folders = {resolve(path, "..") for path in self.survey.reads if path.endswith(".sbt")}
        for folder in sorted({root, project, *folders}):
            self.survey.write(f"{folder.rstrip('/')}/target")
        self.survey.write(f"{project}/project", resolve(root, ".bsp"))


_NO_PROJECTS = frozenset(("target", "src", "node_modules", "test", "docs"))
"""Directories of a project that hold no others (sbt's "Directory structure")."""
