"""Gradle: which commands resolve dependencies, and what such a command reads and writes.

Gradle has no command of its own that downloads what a build needs: `gradle dependencies` resolves
the configurations of one project and, tried with 4.4.1, brings POMs and no archives. So what can
stand above the sources of a build is the distribution that the wrapper downloads.

Sources: the Gradle user manual ("Build Lifecycle", "Gradle Wrapper", "Organizing Gradle
Projects", "Version Catalogs", "Build Environment", "Directories and Files"), and trials.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator
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
from optimizer.knowledge.jvm.gradle_line import Line, read_line
from optimizer.knowledge.jvm.scripts import (
    READERS,
    STARTERS,
    Script,
    ScriptError,
    Token,
    read_script,
)
from optimizer.knowledge.manifests import (
    Survey,
    ancestors,
    answer,
    hold,
    resolve,
    unreadable,
)

NAME = "gradle"

_PROGRAMS = frozenset(("gradle", "gradlew"))
# Tasks that every project has and that build nothing (Gradle DSL, "Help tasks"), and the names
# that people give to tasks which download what the build needs.
_RESOLVES = re.compile(
    r"(?:[\w.:-]*:)?(?:dependencies|buildEnvironment|resolveDependencies|downloadDependencies"
    r"|resolveAllDependencies|downloadAllDependencies|cacheDependencies)"
)
_HELPS = re.compile(r".*:?(?:help|tasks|projects|properties|wrapper|init|clean|components)")
_WRAPPER_MARK = b"radle"
_SCRIPTS = ("settings.gradle", "settings.gradle.kts")
_BUILDS = ("build.gradle", "build.gradle.kts")
MOST_SCRIPTS = 1000
"""Scripts and project directories that are looked at; larger builds are held back."""

_GIT_PLUGINS = re.compile(
    r"com\.palantir\.git-version|pl\.allegro\.tech\.build\.axion-release|org\.ajoberstar\..*"
    r"|(?:com\.netflix\.)?nebula\.release|fr\.brouillard\.oss\.gradle\.jgitver|.*git-?versioning.*"
    r"|net\.nemerosa\.versioning|.*\.git-version.*|com\.github\.zafarkhaja\.semver|.*jgitver.*"
    r"|io\.wusa\.semver-git-plugin|.*\.git-semver.*|.*reckon.*"
)
"""Plugins that take the version from git while a build is configured (their own READMEs)."""
_ANDROID = re.compile(r"com\.android\.(?:application|library|test|dynamic-feature)")
_PLACEHOLDERS = re.compile(
    r"\$\{?(?P<name>rootDir|rootProject\.projectDir|rootProject\.rootDir|settingsDir|projectDir"
    r"|project\.projectDir|project\.rootDir)\b\}?"
)


def recognise(call: Call) -> Install | Touch | Obstacle | None:
    """Says what ``call`` is; see `optimizer.knowledge.installs.Ecosystem`."""
    inner = wrapper.bare(call)
    if inner.program not in _PROGRAMS:
        return None
    line = read_line(inner.words[1:])
    title = " ".join(call.words)
    if line.has("version"):
        return Install(NAME, title, call)
    resolves = line.tasks and all(_RESOLVES.fullmatch(task) for task in line.tasks)
    refreshes = not line.tasks and line.has("refresh-dependencies")
    if not (resolves or refreshes) or line.has("help", "stop", "status"):
        return None
    if line.unknown is not None:
        return _unknown(title, line.unknown)
    if line.has("write-locks", "update-locks", "write-verification-metadata"):
        return Obstacle(
            "install-edits-manifest",
            f"`{title}` writes the lockfiles of the build, and a later copy puts the old ones "
            "back.",
            "Commit the lockfiles.",
        )
    return Install(NAME, title, call)


def _unknown(title: str, option: str) -> Obstacle:
    return Obstacle(
        "unknown-install-flag",
        f"`{title}` has {option}, which may change what it reads.",
        "Leave the option out of the download.",
    )


def dependency_step(call: Call, files: Files) -> Install | Obstacle | None:
    """Returns `./gradlew --version`, which brings the distribution, for a build with the wrapper;
    see `optimizer.knowledge.installs.Ecosystem`."""
    inner = wrapper.bare(call)
    if inner.program not in _PROGRAMS:
        return None
    line = read_line(inner.words[1:])
    if recognise(call) is not None or line.has("help", "stop", "status", "offline", "dry-run"):
        return None
    if line.tasks and all(_HELPS.fullmatch(task) for task in line.tasks):
        return None
    if inner.program != "gradlew":
        return Obstacle(
            "no-dependency-step",
            f"`{' '.join(call.words)}` downloads what it needs while it builds: Gradle has no "
            "command for the downloads alone, and `gradle dependencies` brings no archives.",
            "Keep the downloads in a cache mount: "
            "`RUN --mount=type=cache,target=/root/.gradle/caches,sharing=locked`.",
        )
    program = wrapper.through_shell(inner, files)
    if isinstance(program, Obstacle):
        return program
    words = (*program, "--version")
    return Install(
        NAME,
        " ".join(words),
        replace(call, words=words),
        assumes=(
            "What the build depends on is still downloaded by the build: Gradle has no command "
            "for the downloads alone.",
        ),
        fetches="build tool",
    )


def download_caches(call: Call) -> tuple[DownloadCache, ...]:
    """Returns the module cache and the wrapper's distributions; the build cache lies beside them.

    Gradle's locks reach other processes over the loopback interface (FileLockContentionHandler),
    which containers do not share.
    """
    inner = wrapper.bare(call)
    home = call.env.get("HOME")
    named = read_line(inner.words[1:]).value("gradle-user-home") or call.env.get("GRADLE_USER_HOME")
    if inner.program not in _PROGRAMS or not (named or home):
        return ()
    place = resolve(call.directory, named or f"{home}/.gradle")
    wrapped = (DownloadCache(f"{place}/wrapper/dists", False),) * (inner.program == "gradlew")
    return (DownloadCache(f"{place}/caches/modules-2", False), *wrapped)


def inputs(install: Install, files: Files) -> Inputs | Obstacle:
    """Returns what ``install`` reads among ``files``, or why that is not known."""
    return answer(_Resolution(Survey(files), install).look)


@dataclass(slots=True)
class _Resolution:
    """One run of Gradle that builds nothing, while it is looked at."""

    survey: Survey
    install: Install
    call: Call = field(init=False)
    line: Line = field(init=False)
    root: str = field(init=False)
    scripts: set[str] = field(init=False, default_factory=set)
    builds: set[str] = field(init=False, default_factory=set)

    def look(self) -> Inputs:
        """Notes everything that the run reads and writes."""
        self.call = wrapper.bare(self.install.call)
        self.line = read_line(self.call.words[1:])
        start = resolve(self.call.directory, self.line.value("project-dir") or ".")
        java_options.survey_variables(self.survey, self.call, ("GRADLE_OPTS", "JAVA_OPTS"))
        if self.call.program == "gradlew":
            self._wrapper()
        settings = self._settings_file(start)
        self.root = resolve(settings, "..") if settings else start
        self._user_home()
        self._properties(self.root)
        if self.line.has("version"):
            return self.survey.inputs()
        self._build(settings, start)
        return self.survey.inputs()

    def _wrapper(self) -> None:
        """gradlew reads the archive and the properties beside it (GradleWrapperMain)."""
        wrapper.survey_script(self.survey, self.call, _WRAPPER_MARK)
        folder = resolve(wrapper.script_of(self.call), "../gradle/wrapper")
        for name in ("gradle-wrapper.jar", "gradle-wrapper.properties"):
            path = f"{folder}/{name}"
            if not self.survey.read(path):
                hold(
                    "manifest-outside-copy",
                    f"`{self.install.title}` needs {path}, which is not among the copied files.",
                    "Commit the files of the wrapper, and do not ignore them.",
                    path,
                )
        self._distribution(f"{folder}/gradle-wrapper.properties")
        self.survey.read(resolve(folder, "../gradle-daemon-jvm.properties"))

    def _distribution(self, path: str) -> None:
        """An address without a scheme is a file beside the properties (GradleWrapperMain)."""
        text = self.survey.content(path).decode("latin-1")
        for number, line in enumerate(text.split("\n"), start=1):
            name, _, value = line.partition("=")
            if name.strip() == "distributionUrl":
                address = value.strip().replace("\\:", ":")
                if address.startswith("file:"):
                    hold(
                        "config-reads-source",
                        f"{path} takes Gradle from {address}.",
                        "Name an https address, or a file beside the properties.",
                        path,
                        number,
                    )
                if "://" not in address:
                    self.survey.read(resolve(resolve(path, ".."), address))

    def _settings_file(self, start: str) -> str | None:
        """The settings here or, as Gradle before 7 looks, in a directory above."""
        named = self.line.value("settings-file")
        if named is not None:
            return resolve(self.call.directory, named)
        for place in ancestors(start):
            for name in _SCRIPTS:
                if self.survey.has_file(path := resolve(place, name)):
                    return path
        return None

    def _user_home(self) -> None:
        """Directories and Files: GRADLE_USER_HOME, else .gradle in Java's user.home."""
        named = self.line.value("gradle-user-home") or self.call.env.get("GRADLE_USER_HOME")
        home = resolve("/", self.call.env.get("HOME", "/root"))
        homes = [resolve(self.call.directory, named)] if named else [
            f"{place}/.gradle" for place in dict.fromkeys(("/root", "/home/gradle", home))
        ]  # fmt: skip
        for place in homes:
            self.survey.read(f"{place}/gradle.properties")
            for name in ("init.gradle", "init.gradle.kts"):
                if self.survey.has_file(f"{place}/{name}"):
                    self._script(f"{place}/{name}", self.root)
            for name in self.survey.files.children(f"{place}/init.d"):
                if name.endswith((".gradle", ".gradle.kts")):
                    self._script(f"{place}/init.d/{name}", self.root)
            self.survey.write(*(f"{place}/{part}" for part in
                                ("caches", "daemon", "native", "wrapper", "notifications", "jdks",
                                 "workers", ".tmp", "kotlin-profile")))  # fmt: skip

    def _properties(self, directory: str) -> None:
        """Build Environment: org.gradle.jvmargs may load code of the project."""
        path = resolve(directory, "gradle.properties")
        if not self.survey.read(path):
            return
        text = self.survey.content(path).decode("latin-1")
        for line in text.split("\n"):
            name, _, value = line.partition("=")
            if name.strip() == "org.gradle.jvmargs":
                java_options.survey_options(self.survey, directory, java_options.split(value), path)

    def _build(self, settings: str | None, start: str) -> None:
        if settings is None and not any(
            self.survey.has_file(resolve(start, name)) for name in _BUILDS
        ):
            path = resolve(start, "build.gradle")
            hold(
                "manifest-outside-copy",
                f"{path} is not among the files copied from the build context.",
                "Copy the build scripts from the build context before the command.",
                path,
            )
        self._shared()
        if settings is not None:
            self._script(settings, self.root)
        self._project(self.root)
        for directory in self._projects(settings):
            self._project(directory)
        self.survey.assume(
            "The plugins of the build are taken to read no sources while it is configured."
        )

    def _shared(self) -> None:
        """What belongs to all projects: the gradle folder, buildSrc, scripts on the command."""
        folder = resolve(self.root, "gradle")
        if self.survey.has_dir(folder):
            self.survey.tree(folder)
            for name in self.survey.files.children(folder):
                if name.endswith(".versions.toml"):
                    self._catalog(resolve(folder, name))
        sources = resolve(self.root, "buildSrc")
        if self.survey.has_dir(sources):
            self._whole_build(sources)
        for option in ("init-script", "build-file"):
            for named in self.line.all(option):
                self._script(resolve(self.call.directory, named), self.root)
        for named in self.line.all("include-build"):
            self._included_build(resolve(self.call.directory, named), None, None)
        self.survey.write(*(resolve(self.root, name) for name in (".gradle", ".kotlin", "build")))
        for name in ("gradle.lockfile", "buildscript-gradle.lockfile", "settings-gradle.lockfile"):
            self.survey.read(resolve(self.root, name))

    def _whole_build(self, folder: str) -> None:
        """A build that is built first, such as buildSrc: all its code runs while the others are
        configured."""
        self.survey.tree(folder)
        self.survey.write(*(resolve(folder, name) for name in (".gradle", ".kotlin", "build")))
        waiting = [folder]
        while waiting:
            place = waiting.pop()
            for name in self.survey.files.children(place):
                path = resolve(place, name)
                if name in ("build", ".gradle", ".kotlin"):
                    continue
                if self.survey.has_dir(path):
                    waiting.append(path)
                elif name.endswith((".gradle", ".kts", ".kt", ".groovy", ".java")):
                    self._script(path, self.root)

    def _catalog(self, path: str) -> None:
        text = self.survey.content(path).decode("utf-8", "replace")
        try:
            data = tomllib.loads(text)
        except tomllib.TOMLDecodeError as error:
            # The exception has its line in its words alone before Python 3.14.
            match = re.search(r"at line (\d+)", str(error))
            line = int(match[1]) if match else text.count("\n") + 1
            unreadable(path, f"is not valid TOML: {error}", line)
        plugins = data.get("plugins")
        for value in plugins.values() if isinstance(plugins, dict) else ():
            named = value.get("id") if isinstance(value, dict) else str(value).partition(":")[0]
            if isinstance(named, str):
                self._plugin(named, path, None)

    def _project(self, directory: str) -> None:
        self._properties(directory)
        for name in _BUILDS:
            path = resolve(directory, name)
            if self.survey.has_file(path):
                self._script(path, directory)
        for name in ("gradle.lockfile", "buildscript-gradle.lockfile"):
            self.survey.read(resolve(directory, name))
        locks = resolve(directory, "gradle/dependency-locks")
        if self.survey.has_dir(locks):
            self.survey.tree(locks)
        self.survey.write(resolve(directory, "build"))

    def _projects(self, settings: str | None) -> Iterator[str]:
        """Yields the directories of the projects that the settings include."""
        if settings is None:
            return
        script = self._tokens(settings)
        moved = script.named("projectDir", "buildFileName", "includeFlat", "eachDir", "listFiles",
                             "forEach", "each", "for", "while", "fileTree")  # fmt: skip
        for token, names in script.strings_after("include"):
            if names is None or moved is not None or any("$" in name for name in names):
                line = moved.line if moved is not None else token.line
                hold(
                    "install-reads-source",
                    f"{settings} computes which projects there are and where they lie.",
                    "List the projects with plain `include` statements.",
                    settings,
                    line,
                )
            for name in names:
                yield self._included(name, settings, token.line)

    def _included(self, name: str, settings: str, line: int) -> str:
        directory = resolve(self.root, name.strip(":").replace(":", "/"))
        scripts = (resolve(directory, build) for build in _BUILDS)
        if not any(map(self.survey.has_file, scripts)):
            hold(
                "manifest-outside-copy",
                f"{settings} includes {name}, and {directory} has no build script that the step "
                "could bring, so that its directory would be missing.",
                "Give the project a build script, or take it out of the settings.",
                settings,
                line,
            )
        return directory

    def _tokens(self, path: str) -> Script:
        text = self.survey.content(path).decode("utf-8", "replace")
        try:
            return read_script(text, "kotlin" if path.endswith((".kts", ".kt")) else "groovy")
        except ScriptError as error:
            unreadable(path, str(error), error.line)

    def _script(self, path: str, directory: str) -> None:
        """Looks at a script, and at those that it applies; ``directory`` is its project's."""
        if path in self.scripts:
            return
        self.scripts.add(path)
        if len(self.scripts) > MOST_SCRIPTS:
            hold(
                "unreadable-manifest",
                f"The build has more than {MOST_SCRIPTS} scripts; the others are not looked at.",
                "Run Gradle on a part of the build.",
                path,
            )
        if not self.survey.has_file(path):
            hold(
                "manifest-outside-copy",
                f"{path} is not among the files copied from the build context.",
                "Copy the script from the build context.",
                path,
            )
        script = self._tokens(path)
        self._hold_code(script, path)
        self._names_of_plugins(script, path)
        for token, script_named in script.arguments("apply", "from"):
            self._applied(script_named, path, directory, token)
        self._places(script, directory)

    def _hold_code(self, script: Script, path: str) -> None:
        for token, what in ((script.named(*READERS), "opens files"),
                             (script.named(*STARTERS), "starts other programs"),
                             (_text_of_file(script), "opens files")):  # fmt: skip
            if token is not None:
                hold(
                    "config-reads-source",
                    f"{path} {what} (`{token.text}`), and which is not known before it runs.",
                    "Keep the build scripts free of code that looks at files.",
                    path,
                    token.line,
                )
        for token, names in script.strings_after("includeBuild"):
            for name in names or ("$",):
                place = self._place(name, resolve(path, ".."))
                folder = None if place is None else resolve(resolve(path, ".."), place)
                self._included_build(folder, path, token.line)

    def _included_build(self, folder: str | None, path: str | None, line: int | None) -> None:
        if folder in self.builds:
            return
        if folder is None or folder == "/" or not self.survey.has_dir(folder):
            hold(
                "local-dependency",
                f"{path or f'`{self.install.title}`'} includes another build, and where that lies "
                "among the copied files is not known.",
                "Copy the included build above the command yourself.",
                path,
                line,
            )
        self.builds.add(folder)
        self._whole_build(folder)

    def _names_of_plugins(self, script: Script, path: str) -> None:
        for token, names in script.strings_after("id"):
            for name in names or ():
                self._plugin(name, path, token.line)
        for token, applied in script.arguments("apply", "plugin"):
            if applied is not None:
                self._plugin(applied, path, token.line)

    def _plugin(self, name: str, path: str, line: int | None) -> None:
        if _GIT_PLUGINS.fullmatch(name):
            hold(
                "version-from-git",
                f"{path} uses the plugin {name}, which takes the version of the build from git.",
                "Pass the version with -Pversion, or run the command below the sources.",
                path,
                line,
            )
        if _ANDROID.fullmatch(name):
            hold(
                "config-reads-source",
                f"{path} uses the plugin {name}, which looks at the sources of an app while the "
                "build is configured.",
                "Run the command below the sources.",
                path,
                line,
            )

    def _applied(self, named: str | None, path: str, directory: str, token: Token) -> None:
        place = self._place(named, directory)
        if place is None:
            hold(
                "unresolved-variable",
                f"{path} applies a script whose name is not known before it runs.",
                "Name the script in plain words.",
                path,
                token.line,
            )
        if "://" not in place:
            self._script(resolve(directory, place), directory)

    def _place(self, named: str | None, directory: str) -> str | None:
        """Puts the directories of the build into a string; None where it holds other variables."""
        if named is None:
            return None
        own = ("projectDir", "project.projectDir")
        text = _PLACEHOLDERS.sub(
            lambda match: directory if match["name"] in own else self.root, named
        )
        return None if "$" in text else text

    def _places(self, script: Script, directory: str) -> None:
        """Notes archives and repositories of the project that the script names."""
        for text in script.all_strings():
            path = self._path(text.text, directory)
            if path is not None and path.endswith(".jar"):
                self.survey.read(path)
        for _, names in script.strings_after("url", "uri", "dirs", "setUrl"):
            for name in names or ():
                path = self._path(name, directory)
                if path is not None and path != self.root and self.survey.has_dir(path):
                    self.survey.tree(path)

    def _path(self, text: str, directory: str) -> str | None:
        place = self._place(text.removeprefix("file:"), directory)
        if place is None or not re.fullmatch(r"[\w.@+/-]+", place):
            return None
        return resolve(directory, re.sub(r"^//+", "/", place))


def _text_of_file(script: Script) -> Token | None:
    """Finds ``file('x').text``, which is the content of the file (Groovy's File.getText)."""
    signs = [token.text for token in script.tokens]
    for before, token, after in zip(signs, script.tokens[1:], [*signs[2:], ""], strict=False):
        if token == Token("name", "text", token.line) and before == "." and after != "=":
            return token
    return None
