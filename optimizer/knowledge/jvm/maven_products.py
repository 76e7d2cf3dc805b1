"""What Maven leaves for the run time: the archive of each project, by its name in the POM.

Sources: the POM reference (Build: finalName, directory), "Introduction to the Build Lifecycle";
the parameters of maven-jar-plugin, maven-war-plugin, maven-assembly-plugin (single),
maven-shade-plugin (shade), maven-dependency-plugin (copy-dependencies), spring-boot-maven-plugin
(repackage) and quarkus-maven-plugin ("Maven tooling"); trials with Maven 3.8.7.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from optimizer.knowledge.artefacts import not_known, runs_sources
from optimizer.knowledge.installs import Call, Obstacle
from optimizer.knowledge.jvm import archives
from optimizer.knowledge.jvm.maven import load
from optimizer.knowledge.jvm.maven_line import LIFECYCLE, Line
from optimizer.knowledge.jvm.pom import Pom, Reactor
from optimizer.knowledge.manifests import Held, Survey, resolve
from optimizer.knowledge.products import Made, Product
from optimizer.knowledge.xml_tree import Element

_PACKS = frozenset(("package", "pre-integration-test", "integration-test",
                    "post-integration-test", "verify", "install", "deploy"))  # fmt: skip
_PACKAGINGS = {"jar": "jar", "war": "war", "ear": "ear", "ejb": "jar", "maven-plugin": "jar",
               "bundle": "jar", "quarkus": "jar"}  # fmt: skip
"""Packagings and the endings of their archives (maven-core, default-bindings.xml)."""
_HARMLESS = re.compile(
    r"(?:.*[:-])?(?:help|versions|wrapper|archetype|enforcer|clean|dependency|spring-javaformat"
    r"|spotless|checkstyle|license|git-commit-id)(?:-maven-plugin|-plugin)?(?::[\w.-]+)*:[\w-]+"
)
"""Goals that leave nothing that is run, but for copies of dependencies."""
_PLACEHOLDER = re.compile(r"\$\{([^${}]+)\}")


def product(call: Call, made: Made) -> Product | Obstacle | None:
    """Says what ``call``, without a shell in front, leaves; see
    `optimizer.knowledge.products.Producer`."""
    blocked = runs_sources(call, made, "mvn", "mvnw")
    if blocked is not None:
        return blocked
    try:
        reactor, line = load(call, Survey(made.files))
    except Held as held:
        return held.obstacle
    if line.has("version", "help") or not line.goals:
        return Product(())
    return _Run(call, made, reactor, line).product()


@dataclass(frozen=True, slots=True)
class _Run:
    """One run of Maven while it is looked at."""

    call: Call
    made: Made
    reactor: Reactor
    line: Line

    def product(self) -> Product | Obstacle:
        """Returns the archives, or why they are not known."""
        others = [goal for goal in self.line.goals
                  if goal not in LIFECYCLE and not _HARMLESS.fullmatch(goal)]  # fmt: skip
        members = self._members()
        places = [self._directory(member) for member in members]
        named = archives.named_in(self.made, [place for place in places if place])
        if others and not named:
            return not_known(self.call, f"what {others[0]} writes")
        known: list[str] = []
        unknown: list[str] = []
        for member in members:
            found = list(self._archives(member)) if _PACKS & {*self.line.goals} else []
            known += [path for path in found if path]
            unknown += [member.path] * (None in found)
        copied = self._copied(members)
        kept = list(archives.settled(named, known)) if named else self._leaves(known, members)
        if not unknown and (stray := archives.stray(named, known)) is not None:
            return archives.hold_stray(self.call, stray, known)
        if None in kept or (unknown and not named):
            return not_known(
                self.call,
                f"the name of the archive of {next(iter(unknown), self.call.directory)}",
                "Set <finalName> in the POM, or let CMD name the archive.",
                next(iter(unknown), None),
            )
        if not known and not named and not copied:
            return self._nothing()
        return self._described([*filter(None, kept), *copied], members)

    def _leaves(self, known: Sequence[str], members: Sequence[Pom]) -> list[str | None]:
        """Leaves out the archives of projects that others hold or copy."""
        used = {use.other.path for use in self.reactor.uses_of_modules()}
        inner = {self._directory(member) for member in members if member.path in used}
        outer = [path for path in known if archives.folder_of(path) not in inner]
        return [*(outer or known)]

    def _nothing(self) -> Product | Obstacle:
        if {*self.line.goals} & {"compile", "test-compile", "process-classes"}:
            return not_known(self.call, "classes that are not packed", "Run `mvn package`.")
        return Product((), drops=self._repository(), compiles=False)

    def _repository(self) -> tuple[str, ...]:
        return tuple(path for path in self.reactor.survey.writes if path.endswith("/repository"))

    def _members(self) -> list[Pom]:
        """The projects that are built: all, or those of ``-pl`` (CLIManager: by directory or by
        ``[groupId]:artifactId``)."""
        found = list(self.reactor.members.values())
        option = self.line.value("projects")
        if option is None:
            return found
        wanted = [part.strip() for part in option.split(",")]
        if any(part.startswith(("!", "-", "+", "?")) for part in wanted):
            return found
        start = resolve(self.call.directory, self.line.value("file") or ".")
        base = resolve(start, "..") if start.endswith(".xml") else start
        return [
            pom for pom in found
            if any(pom.artifact == part.rpartition(":")[2] if ":" in part
                   else resolve(base, part) in (pom.directory, pom.path) for part in wanted)
        ]  # fmt: skip

    def _directory(self, member: Pom) -> str | None:
        """Returns the build directory of a project (POM reference, "directory")."""
        named = self._of_build(member, "directory")
        if named is None:
            return resolve(member.directory, "target")
        found = self._known(named, member)
        return None if found is None else resolve(member.directory, found)

    def _of_build(self, member: Pom, key: str) -> str | None:
        for pom in member.chain:
            found = pom.root.find("build", key)
            if found is not None:
                return found.text
        return None

    def _known(self, text: str, member: Pom) -> str | None:
        """Puts values into ``text``; None where a profile may give one of them another."""
        names = _PLACEHOLDER.findall(text)
        for _ in range(5):
            for pom in member.chain:
                for profile in pom.root.all("profiles", "profile"):
                    if any(profile.find("properties", name) is not None for name in names):
                        return None
            values = [v for name in names if (v := self.reactor.expand(f"${{{name}}}", member))]
            names = [inner for value in values for inner in _PLACEHOLDER.findall(value)]
        text = re.sub(r"\$\{project\.build\.directory\}", "${project.basedir}/target", text)
        return self.reactor.expand(text, member)

    def _archives(self, member: Pom) -> Iterator[str | None]:
        """Yields the archives that are run, None for one whose name is not known."""
        packaging = member.root.value("packaging") or "jar"
        if packaging == "pom" and not self._plugin(member, "maven-assembly-plugin"):
            return
        ending = _PACKAGINGS.get(packaging)
        place, name = self._directory(member), self._name(member)
        if (ending is None and packaging != "pom") or place is None or name is None:
            yield None
            return
        quarkus = self._plugin(member, "quarkus-maven-plugin")
        if quarkus is not None:
            yield self._quarkus(member, place, name)
            return
        if ending is not None:
            yield self._plain(member, place, name, ending)
        yield from self._attached(member, place, name)

    def _name(self, member: Pom) -> str | None:
        for pom in member.chain:
            profiles = pom.root.all("profiles", "profile")
            if any(profile.find("build", "finalName") is not None for profile in profiles):
                return None
        named = self._of_build(member, "finalName") or f"{member.artifact}-${{project.version}}"
        found = self._known(named, member)
        return found if found and "/" not in found and member.version else None

    def _plugin(self, member: Pom, artifact: str) -> Element | None:
        """Returns the plugin of a project's own build, its parents' included."""
        for pom in member.chain:
            for plugin in pom.root.all("build", "plugins", "plugin"):
                if plugin.value("artifactId") == artifact:
                    return plugin
        return None

    def _configured(self, member: Pom, artifact: str, key: str) -> Iterator[str]:
        """Yields the values of a plugin's parameter, in all its executions and its managed form."""
        for pom in member.chain:
            for path in (("build", "plugins", "plugin"),
                         ("build", "pluginManagement", "plugins", "plugin")):  # fmt: skip
                for plugin in pom.root.all(*path):
                    if plugin.value("artifactId") != artifact:
                        continue
                    yield from (e.text for e in plugin.all("configuration", key))
                    for each in plugin.all("executions", "execution", "configuration", key):
                        yield each.text

    def _plain(self, member: Pom, place: str, name: str, ending: str) -> str | None:
        """The archive of the packaging's own plugin, which Spring Boot and shade put theirs in the
        place of."""
        own = f"maven-{ending}-plugin"
        for key in ("finalName", "outputDirectory", "warName", "classifier"):
            if any(self._configured(member, own, key)):
                return None
        for plugin, keys in (("spring-boot-maven-plugin", ("finalName", "outputDirectory")),
                             ("maven-shade-plugin", ("finalName", "outputFile"))):  # fmt: skip
            if any(value for key in keys for value in self._configured(member, plugin, key)):
                return None
        return f"{place}/{name}.{ending}"

    def _attached(self, member: Pom, place: str, name: str) -> Iterator[str | None]:
        for value in self._configured(member, "spring-boot-maven-plugin", "classifier"):
            yield f"{place}/{name}-{value}.jar"
        attached = [*self._configured(member, "maven-shade-plugin", "shadedArtifactAttached")]
        if "true" in attached:
            found = [*self._configured(member, "maven-shade-plugin", "shadedClassifierName")]
            yield f"{place}/{name}-{found[0] if found else 'shaded'}.jar"
        if self._plugin(member, "maven-assembly-plugin") is not None:
            yield from self._assembled(member, place, name)

    def _assembled(self, member: Pom, place: str, name: str) -> Iterator[str | None]:
        plugin = "maven-assembly-plugin"
        refs = [*self._configured(member, plugin, "descriptorRefs")]
        own = [*self._configured(member, plugin, "finalName")]
        found = self._known(own[0], member) if own else name
        has_id = "false" not in self._configured(member, plugin, "appendAssemblyId")
        fat = any(
            ref.text == "jar-with-dependencies"
            for pom in member.chain
            for each in pom.root.all("build", "plugins", "plugin")
            for ref in each.walk()
            if ref.name == "descriptorRef"
        )
        if not refs or not fat or found is None or len(own) > 1:
            yield None
        else:
            yield f"{place}/{found}{'-jar-with-dependencies' if has_id else ''}.jar"

    def _quarkus(self, member: Pom, place: str, name: str) -> str | None:
        """Quarkus, "Maven tooling": fast-jar is a folder, uber-jar one archive; 2.0 made the first
        the default, which older versions named legacy-jar."""
        keys = ("quarkus.package.type", "quarkus.package.jar.type")
        given = [self.line.properties.get(key) for key in keys]
        own = [self.reactor.expand(f"${{{key}}}", member) for key in keys]
        kinds = {*given, *own} - {None}
        settings = resolve(member.directory, "src/main/resources/application.properties")
        content = self.made.files.read(settings) or b""
        if re.search(rb"^\s*quarkus\.(?:package|native)\.", content, re.MULTILINE) or (
            "native" in (self.line.value("activate-profiles") or "")
        ):
            return None
        if kinds <= {"fast-jar", "jar"}:
            return f"{place}/quarkus-app"
        return f"{place}/{name}-runner.jar" if kinds == {"uber-jar"} else None

    def _copied(self, members: Sequence[Pom]) -> list[str]:
        """Where copies of dependencies go: those that the command or the POM asks for."""
        found: list[str] = []
        asked = any(goal.endswith(":copy-dependencies") for goal in self.line.goals)
        for member in members:
            values = [*self._configured(member, "maven-dependency-plugin", "outputDirectory")]
            plugin = self._plugin(member, "maven-dependency-plugin")
            runs = plugin is not None and any(
                goal.text == "copy-dependencies"
                for goal in plugin.all("executions", "execution", "goals", "goal")
            )
            if asked and (value := self.line.properties.get("outputDirectory")):
                values = [value]
            if not asked and not runs:
                continue
            for value in values or ["${project.build.directory}/dependency"]:
                known = self._known(value, member)
                if known is not None and self._has_dependencies(member):
                    found.append(resolve(member.directory, known))
        return found

    def _has_dependencies(self, member: Pom) -> bool:
        return any(pom.root.find("dependencies", "dependency") for pom in member.chain)

    def _described(self, kept: Sequence[str], members: Sequence[Pom]) -> Product:
        outputs = [place for each in self.reactor.members.values()
                   if (place := self._directory(each)) is not None]  # fmt: skip
        assumes = [
            f"{member.path} inherits from a POM outside of the project, which is taken not to "
            "rename its archive."
            for member in members
            if member.chain[-1].root.find("parent") is not None
        ][:1]
        return Product(
            tuple(dict.fromkeys(kept)),
            drops=(*self._repository(), *outputs),
            interpreter="java",
            ecosystem="maven",
            packages=tuple(sorted(self._packages())),
            compiles=True,
            build_only=archives.build_only(
                self.made, resolve(next(iter(self.reactor.members)), ".."), outputs
            ),
            assumes=(*assumes, *archives.jdk_programs(self.made)),
        )

    def _packages(self) -> set[str]:
        return {
            f"{dependency.value('groupId')}:{dependency.value('artifactId')}"
            for member in self.reactor.members.values()
            for pom in member.chain
            for dependency in pom.root.all("dependencies", "dependency")
            if dependency.value("scope") != "test"
        }
