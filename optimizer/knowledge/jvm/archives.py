"""What is run of what a build on the JVM made, and which of its files only building needs."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence

from optimizer.knowledge.artefacts import is_pattern, matches, named_paths, not_known
from optimizer.knowledge.build_only import Sources, any_holds, only_for_building, source_files
from optimizer.knowledge.installs import Call, Obstacle
from optimizer.knowledge.manifests import resolve, within
from optimizer.knowledge.products import Made

_SUFFIXES = (".java", ".kt", ".scala", ".groovy", ".yml", ".yaml", ".properties", ".xml", ".conf",
             ".json")  # fmt: skip
"""Sources, and the settings among the resources, which may name files too."""
_BUILD_FILES = (
    # "Directories and Files" of Gradle, Maven's "Introduction to the POM" and the wrappers' own
    # documentation; sbt's "Directory structure"; lombok, checkstyle, scalafmt: their own files.
    r".*\.(?:java|kt|kts|scala|groovy|gradle|sbt)|pom\.xml|mvnw(?:\.cmd)?|gradlew(?:\.bat)?"
    r"|gradle\.properties|gradle\.lockfile|.*\.versions\.toml|lombok\.config|checkstyle\.xml"
    r"|\.scalafmt\.conf|\.sdkmanrc|\.java-version|module-info\.java|system\.properties"
)
_FOLDERS = frozenset((".mvn", ".gradle", ".kotlin", "gradle/wrapper", "buildSrc"))
_PACKED = frozenset(("src/main", "src/test", "src/integrationTest", "src/it"))
"""What is packed into the archive, or only tests use ("Introduction to the Standard Directory
Layout")."""
_PLACES = re.compile(rb"\$\{(?:project\.)?basedir\}/(?!src|target)|projectDir|rootDir")
_NAMES_SOURCES = re.compile(rb"\bsrc/(?:main|test)\b")
_JDK_ONLY = re.compile(
    r"javac|javadoc|jar|jarsigner|javap|jcmd|jconsole|jdb|jdeprscan|jdeps|jfr|jhsdb|jimage|jinfo"
    r"|jlink|jmap|jmod|jpackage|jps|jshell|jstack|jstat|jstatd|jwebserver|serialver|native-image"
)
"""Programs of a JDK that a JRE lacks: those of the modules jdk.compiler, jdk.jcmd, jdk.jartool ...
("JDK Tool Specifications"). keytool and rmiregistry are in java.base and java.rmi, and so in
both."""


def build_only(made: Made, directory: str, outputs: Sequence[str]) -> tuple[str, ...] | None:
    """Returns the copied files that only the build in ``directory`` needs. The sources of
    resources are among them where no source names a path in src."""
    sources = source_files(made.files, directory, _SUFFIXES)
    spoken = [path for path in sources or () if "/src/" in path]
    told = " ".join(value for call in made.running.calls for value in call.env.values())
    reads_sources = (
        sources is None
        or any_holds(made.files, spoken, _NAMES_SOURCES)
        or _NAMES_SOURCES.search(told.encode("utf-8", "replace")) is not None
    )
    folders = _FOLDERS if reads_sources else _FOLDERS | _PACKED
    kinds = Sources(re.compile(_BUILD_FILES), folders, _PLACES)
    return only_for_building(made.files, directory, kinds, made.running, outputs)


def jdk_programs(made: Made) -> tuple[str, ...]:
    """Returns sentences that name the programs of the container which only a JDK has."""
    names = {call.program for call in made.running.calls} | made.running.programs
    found = sorted(name for name in names if _JDK_ONLY.fullmatch(name))
    return tuple(f"The container runs {name}, which a JRE does not have." for name in found)


def named_in(made: Made, places: Iterable[str]) -> tuple[str, ...]:
    """Returns what the container's commands name in the directories ``places``; of a class path of
    all archives in a folder, the folder."""
    found: dict[str, None] = {}
    for path in named_paths(made.running):
        for place in places:
            if within(path, place) and path != place:
                found[path] = None
    return tuple(found)


def settled(named: Sequence[str], known: Sequence[str]) -> Iterator[str | None]:
    """Yields the paths that the words ``named`` stand for: themselves, for a pattern those of
    ``known`` that it matches, for all archives in a folder the folder. None: a pattern that
    matches none of them."""
    for path in named:
        if path.endswith("/*") and not any(matches(each, path) for each in known):
            yield path[:-2]
        elif is_pattern(path):
            hits = [each for each in known if matches(each, path)]
            yield from hits
            if not hits:
                yield None
        else:
            yield path


def stray(named: Sequence[str], known: Sequence[str]) -> str | None:
    """Returns an archive that a command names beside those that the build makes."""
    folders = {folder_of(path) for path in known}
    for path in named:
        is_archive = path.endswith((".jar", ".war")) and not is_pattern(path)
        if is_archive and folder_of(path) in folders and path not in known:
            return path
    return None


def hold_stray(call: Call, path: str, known: Sequence[str]) -> Obstacle:
    """Says that the container runs ``path``, and the build makes others."""
    return not_known(
        call,
        f"the container runs {path}, and the build makes {', '.join(known[:3])}",
        "Let CMD name the archive that the build makes.",
    )


def folder_of(path: str) -> str:
    """Returns the directory of ``path``."""
    return resolve(path, "..")
