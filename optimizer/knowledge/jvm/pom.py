"""POMs: which of them one Maven run reads, and which other files they name.

Sources: the POM reference (Inheritance, Aggregation, Dependencies, Profiles, Repositories), and
maven-model-builder: DefaultModelBuilder (parents by relativePath), FileProfileActivator,
ProfileActivationFilePathInterpolator.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import NoReturn

from optimizer.knowledge.manifests import Survey, hold, resolve, unreadable
from optimizer.knowledge.xml_tree import Element

MOST_POMS = 1000
"""POMs that are looked at; larger reactors are held back."""

_PLACEHOLDER = re.compile(r"\$\{([^${}]+)\}")
_LONGEST = 4096
_BASEDIR = frozenset(("basedir", "project.basedir", "pom.basedir"))
_TOP = frozenset(("maven.multiModuleProjectDirectory", "session.executionRootDirectory",
                  "session.topDirectory", "session.rootDirectory",
                  "project.rootDirectory"))  # fmt: skip
_OUTSIDE = re.compile(r"\$\{(?:java\.home|env\.JAVA_HOME|jdk\.home)\}")
"""Places in the JDK, which no build context holds."""


@dataclass(frozen=True)
class Pom:
    """One POM; ``parent`` is the POM that it inherits from, where that lies in the files."""

    path: str
    root: Element
    parent: Pom | None

    @property
    def directory(self) -> str:
        """The directory that holds it, which is the basedir of the project."""
        return resolve(self.path, "..")

    @cached_property
    def chain(self) -> tuple[Pom, ...]:
        """The POM and all that it inherits from, nearest first."""
        return (self, *(self.parent.chain if self.parent else ()))

    @cached_property
    def scopes(self) -> tuple[Element, ...]:
        """The elements that may hold dependencies, repositories and a build: the project and its
        profiles."""
        return (self.root, *self.root.all("profiles", "profile"))

    @property
    def artifact(self) -> str:
        """The artifactId."""
        return self.root.value("artifactId")

    @property
    def group(self) -> str:
        """The groupId, inherited where it has none of its own."""
        return self.root.value("groupId") or self.root.value("parent", "groupId")

    @property
    def version(self) -> str:
        """The version, inherited where it has none of its own."""
        return self.root.value("version") or self.root.value("parent", "version")


@dataclass(slots=True)
class Reactor:
    """The POMs of one Maven run that starts at ``top``, with the properties of its command."""

    survey: Survey
    top: str
    properties: Mapping[str, str]
    env: Mapping[str, str]
    recursive: bool = True
    members: dict[str, Pom] = field(default_factory=dict)
    _read: dict[str, Pom] = field(default_factory=dict)
    _elements: dict[str, Element] = field(default_factory=dict)

    def look(self, start: str) -> None:
        """Notes every file that Maven reads to load the project at ``start`` and its modules."""
        waiting = [start]
        while waiting:
            path = waiting.pop()
            if path in self.members:
                continue
            pom = self.members[path] = self._pom(path, ())
            if self.recursive:
                waiting += self._modules(pom)
        for pom in self.members.values():
            self._files_of(pom)

    def _pom(self, path: str, below: tuple[str, ...]) -> Pom:
        if path in self._read:
            return self._read[path]
        if len(self._read) >= MOST_POMS:
            hold(
                "unreadable-manifest",
                f"The project has more than {MOST_POMS} POMs; the others are not looked at.",
                "Run Maven on a part of the project.",
                path,
            )
        root = self._parse(path)
        pom = Pom(path, root, self._parent(path, root, (*below, path)))
        self._read[path] = pom
        return pom

    def _parse(self, path: str) -> Element:
        if path not in self._elements:
            root = self._elements[path] = self.survey.xml(path)
            if root.name != "project":
                unreadable(path, f"is not a POM: its root element is {root.name}", root.line)
        return self._elements[path]

    def _parent(self, path: str, root: Element, below: tuple[str, ...]) -> Pom | None:
        """DefaultModelBuilder, readParentLocally: a POM with other coordinates is read and left."""
        named = root.find("parent")
        if named is None:
            return None
        relative = named.find("relativePath")
        if relative is not None and not relative.text:
            return None
        place = relative.text if relative is not None else "../pom.xml"
        found = self._pom_at(resolve(resolve(path, ".."), place.replace("\\", "/")))
        if found is None:
            return None
        if found in below:
            unreadable(path, "inherits from itself", named.line)
        if self._parse(found).value("artifactId") != named.value("artifactId"):
            return None
        return self._pom(found, below)

    def _pom_at(self, path: str) -> str | None:
        """A directory stands for the pom.xml in it."""
        if self.survey.has_dir(path):
            path = resolve(path, "pom.xml")
        return path if self.survey.has_file(path) else None

    def _modules(self, pom: Pom) -> Iterator[str]:
        for scope in pom.scopes:
            for kind, one in (("modules", "module"), ("subprojects", "subproject")):
                for module in scope.all(kind, one):
                    named = self.expand(module.text.replace("\\", "/"), pom)
                    found = named and self._pom_at(resolve(pom.directory, named))
                    if found:
                        yield found
                    elif scope is pom.root:
                        hold(
                            "manifest-outside-copy",
                            f"{pom.path} names the module {module.text}, and its POM is not among "
                            "the copied files.",
                            "Copy that module too, or take it out of the modules.",
                            pom.path,
                            module.line,
                        )

    def _files_of(self, member: Pom) -> None:
        for pom in member.chain:
            for scope in pom.scopes:
                for dependency in _dependencies(scope):
                    self._system_path(member, pom, dependency, required=scope is pom.root)
                self._repositories(member, pom, scope)
                self._extensions(pom, scope)
                self._activation(member, pom, scope)

    def _system_path(self, member: Pom, pom: Pom, dependency: Element, required: bool) -> None:
        named = dependency.find("systemPath")
        if named is None or dependency.value("scope") != "system" or _OUTSIDE.search(named.text):
            return
        path = self.place(member, named.text)
        if path is None:
            self._unresolved(pom, named)
        if not self.survey.read(path) and required and path.startswith(self.top):
            hold(
                "manifest-outside-copy",
                f"{pom.path} takes {dependency.value('artifactId')} from {named.text}, "
                "which is not among the copied files.",
                "Copy that file from the build context.",
                pom.path,
                named.line,
            )

    def _repositories(self, member: Pom, pom: Pom, scope: Element) -> None:
        """Repositories that lie in the project: ``file://${project.basedir}/repo``."""
        for kind, one in (
            ("repositories", "repository"),
            ("pluginRepositories", "pluginRepository"),
        ):
            for url in scope.all(kind, one, "url"):
                if url.text.startswith("file:"):
                    self.file_repository(member, url, pom.path)

    def file_repository(self, member: Pom, url: Element, named_in: str) -> None:
        """Notes the directory of a ``file:`` URL as read whole, where it lies in the files."""
        text = self.expand(url.text.removeprefix("file:"), member)
        if text is None:
            hold(
                "unresolved-variable",
                f"{named_in} names the repository {url.text}, which is not known before a build.",
                "Name the directory from ${project.basedir}.",
                named_in,
                url.line,
            )
        place = re.sub(r"^//+", "/", text)
        # A relative one starts where Maven runs (java.io.File).
        for path in (resolve(member.directory, place), resolve(self.top, place.lstrip("/"))):
            if self.survey.has_dir(path):
                self.survey.tree(path)

    def _activation(self, member: Pom, pom: Pom, scope: Element) -> None:
        for test in ("exists", "missing"):
            for named in scope.all("activation", "file", test):
                path = self.place(member, named.text)
                if path is None:
                    self._unresolved(pom, named)
                if self.survey.has_dir(path):
                    hold(
                        "install-reads-source",
                        f"{pom.path} has a profile that depends on whether {named.text} is there, "
                        "which is a directory.",
                        "Let the profile depend on a property or a file.",
                        pom.path,
                        named.line,
                    )
                self.survey.read(path)

    def _extensions(self, pom: Pom, scope: Element) -> None:
        named = [
            *scope.all("build", "extensions", "extension"),
            *(p for p in _plugins(scope) if p.value("extensions").lower() == "true"),
        ]
        for extension in named:
            look_at_extension(self.survey, extension, pom.path)

    def place(self, member: Pom, text: str) -> str | None:
        expanded = self.expand(text.replace("\\", "/"), member)
        return None if expanded is None else resolve(member.directory, expanded)

    def _unresolved(self, pom: Pom, named: Element) -> NoReturn:
        hold(
            "unresolved-variable",
            f"{pom.path} names the file {named.text}, which is not known before a build.",
            "Name the file from ${project.basedir}.",
            pom.path,
            named.line,
        )

    def expand(self, text: str, member: Pom) -> str | None:
        """Replaces the placeholders in a text of ``member``; None where one is not known."""
        for _ in range(20):
            match = _PLACEHOLDER.search(text)
            if match is None:
                return text
            value = self._property(match[1], member)
            if value is None or len(text) + len(value) > _LONGEST:
                return None
            text = text[: match.start()] + value + text[match.end() :]
        return None

    def _property(self, name: str, member: Pom) -> str | None:
        if name in self.properties:
            return self.properties[name]
        if name in _BASEDIR:
            return member.directory
        if name in _TOP:
            return self.top
        if name.startswith("env."):
            return self.env.get(name.removeprefix("env."))
        if name in ("project.groupId", "groupId", "pom.groupId"):
            return member.group
        if name in ("project.artifactId", "artifactId", "pom.artifactId"):
            return member.artifact
        if name in ("project.version", "version", "pom.version"):
            return member.version
        if name == "project.parent.version":
            return member.root.value("parent", "version") or None
        if name in ("project.parent.groupId",):
            return member.root.value("parent", "groupId") or None
        for pom in member.chain:
            for scope in pom.scopes:
                found = scope.find("properties", name)
                if found is not None:
                    return found.text
        return None

    def uses_of_modules(self) -> tuple[Use, ...]:
        """Returns where projects of this run use others of it, their parents left out."""
        own: dict[str, list[Pom]] = {}
        for pom in self.members.values():
            own.setdefault(pom.artifact, []).append(pom)
        return tuple(
            Use(pom, used, other, by_plugin)
            for member in self.members.values()
            for pom in member.chain
            for used, by_plugin in _used(pom)
            for other in own.get(used.value("artifactId"), ())
            if other is not member and self._is_of(used, other, member)
        )

    def exclusion(self) -> tuple[Pom, Element] | None:
        """Returns the first place where a POM leaves out what a dependency depends on."""
        for member in self.members.values():
            for pom in member.chain:
                for scope in pom.scopes:
                    managed = scope.all("dependencyManagement", "dependencies", "dependency")
                    for dependency in (*_dependencies(scope), *managed):
                        found = dependency.find("exclusions", "exclusion")
                        if found is not None:
                            return pom, found
        return None

    def _is_of(self, used: Element, other: Pom, member: Pom) -> bool:
        group = self.expand(used.value("groupId"), member)
        return group is None or group == self.expand(other.group, other)


@dataclass(frozen=True, slots=True)
class Use:
    """``element`` of ``pom`` names the project ``other``; ``by_plugin`` says that Maven needs it
    to build, as a plugin or extension or as a dependency of one."""

    pom: Pom
    element: Element
    other: Pom
    by_plugin: bool


def _dependencies(scope: Element) -> Iterator[Element]:
    yield from scope.all("dependencies", "dependency")


def _plugins(scope: Element) -> Iterator[Element]:
    yield from scope.all("build", "plugins", "plugin")
    yield from scope.all("build", "pluginManagement", "plugins", "plugin")


def _used(pom: Pom) -> Iterator[tuple[Element, bool]]:
    """Yields what a run of the project resolves, and whether Maven needs it to build:
    dependencies and imported BOMs; plugins with their dependencies, and extensions."""
    for scope in pom.scopes:
        for dependency in _dependencies(scope):
            yield dependency, False
        for managed in scope.all("dependencyManagement", "dependencies", "dependency"):
            if managed.value("scope") == "import":
                yield managed, False
        for plugin in scope.all("build", "plugins", "plugin"):
            for needed in (plugin, *_dependencies(plugin)):
                yield needed, True
        for extension in scope.all("build", "extensions", "extension"):
            yield extension, True


# Extensions run while Maven loads the project. Source: the documentation of each, by which it adds
# packagings, transports, properties of the machine, or work of later phases.
_QUIET = frozenset(
    {
        "os-maven-plugin", "maven-bundle-plugin", "nexus-staging-maven-plugin",
        "central-publishing-maven-plugin", "develocity-maven-extension",
        "gradle-enterprise-maven-extension", "common-custom-user-data-maven-extension",
        "maven-build-cache-extension", "takari-smart-builder", "kotlin-maven-plugin",
        "quarkus-maven-plugin", "native-maven-plugin", "maven-hpi-plugin",
        "protobuf-maven-plugin", "artifactregistry-maven-wagon", "aws-maven",
    }
)  # fmt: skip
_GIT = re.compile(r"jgitver|git-version|maven-git|gitflow|nisse|git-extension|semver")
"""Extensions that take the version from git: jgitver/jgitver-maven-plugin,
qoomon/maven-git-versioning-extension, egineering-llc/gitflow-helper-maven-plugin,
maveniverse/nisse."""


def look_at_extension(survey: Survey, extension: Element, path: str) -> None:
    """Holds where an extension that Maven loads with the project may look at more than POMs."""
    name = extension.value("artifactId")
    if name in _QUIET or name.startswith("wagon-"):
        survey.assume(f"The extension {name} is taken to read no sources of the project.")
        return
    if _GIT.search(name):
        hold(
            "version-from-git",
            f"{path} loads {name}, which takes the version of the project from git.",
            "Give the version in the POM, or pass it with -Drevision.",
            path,
            extension.line,
        )
    hold(
        "config-reads-source",
        f"{path} loads the extension {name} with the project, and what that reads is not known.",
        "Take the extension away, or copy what it reads above the command yourself.",
        path,
        extension.line,
    )
