"""Gradle: which commands resolve dependencies, what they read and write, and the wrapper's step."""

from __future__ import annotations

from typing import Any

import pytest

from optimizer.knowledge.installs import Call, Inputs, Install, Obstacle
from optimizer.knowledge.jvm import gradle
from tests.knowledge.conftest import MemoryFiles

RUN = "gradle dependencies"
PLAIN = {"build.gradle": "apply plugin: 'java'\n", "src/main/java/A.java": ""}
WRAPPER = {
    "gradlew": "#!/bin/sh\n# Gradle start up script",
    "gradle/wrapper/gradle-wrapper.jar": "",
    "gradle/wrapper/gradle-wrapper.properties": "distributionUrl=https\\://h/gradle-8.5-bin.zip\n",
}
MULTI = {
    "settings.gradle.kts": 'rootProject.name = "x"\ninclude("app", ":lib:core")\n',
    "build.gradle.kts": "",
    "app/build.gradle.kts": 'plugins { id("java") }',
    "app/src/main/java/A.java": "",
    "lib/core/build.gradle": "",
}


def step(command: str, files: dict[str, str]) -> Install | Obstacle | None:
    content = {f"/app/{name}": text for name, text in files.items()}
    call = Call(tuple(command.split()), "/app", {})
    return gradle.dependency_step(call, MemoryFiles(content))


@pytest.mark.parametrize(
    "command",
    ["gradle dependencies", "./gradlew dependencies --no-daemon", "gradle -q :app:dependencies",
     "./gradlew --version", "./gradlew -v", "sh gradlew dependencies -x test", "gradle "
     "resolveDependencies --info", "./gradlew downloadDependencies",
     "gradle --refresh-dependencies", "gradle dependencies --configuration a",
     "gradle -Pa=b -Dc=d dependencies",
     "gradle -p web --console=plain buildEnvironment", "gradle --version"],
)  # fmt: skip
def test_installs_are_recognised(recognise: Any, command: str) -> None:
    answer = recognise(gradle, command)

    assert isinstance(answer, Install)
    assert (answer.ecosystem, answer.title) == ("gradle", command)


@pytest.mark.parametrize(
    "command",
    ["gradle build", "./gradlew dependencies build", "gradle", "gradle help", "mvn package",
     "gradle --stop", "sh build.sh", "./gradlew bootJar",
     f"gradle :{'with-many-parts' * 20}:installDist"],
)  # fmt: skip
def test_other_commands_are_not_ours(recognise: Any, command: str) -> None:
    assert recognise(gradle, command) is None


def test_long_names_of_tasks_are_read_to_their_end(recognise: Any) -> None:
    """Found in a real repository: the name of a task took exponential time."""
    name = "helidon_pgclient." * 2000

    assert recognise(gradle, f"gradle {name}:nativeCompile") is None
    assert isinstance(recognise(gradle, f"gradle :{name}:dependencies"), Install)


@pytest.mark.parametrize(
    ("command", "code"),
    [("gradle dependencies --frob", "unknown-install-flag"),
     ("gradle dependencies --write-locks", "install-edits-manifest")],
)  # fmt: skip
def test_commands_that_do_more_are_obstacles(recognise: Any, command: str, code: str) -> None:
    assert recognise(gradle, command).code == code


@pytest.mark.parametrize(
    ("reason", "command", "files", "reads", "trees"),
    [
        ("one script", RUN, PLAIN, ["build.gradle"], []),
        ("projects", RUN, MULTI, ["app/build.gradle.kts", "build.gradle.kts",
         "lib/core/build.gradle", "settings.gradle.kts"], []),
        ("settings above", f"{RUN} -p app", MULTI, ["app/build.gradle.kts", "build.gradle.kts",
         "lib/core/build.gradle", "settings.gradle.kts"], []),
        ("properties and lockfiles", RUN,
         {**PLAIN, "gradle.properties": "org.gradle.jvmargs=-Xmx1g", "gradle.lockfile": ""},
         ["build.gradle", "gradle.lockfile", "gradle.properties"], []),
        ("catalog and scripts in the gradle folder", RUN,
         {**PLAIN, "gradle/libs.versions.toml": '[versions]\na = "1"', "gradle/x.gradle": ""},
         ["build.gradle"], ["gradle"]),
        ("a script that is applied", RUN,
         {"build.gradle": 'apply from: "$rootDir/other.gradle"', "other.gradle": ""},
         ["build.gradle", "other.gradle"], []),
        ("a script from elsewhere", RUN,
         {"build.gradle.kts": 'apply(from = "https://h/x.gradle")'}, ["build.gradle.kts"], []),
        ("buildSrc", RUN, {**PLAIN, "buildSrc/build.gradle.kts": "",
         "buildSrc/src/main/kotlin/c.gradle.kts": ""}, ["build.gradle"], ["buildSrc"]),
        ("an included build", RUN, {**PLAIN, "settings.gradle": "includeBuild 'logic'",
         "logic/settings.gradle": "", "logic/src/A.groovy": ""},
         ["build.gradle", "settings.gradle"], ["logic"]),
        ("archives of the project", RUN,
         {"build.gradle": "dependencies { compile files('libs/a.jar') }", "libs/a.jar": "",
          "libs/b.jar": ""}, ["build.gradle", "libs/a.jar"], []),
        ("a repository of the project", RUN,
         {"build.gradle": "repositories { maven { url \"file://${rootDir}/repo\" } }",
          "repo/x.jar": ""}, ["build.gradle"], ["repo"]),
        ("archives in a flat directory", RUN,
         {"build.gradle.kts": 'repositories { flatDir { dirs("libs") } }', "libs/x.jar": ""},
         ["build.gradle.kts"], ["libs"]),
        ("the wrapper", "./gradlew dependencies", {**PLAIN, **WRAPPER},
         ["build.gradle", "gradlew"], ["gradle"]),
        ("the wrapper alone", "./gradlew --version", {**PLAIN, **WRAPPER},
         ["gradle/wrapper/gradle-wrapper.jar", "gradle/wrapper/gradle-wrapper.properties",
          "gradlew"], []),
        ("what comments and strings say", RUN,
         {"build.gradle": "// file('x').text\n/* exec */ def a = 'exec'\ndef b = /exec '/\n"},
         ["build.gradle"], []),
    ],
)  # fmt: skip
def test_exactly_these_files_are_read(
    ask: Any, reason: str, command: str, files: dict[str, str], reads: list[str], trees: list[str]
) -> None:
    answer = ask(gradle, command, files)

    assert isinstance(answer, Inputs), f"{reason}: {answer}"
    assert list(answer.reads) == [f"/app/{path}" for path in reads], reason
    assert list(answer.trees) == [f"/app/{tree}" for tree in trees], reason


def test_what_it_leaves_in_the_project(ask: Any) -> None:
    written = ask(gradle, RUN, {**MULTI, "buildSrc/build.gradle": ""}).writes

    places = ("", "app/", "lib/core/", "buildSrc/")
    assert {f"/app/{place}build" for place in places} <= set(written)
    assert {"/app/.gradle", "/app/buildSrc/.gradle", "/root/.gradle/caches"} <= set(written)


@pytest.mark.parametrize(
    ("reason", "command", "files", "code", "place"),
    [
        ("no script", RUN, {"src/A.java": ""}, "manifest-outside-copy",
         ("/app/build.gradle", None)),
        ("reads a file", RUN, {"build.gradle": "\nversion = file('VERSION').text"},
         "config-reads-source", ("/app/build.gradle", 2)),
        ("reads lines", RUN, {"build.gradle.kts": 'file("V").readLines()'},
         "config-reads-source", ("/app/build.gradle.kts", 1)),
        ("looks for a file", RUN, {"build.gradle": "if (file('x').exists()) {}"},
         "config-reads-source", ("/app/build.gradle", 1)),
        ("runs git", RUN, {"build.gradle": "def v = 'git describe'.execute()"},
         "config-reads-source", ("/app/build.gradle", 1)),
        ("reads in buildSrc", RUN, {**PLAIN, "buildSrc/src/main/java/P.java": "Files.walk()"},
         "config-reads-source", ("/app/buildSrc/src/main/java/P.java", 1)),
        ("version from git", RUN, {"build.gradle.kts": 'plugins {\nid("com.palantir.git-version")'},
         "version-from-git", ("/app/build.gradle.kts", 2)),
        ("version from git by the catalog", RUN, {**PLAIN, "gradle/libs.versions.toml":
         '[plugins]\na = { id = "pl.allegro.tech.build.axion-release", version = "1" }'},
         "version-from-git", ("/app/gradle/libs.versions.toml", None)),
        ("an app for Android", RUN, {"build.gradle": "apply plugin: 'com.android.application'"},
         "config-reads-source", ("/app/build.gradle", 1)),
        ("broken catalog", RUN, {**PLAIN, "gradle/libs.versions.toml": "[plugins]\na = {"},
         "unreadable-manifest", ("/app/gradle/libs.versions.toml", 2)),
        ("open string", RUN, {"build.gradle": "\ndef a = 'x\n"}, "unreadable-manifest",
         ("/app/build.gradle", 2)),
        ("open comment", RUN, {"build.gradle": "/* "}, "unreadable-manifest",
         ("/app/build.gradle", 1)),
        ("computed projects", RUN, {"settings.gradle": "file('m').eachDir { include it.name }"},
         "config-reads-source", ("/app/settings.gradle", 1)),
        ("projects of a variable", RUN, {"settings.gradle": "include names"},
         "install-reads-source", ("/app/settings.gradle", 1)),
        ("projects elsewhere", RUN,
         {"settings.gradle": "include 'a'\nproject(':a').projectDir = file('../a')"},
         "install-reads-source", ("/app/settings.gradle", 2)),
        ("a project without a script", RUN, {"settings.gradle": "include 'a'", "a/src/A.java": ""},
         "manifest-outside-copy", ("/app/settings.gradle", 1)),
        ("another build", RUN, {"settings.gradle": "includeBuild '../other'"},
         "local-dependency", ("/app/settings.gradle", 1)),
        ("applies a variable", RUN, {"build.gradle": "apply from: \"$where/x.gradle\""},
         "unresolved-variable", ("/app/build.gradle", 1)),
        ("applies what is not there", RUN, {"build.gradle": "apply from: 'x.gradle'"},
         "manifest-outside-copy", ("/app/x.gradle", None)),
        ("agent", RUN, {**PLAIN, "gradle.properties": "org.gradle.jvmargs=-javaagent:a.jar"},
         "config-reads-source", ("/app/gradle.properties", None)),
        ("no archive of the wrapper", "./gradlew --version",
         {"gradlew": WRAPPER["gradlew"], **PLAIN}, "manifest-outside-copy",
         ("/app/gradle/wrapper/gradle-wrapper.jar", None)),
        ("a distribution of the machine", "./gradlew --version",
         {**WRAPPER, "gradle/wrapper/gradle-wrapper.properties": "a=b\ndistributionUrl=file:///g"},
         "config-reads-source", ("/app/gradle/wrapper/gradle-wrapper.properties", 2)),
    ],
)  # fmt: skip
def test_obstacles_name_file_and_line(
    ask: Any, reason: str, command: str, files: dict[str, Any], code: str,
    place: tuple[str | None, int | None],
) -> None:  # fmt: skip
    answer = ask(gradle, command, files)

    assert isinstance(answer, Obstacle), reason
    assert (answer.code, (answer.path, answer.line)) == (code, place), reason
    assert answer.reason.endswith(".")
    assert answer.unblock.endswith(".")


@pytest.mark.parametrize(
    ("command", "words"),
    [("./gradlew build", "sh ./gradlew --version"),
     ("./gradlew --no-daemon bootJar -x test", "sh ./gradlew --version"),
     ("bash gradlew assemble", "sh gradlew --version")],
)  # fmt: skip
def test_a_build_with_the_wrapper_can_bring_gradle_first(command: str, words: str) -> None:
    answer = step(command, {**PLAIN, **WRAPPER})

    assert isinstance(answer, Install)
    assert " ".join(answer.call.words) == words


def test_a_build_without_the_wrapper_has_no_step() -> None:
    answer = step("gradle build", PLAIN)

    assert isinstance(answer, Obstacle)
    assert answer.code == "no-dependency-step"


@pytest.mark.parametrize(
    "command", ["./gradlew --version", "gradle dependencies", "gradle wrapper", "gradle tasks",
                "gradle build --offline", "mvn package", "gradle --stop"],
)  # fmt: skip
def test_other_commands_have_none(command: str) -> None:
    assert step(command, {**PLAIN, **WRAPPER}) is None


def test_downloads_could_live_in_a_cache_mount() -> None:
    def caches(command: str, **env: str) -> list[str]:
        call = Call(tuple(command.split()), "/app", env)
        return [cache.path for cache in gradle.download_caches(call)]

    modules, dists = "/root/.gradle/caches/modules-2", "/root/.gradle/wrapper/dists"
    assert caches("./gradlew build", HOME="/root") == [modules, dists]
    assert caches("gradle build", HOME="/root") == [modules]
    assert caches("gradle -g g build") == ["/app/g/caches/modules-2"]
    assert caches("gradle build", GRADLE_USER_HOME="/g") == ["/g/caches/modules-2"]
    assert caches("gradle build") == []
