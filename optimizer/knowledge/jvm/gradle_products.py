"""What Gradle leaves for the run time: archives, and installed distributions.

Scripts are read as tokens. What they compute is not known; then the words of the container's
command say which file it is.

Sources: the Gradle user manual ("The Base Plugin": archivesName, libsDirectory; "The Java Plugin":
jar; "The Application Plugin", "The Distribution Plugin": installDist; "Build Environment");
Spring Boot's Gradle plugin reference ("Packaging Executable Archives"); the documentation of the
Shadow plugin and of Ktor's; trials with Gradle 4.4.1.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from posixpath import basename

from optimizer.knowledge.artefacts import not_known, runs_sources
from optimizer.knowledge.installs import Call, Obstacle
from optimizer.knowledge.jvm import archives
from optimizer.knowledge.jvm.gradle_line import Line, read_line
from optimizer.knowledge.jvm.scripts import Script, ScriptError, read_script
from optimizer.knowledge.manifests import ancestors, resolve, within
from optimizer.knowledge.products import Made, Product

_LEAVES_NOTHING = re.compile(
    r"(?:.*:)?(?:dependencies|buildEnvironment|help|tasks|projects|properties|wrapper|init|clean"
    r"|components|resolve\w*|download\w*|cacheDependencies|check|test|lint\w*|spotless\w*|classes"
    r"|compile\w*|processResources)"
)
_ARCHIVES = frozenset(("build", "assemble", "jar", "bootJar", "bootWar", "war", "shadowJar",
                       "buildFatJar", "bootRepackage"))  # fmt: skip
_INSTALLS = frozenset(("installDist", "installShadowDist", "installBootDist"))
_RENAMES = frozenset(
    ("archiveFileName", "archiveName", "archiveBaseName", "archiveVersion", "archiveClassifier",
     "archiveAppendix", "destinationDirectory", "destinationDir", "libsDirectory", "libsDirName",
     "buildDir", "buildDirectory", "archivesName", "archivesBaseName", "classifier",
     "baseName", "appendix")
)  # fmt: skip
"""Properties that name archives otherwise (AbstractArchiveTask, BasePluginExtension)."""
_SPRING = "org.springframework.boot"
_SHADOW = ("com.github.johnrengelman.shadow", "com.gradleup.shadow", "io.github.goooler.shadow")
_FAT = (*_SHADOW, "io.ktor.plugin")


def product(call: Call, made: Made) -> Product | Obstacle | None:
    """Says what ``call``, without a shell in front, leaves; see
    `optimizer.knowledge.products.Producer`."""
    blocked = runs_sources(call, made, "gradle", "gradlew")
    if blocked is not None:
        return blocked
    line = read_line(call.words[1:])
    if line.has("version", "help", "stop", "status"):
        return Product((), drops=_homes(call))
    tasks = [task for task in line.tasks if not _LEAVES_NOTHING.fullmatch(task)]
    if not tasks:
        return Product((), drops=_homes(call))
    return _Run(call, made, line, tuple(tasks)).product()


def _homes(call: Call) -> tuple[str, ...]:
    named = call.env.get("GRADLE_USER_HOME")
    return (resolve("/", named),) if named else (f"{call.env.get('HOME') or '/root'}/.gradle",)


@dataclass(frozen=True, slots=True)
class _Run:
    """One run of Gradle while it is looked at."""

    call: Call
    made: Made
    line: Line
    tasks: tuple[str, ...]

    @property
    def root(self) -> str:
        """The directory of the settings, or where Gradle starts."""
        start = resolve(self.call.directory, self.line.value("project-dir") or ".")
        for place in ancestors(start):
            if any(self._has(place, name) for name in ("settings.gradle", "settings.gradle.kts")):
                return place
        return start

    def _has(self, place: str, name: str) -> bool:
        return self.made.files.kind(resolve(place, name)) == "file"

    def product(self) -> Product | Obstacle:
        """Returns the archives, or why they are not known."""
        projects = self._projects()
        builds = [f"{project.rstrip('/')}/build" for project in projects]
        named = archives.named_in(self.made, [resolve(self.root, "build"), *builds])
        known = [path for project in projects for path in self._outputs(project)]
        certain = [path for path in known if path is not None]
        if named:
            kept = [*self._run_from(named, certain)]
            if None not in known and (stray := archives.stray(named, certain)) is not None:
                return archives.hold_stray(self.call, stray, certain)
        else:
            kept = [*known]
        if not kept or None in kept:
            return not_known(
                self.call,
                "the build scripts do not say in plain words what the archive is called",
                "Let CMD name the archive, or set archiveFileName to a plain string.",
            )
        return self._described([path for path in kept if path is not None], builds)

    def _run_from(self, named: Sequence[str], certain: Sequence[str]) -> Iterator[str | None]:
        """A program of an installed distribution needs all of it."""
        for path in archives.settled(named, certain):
            found = path and re.match(r"(.*/build/install/[^/*]+)(?:/.*)?", path)
            yield found[1] if found else path

    def _projects(self) -> list[str]:
        """The directories of the projects whose tasks are named with their path, else of all."""
        paths = {task.rpartition(":")[0].strip(":") for task in self.tasks if ":" in task}
        if paths and all(":" in task for task in self.tasks):
            return [resolve(self.root, path.replace(":", "/")) for path in sorted(paths)]
        found = [self.root]
        for script in self._scripts(self.root, "settings.gradle"):
            for _, names in script.strings_after("include"):
                for name in names or ():
                    found.append(resolve(self.root, name.strip(":").replace(":", "/")))
        start = resolve(self.call.directory, self.line.value("project-dir") or ".")
        return [each for each in dict.fromkeys(found) if within(each, start)]

    def _scripts(self, directory: str, name: str) -> Iterator[Script]:
        """Yields the script of that name in Groovy or Kotlin, where it can be read."""
        for ending in ("", ".kts"):
            content = self.made.files.read(resolve(directory, name + ending))
            if content is None:
                continue
            try:
                text = content.decode("utf-8", "replace")
                yield read_script(text, "kotlin" if ending else "groovy")
            except ScriptError:
                continue

    def _outputs(self, project: str) -> Iterator[str | None]:
        """Yields what is run of a project, None for what has a name that is not known."""
        scripts = [*self._scripts(project, "build.gradle")]
        if not scripts:
            return
        shared = [*scripts]
        if project != self.root:
            shared += self._scripts(self.root, "build.gradle")
        tasks = {task.rpartition(":")[2] for task in self.tasks}
        if not tasks <= _ARCHIVES | _INSTALLS:
            yield None
            return
        if tasks & _INSTALLS:
            yield self._installed(project, shared)
        if tasks & _ARCHIVES:
            yield self._archive(project, scripts, shared, tasks)

    def _installed(self, project: str, shared: Sequence[Script]) -> str | None:
        name = self._project_name(project)
        renamed = any(script.named("distributionBaseName", "installDir", "applicationName",
                                   "buildDir", "buildDirectory") for script in shared)  # fmt: skip
        return None if name is None or renamed else f"{project.rstrip('/')}/build/install/{name}"

    def _archive(
        self, project: str, scripts: Sequence[Script], shared: Sequence[Script], tasks: set[str]
    ) -> str | None:
        """``build/libs/<name>-<version>.jar``; a version that is not set is left out."""
        if any(script.named(*_RENAMES) for script in shared):
            return self._plainly_renamed(project, scripts)
        name, version = self._project_name(project), self._version(project, shared)
        if name is None or version is None:
            return None
        plugins = {text for script in shared for text in _plugins(script)}
        is_fat = bool(tasks & {"shadowJar", "buildFatJar"}) or (
            bool(plugins & {*_FAT}) and "jar" not in tasks
        )
        ending = "-all.jar" if is_fat else ".war" if tasks & {"war", "bootWar"} else ".jar"
        if ending == ".jar" and "war" in plugins:
            return None
        dashed = f"{name}-{version}" if version else name
        return f"{project.rstrip('/')}/build/libs/{dashed}{ending}"

    def _plainly_renamed(self, project: str, scripts: Sequence[Script]) -> str | None:
        """Returns the archive where the only thing that names it is one plain file name."""
        found = [name for script in scripts for name in _assigned(script, "archiveFileName")]
        others = [t for script in scripts for t in script.tokens
                  if t.kind == "name" and t.text in _RENAMES - {"archiveFileName"}]  # fmt: skip
        if len(found) != 1 or others or found[0] is None or "/" in found[0] or "$" in found[0]:
            return None
        return f"{project.rstrip('/')}/build/libs/{found[0]}"

    def _project_name(self, project: str) -> str | None:
        """The last part of its path; of the root project what the settings say, else the name of
        its directory."""
        settings = [*self._scripts(self.root, "settings.gradle")]
        if project != self.root:
            return basename(project)
        for script in settings:
            found = [*_assigned(script, "name", behind="rootProject")]
            if found:
                return found[-1] if len(found) == 1 and "$" not in (found[-1] or "$") else None
        return basename(project)

    def _version(self, project: str, shared: Sequence[Script]) -> str | None:
        """Returns the version of a project, "" for none, None where it is not known."""
        for option in self.line.all("project-prop"):
            name, _, value = option.partition("=")
            if name == "version":
                return value
        found = [value for script in shared for value in _assigned(script, "version")]
        if found:
            return found[0] if len({*found}) == 1 and "$" not in (found[0] or "$") else None
        for place in (project, self.root):
            text = (self.made.files.read(resolve(place, "gradle.properties")) or b"").decode(
                "latin-1"
            )
            match = re.search(r"^\s*version\s*[=:]\s*(\S+)\s*$", text, re.MULTILINE)
            if match:
                return match[1]
        return ""

    def _described(self, kept: Sequence[str], builds: Sequence[str]) -> Product:
        outputs = [*builds, resolve(self.root, ".gradle"), resolve(self.root, "build")]
        return Product(
            tuple(dict.fromkeys(kept)),
            drops=(*_homes(self.call), *dict.fromkeys(outputs)),
            interpreter="java",
            ecosystem="maven",
            compiles=True,
            build_only=archives.build_only(self.made, self.root, outputs),
            assumes=archives.jdk_programs(self.made),
        )


def _plugins(script: Script) -> Iterator[str]:
    for _, names in script.strings_after("id"):
        yield from names or ()
    for _, applied in script.arguments("apply", "plugin"):
        if applied is not None:
            yield applied
    for token in script.tokens:
        if token.kind == "name" and token.text in ("war", "application"):
            yield token.text


def _assigned(script: Script, name: str, behind: str | None = None) -> Iterator[str | None]:
    """Yields what a property is set to (``name = 'x'``, ``name 'x'``, ``name.set("x")``), None
    where that is no plain string. Members of other objects are left out."""
    tokens = script.tokens
    depth = 0
    for index, token in enumerate(tokens):
        depth += {"{": 1, "}": -1}.get(token.text, 0) if token.kind == "sign" else 0
        if token.kind != "name" or token.text != name:
            continue
        before = [each.text for each in tokens[max(0, index - 2) : index]]
        owner = before[0] if before[1:] == ["."] else None
        if behind is not None and owner != behind:
            continue
        if behind is None and owner not in (None, "project", "rootProject", "this"):
            continue
        after = [each.text for each in tokens[index + 1 : index + 4]]
        if owner is None and behind is None and _in_plugins(script, index):
            continue
        skipped = 1 if after[:1] == ["="] else 3 if after == [".", "set", "("] else 0
        value = tokens[index + 1 + skipped] if index + 1 + skipped < len(tokens) else None
        follows = tokens[index + 2 + skipped].text if index + 2 + skipped < len(tokens) else ""
        if value is None or (skipped == 0 and value.kind != "string"):
            continue
        plain = value.kind == "string" and follows not in ("+", ".")
        yield value.text if plain else None


def _in_plugins(script: Script, index: int) -> bool:
    """Tells whether ``version`` stands behind ``id "x"`` or a dependency's name on its line."""
    tokens = script.tokens
    line = tokens[index].line
    before = [token for token in tokens[max(0, index - 6) : index] if token.line == line]
    return any(token.text in ("id", "kotlin", "alias", "plugin") for token in before)
