"""Maven: which commands download dependencies, and what such a download reads and writes.

Sources: Maven's "Settings Reference", "Configuring Apache Maven" (maven.config, jvm.config,
extensions.xml), the goals of maven-dependency-plugin 2.8 to 3.11, and trials with Maven 3.8.7.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
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
from optimizer.knowledge.jvm import java_options, wrapper
from optimizer.knowledge.jvm.maven_line import LIFECYCLE, Line, read_line
from optimizer.knowledge.jvm.pom import Pom, Reactor, Use, look_at_extension
from optimizer.knowledge.manifests import (
    Survey,
    ancestors,
    answer,
    hold,
    resolve,
)
from optimizer.knowledge.xml_tree import Element

NAME = "mvn"

_PROGRAMS = frozenset(("mvn", "mvnw"))
# A goal with its plugin: prefix:goal or group:artifact[:version]:goal, with an execution's id.
_GOAL = re.compile(
    r"(?:dependency|org\.apache\.maven\.plugins:maven-dependency-plugin(?::[^:]+)?"
    r"|install|org\.apache\.maven\.plugins:maven-install-plugin(?::[^:]+)?"
    r"|de\.qaware\.maven:go-offline-maven-plugin(?::[^:]+)?):(?P<goal>[\w-]+)(?:@\S+)?"
)
# maven-dependency-plugin's goals that download and need no compiled classes; install-file of
# maven-install-plugin; resolve-dependencies of qaware's go-offline-maven-plugin.
_DOWNLOADS = frozenset(
    {
        "go-offline", "resolve", "resolve-plugins", "sources", "copy-dependencies",
        "unpack-dependencies", "get", "copy", "install-file", "resolve-dependencies",
    }
)  # fmt: skip
_INTO_PROJECT = frozenset(("copy-dependencies", "unpack-dependencies", "copy", "sources"))
# Plugins whose goals build nothing (their own documentation).
_BESIDE = re.compile(r"(?:.*[:-])?(?:help|versions|wrapper|archetype|enforcer|deploy|clean|install"
                     r"|dependency)(?:-maven-plugin|-plugin)?(?::[\d.]+)?:[\w-]+")  # fmt: skip
_EARLY = frozenset(("validate", "initialize", "pre-clean", "clean", "post-clean"))
_NOT_FOR_THE_STEP = frozenset(("log-file", "threads", "fail-never", "fail-at-end", "fail-fast"))
_WRAPPER_MARK = b"aven"
_STEP = ("dependency:resolve", "dependency:resolve-plugins")
"""Tried with 2.8, which Maven 3.8 takes by itself: the first lets Maven resolve what the build
resolves, managed versions and exclusions included, so it fails only where the build would. Of
471 downloads of a small project the two brought 356."""
_STEP_OF_MODULES = ("org.apache.maven.plugins:maven-dependency-plugin:3.6.1:go-offline",)
"""Tried: 2.8 looks for the other modules of a build in the repositories and fails, whatever it is
told to exclude (MDEP-204; MDEP-556 says the same of `resolve`); go-offline of 3.3.0, 3.6.0, 3.6.1,
3.8.1 and 3.11.0 leaves them out, 3.6.1 with snapshots, test archives and imported BOMs of the
build. It does not heed exclusions (MDEP-844). 3.6.1 asks for Maven 3.2.5 (its POM)."""


def recognise(call: Call) -> Install | Touch | Obstacle | None:
    """Says what ``call`` is; see `optimizer.knowledge.installs.Ecosystem`."""
    inner = wrapper.bare(call)
    if inner.program not in _PROGRAMS:
        return None
    line = read_line(inner.words[1:])
    goals = [_GOAL.fullmatch(goal) for goal in line.goals]
    if not goals or line.has("version", "help"):
        return None
    if not all(goal and goal["goal"] in _DOWNLOADS for goal in goals):
        return None
    title = " ".join(call.words)
    if line.unknown is not None:
        return Obstacle(
            "unknown-install-flag",
            f"`{title}` has {line.unknown}, which may change what it reads.",
            "Leave the option out of the download.",
        )
    return Install(NAME, title, call)


def dependency_step(call: Call, files: Files) -> Install | Obstacle | None:
    """Returns `mvn dependency:resolve dependency:resolve-plugins` with the options of ``call``, and
    where modules depend on each other the `go-offline` of a plugin that leaves them out; see
    `optimizer.knowledge.installs.Ecosystem`."""
    inner = wrapper.bare(call)
    if inner.program not in _PROGRAMS:
        return None
    line = read_line(inner.words[1:])
    if line.has("version", "help", "offline") or not any(map(_builds, line.goals)):
        return None
    if line.unknown is not None:
        return Obstacle(
            "unknown-install-flag",
            f"`{' '.join(call.words)}` has {line.unknown}, which may change what it downloads.",
            "Leave the option out.",
        )
    program: tuple[str, ...] = (inner.words[0],)
    if inner.program == "mvnw":
        started = wrapper.through_shell(inner, files)
        if isinstance(started, Obstacle):
            return started
        program = started
    kept = [option for option in line.options if option.name not in _NOT_FOR_THE_STEP]
    options = [word for option in kept for word in option.words]
    plain = _install((*program, *options, *_STEP), call)
    download = _Download(Survey(files), plain)
    found = answer(download.look)
    if isinstance(found, Obstacle):
        return found
    used = download.reactor.uses_of_modules()
    if not used:
        return plain
    return (
        _made_here(used)
        or _left_out(download.reactor)
        or _install((*program, *options, *_STEP_OF_MODULES), call)
    )


def _install(words: tuple[str, ...], call: Call) -> Install:
    return Install(
        NAME,
        " ".join(words),
        replace(call, words=words),
        assumes=(
            "What plugins download while they run (test providers, compilers, annotation "
            "processors) is left to the build.",
        ),
    )


def _made_here(used: Iterable[Use]) -> Obstacle | None:
    """A plugin has to be there before Maven can ask it anything, its dependencies as well."""
    for use in used:
        if use.by_plugin:
            return Obstacle(
                "modules-need-each-other",
                f"{use.pom.path} builds with {use.other.artifact}, another module, which no "
                "repository has before it is built.",
                "Keep the downloads in a cache mount: "
                "`RUN --mount=type=cache,target=/root/.m2/repository`.",
                use.pom.path,
                use.element.line,
            )
    return None


def _left_out(reactor: Reactor) -> Obstacle | None:
    """Holds where go-offline would look for artifacts that the build never asks for: those that
    are left out are often the ones that no repository has."""
    found = reactor.exclusion()
    if found is None:
        return None
    pom, element = found
    return Obstacle(
        "modules-need-each-other",
        f"{pom.path} leaves out dependencies, and the one command that can download for modules "
        "which need each other fetches them all the same, and fails where no repository has them.",
        "Keep the downloads in a cache mount: "
        "`RUN --mount=type=cache,target=/root/.m2/repository`.",
        pom.path,
        element.line,
    )


def _builds(goal: str) -> bool:
    if ":" in goal:
        return _BESIDE.fullmatch(goal.partition("@")[0]) is None
    return goal in LIFECYCLE and goal not in _EARLY


def download_caches(call: Call) -> tuple[DownloadCache, ...]:
    """Returns the local repository; see `optimizer.knowledge.installs.Ecosystem`.

    None for a command that installs there what it builds. Maven 3 writes without locks between
    processes (Maven Resolver, "Named Locks": local to the process by default).
    """
    inner = wrapper.bare(call)
    home = call.env.get("HOME")
    if inner.program not in _PROGRAMS or not home:
        return ()
    line = read_line(inner.words[1:])
    if not line.goals or any(re.search(r"\b(?:install|deploy)\b", goal) for goal in line.goals):
        return ()
    named = line.properties.get("maven.repo.local", f"{home}/.m2/repository")
    return (DownloadCache(resolve(call.directory, named), is_locked=False),)


def inputs(install: Install, files: Files) -> Inputs | Obstacle:
    """Returns what ``install`` reads among ``files``, or why that is not known."""
    return answer(_Download(Survey(files), install).look)


def load(call: Call, survey: Survey) -> tuple[Reactor, Line]:
    """Returns the projects of one run of Maven, and its command line together with what the
    settings of the project add to it. Raises `Held` where they cannot be read."""
    download = _Download(survey, Install(NAME, " ".join(call.words), call))
    download.look()
    return download.reactor, download.line


@dataclass(slots=True)
class _Download:
    """One download while it is looked at."""

    survey: Survey
    install: Install
    call: Call = field(init=False)
    line: Line = field(init=False)
    reactor: Reactor = field(init=False)

    def look(self) -> Inputs:
        """Notes everything that the download reads and writes."""
        self.call = wrapper.bare(self.install.call)
        self.line = read_line(self.call.words[1:])
        start = self._start()
        top = self._dot_mvn(resolve(start, ".."))
        self._options()
        self.reactor = Reactor(
            self.survey,
            top,
            self.line.properties,
            self.call.env,
            recursive=not self.line.has("non-recursive"),
        )
        self._project(start)
        self._settings()
        self._writes()
        return self.survey.inputs()

    def _start(self) -> str:
        """The POM: ``-f`` names it or its directory."""
        named = resolve(self.call.directory, self.line.value("file") or ".")
        if self.survey.has_dir(named) or self.line.value("file") is None:
            return resolve(named, "pom.xml")
        return named

    def _dot_mvn(self, project: str) -> str:
        """bin/mvn and mvnw, find_maven_basedir: the nearest .mvn of the directory in which Maven
        starts (of the POM that ``-f`` names, of the script) or above it. Returns its folder."""
        if self.call.program == "mvnw":
            wrapper.survey_script(self.survey, self.call, _WRAPPER_MARK)
        starts = [project, self.call.directory]
        if self.call.program == "mvnw":
            starts.append(resolve(wrapper.script_of(self.call), ".."))
        tops = [top for start in starts if (top := self._holder(start)) is not None]
        for top in tops:
            self._configuration(resolve(top, ".mvn"))
        return tops[0] if tops else project

    def _holder(self, start: str) -> str | None:
        places = ancestors(start)
        return next((p for p in places if self.survey.has_dir(resolve(p, ".mvn"))), None)

    def _configuration(self, folder: str) -> None:
        self.survey.tree(folder)
        jar = f"{folder}/wrapper/maven-wrapper.jar"
        if self.call.program == "mvnw" and not self.survey.has_file(jar):
            self.survey.write(jar)
        for name in ("jvm.config", "maven.config"):
            path = f"{folder}/{name}"
            if not self.survey.has_file(path):
                continue
            text = self.survey.content(path).decode("utf-8", "replace")
            lines = [each for each in text.split("\n") if not each.lstrip().startswith("#")]
            words = java_options.split("\n".join(lines))
            java_options.survey_options(self.survey, self.call.directory, words, path)
            if name == "maven.config":
                self._merge(words, path)
        path = f"{folder}/extensions.xml"
        if self.survey.has_file(path):
            for extension in self.survey.xml(path).all("extension"):
                look_at_extension(self.survey, extension, path)

    def _merge(self, words: list[str], path: str | None) -> None:
        """MavenCli: what stands in maven.config or MAVEN_ARGS counts below the command line."""
        more = read_line(words)
        if more.unknown is not None:
            hold(
                "unknown-install-flag",
                f"{path or 'MAVEN_ARGS'} has {more.unknown}, which may change what Maven reads.",
                "Take the option away.",
                path,
            )
        self.line = Line((*self.line.options, *more.options), self.line.goals, None)

    def _options(self) -> None:
        """bin/mvn: MAVEN_OPTS goes to Java, MAVEN_ARGS (from 3.9 on) in front of the words;
        mvnw: MAVEN_CONFIG as well."""
        java_options.survey_variables(self.survey, self.call, ("MAVEN_OPTS", "MAVEN_DEBUG_OPTS"))
        words = java_options.split(self.call.env.get("MAVEN_ARGS", ""))
        self._merge(words, None)
        for name in ("MAVEN_OPTS", *java_options.ALL_JAVA):
            defined = [w for w in java_options.split(self.call.env.get(name, ""))
                       if w.startswith("-D")]  # fmt: skip
            self._merge(defined, None)
        java_options.survey_options(
            self.survey,
            self.call.directory,
            [f"-D{name}={value}" for name, value in self.line.properties.items()],
            f"`{self.install.title}`",
        )
        for option in self.line.options:
            if option.name in ("settings", "global-settings", "toolchains", "global-toolchains",
                               "project-settings", "install-settings"):  # fmt: skip
                self._named_file(option.value)

    def _named_file(self, value: str) -> None:
        path = resolve(self.call.directory, value)
        if not self.survey.read(path) and not value.startswith("/"):
            hold(
                "manifest-outside-copy",
                f"`{self.install.title}` names {value}, which is not among the copied files.",
                "Copy that file from the build context.",
                path,
            )

    def _project(self, start: str) -> None:
        for name in ("file", "pomFile", "javadoc"):
            # install:install-file, User Properties of that goal.
            if value := self.line.properties.get(name):
                self.survey.read(resolve(self.call.directory, value))
        if self.survey.has_file(start):
            self.reactor.look(start)
        elif not all(goal.endswith((":get", ":install-file")) for goal in self.line.goals):
            hold(
                "manifest-outside-copy",
                f"{start} is not among the files copied from the build context.",
                "Copy the POM from the build context before the download.",
                start,
            )

    def _homes(self) -> Iterator[str]:
        """Java's user.home comes from the passwd file (java.lang.System, getProperties)."""
        yield from dict.fromkeys(("/root", resolve("/", self.call.env.get("HOME", "/root"))))

    def _settings(self) -> None:
        """Settings Reference: the user's file, else the one of ``-s``; mirrors and repositories
        may lie in the project."""
        paths = [resolve(self.call.directory, option.value) for option in self.line.options
                 if option.name in ("settings", "global-settings", "project-settings")]  # fmt: skip
        for home in self._homes():
            for name in ("settings.xml", "settings-security.xml", "toolchains.xml"):
                self.survey.read(f"{home}/.m2/{name}")
            self.survey.read(f"{home}/.mavenrc")
            paths.append(f"{home}/.m2/settings.xml")
        for path in dict.fromkeys(paths):
            if self.survey.has_file(path):
                self._read_settings(path)

    def _read_settings(self, path: str) -> None:
        root = self.survey.xml(path)
        for element in root.walk():
            if element.name == "url" and element.text.startswith("file:"):
                member = next(iter(self.reactor.members.values()), None)
                self.reactor.file_repository(
                    member or Pom(resolve(self.call.directory, "pom.xml"), root, None),
                    element,
                    path,
                )
        local = root.value("localRepository")
        if local and "${user.home}" not in local:
            if "$" in local:
                hold(
                    "unresolved-variable",
                    f"{path} keeps the local repository in {local}, which is not known.",
                    "Name the directory without variables.",
                    path,
                )
            self.survey.write(resolve("/", local))

    def _writes(self) -> None:
        properties = self.line.properties
        if named := properties.get("maven.repo.local"):
            self.survey.write(resolve(self.call.directory, named))
        for home in self._homes():
            if not named:
                self.survey.write(f"{home}/.m2/repository")
            if self.call.program == "mvnw":
                self.survey.write(f"{home}/.m2/wrapper")
        for name in ("outputFile", "outputDirectory"):
            if value := properties.get(name):
                self.survey.write(resolve(self.call.directory, value))
        if log := self.line.value("log-file"):
            self.survey.write(resolve(self.call.directory, log))
        goals = {goal.rpartition(":")[2].partition("@")[0] for goal in self.line.goals}
        if goals & _INTO_PROJECT:
            self._writes_into_project()

    def _writes_into_project(self) -> None:
        for member in self.reactor.members.values():
            self.survey.write(resolve(member.directory, "target"))
            for pom in member.chain:
                for element in pom.root.walk():
                    if element.name == "outputDirectory" and element.text:
                        self._output(element, member, pom)

    def _output(self, element: Element, member: Pom, pom: Pom) -> None:
        inside = re.sub(r"^\$\{project\.(?:build\.)?(?:directory|outputDirectory)\}",
                        "${project.basedir}/target", element.text)  # fmt: skip
        path = self.reactor.place(member, inside)
        if path is None:
            hold(
                "unresolved-variable",
                f"{pom.path} writes to {element.text}, which is not known before a build.",
                "Name the directory from ${project.basedir}.",
                pom.path,
                element.line,
            )
        self.survey.write(path)
