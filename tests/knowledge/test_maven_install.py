"""Maven: which commands download dependencies, what they read and write, and their own step."""

from __future__ import annotations

from typing import Any

import pytest

from optimizer.knowledge.installs import Call, Inputs, Install, Obstacle
from optimizer.knowledge.jvm import maven
from tests.knowledge.conftest import MemoryFiles

NAMES = "<groupId>h</groupId><artifactId>{}</artifactId><version>1</version>"


def pom(artifact: str, *parts: str) -> str:
    names = NAMES.format(artifact)
    body = "\n".join(parts)
    return f"<project>\n<modelVersion>4.0.0</modelVersion>{names}\n{body}\n</project>"


def child(artifact: str, *parts: str, relative: str = "") -> str:
    body = "\n".join(parts)
    parent = f"<parent>{NAMES.format('root')}{relative}</parent>"
    return f"<project>\n{parent}<artifactId>{artifact}</artifactId>\n{body}\n</project>"


def modules(*names: str) -> str:
    return f"<modules>{''.join(f'<module>{name}</module>' for name in names)}</modules>"


def depends(artifact: str, *more: str, group: str = "h") -> str:
    names = f"<groupId>{group}</groupId><artifactId>{artifact}</artifactId>"
    return f"<dependencies><dependency>{names}{''.join(more)}</dependency></dependencies>"


PLAIN = {"pom.xml": pom("app"), "src/main/java/A.java": ""}
TWO = {
    "pom.xml": pom("root", "<packaging>pom</packaging>", modules("lib", "web")),
    "lib/pom.xml": child("lib"),
    "lib/src/main/java/L.java": "",
    "web/pom.xml": child("web"),
    "web/src/main/java/W.java": "",
}
GO = "mvn dependency:go-offline"


def step(command: str, files: dict[str, str], **env: str) -> Install | Obstacle | None:
    content = {n if n.startswith("/") else f"/app/{n}": text for n, text in files.items()}
    call = Call(tuple(command.split()), "/app", env)
    return maven.dependency_step(call, MemoryFiles(content))


@pytest.mark.parametrize(
    "command",
    [
        GO, "mvn -B -q dependency:resolve", "./mvnw dependency:go-offline -B", "sh mvnw -B "
        "dependency:resolve-plugins", "/usr/share/maven/bin/mvn dependency:go-offline",
        "mvn -s settings.xml -B dependency:go-offline -Pprod,!dev", "mvn dependency:resolve -T 1C",
        "mvn org.apache.maven.plugins:maven-dependency-plugin:3.1.2:go-offline -pl web -am",
        "mvn dependency:copy-dependencies -DoutputDirectory=/lib", "mvn -T1C dependency:resolve",
        "mvn dependency:resolve dependency:resolve-plugins", "bash ./mvnw dependency:sources",
        "mvn de.qaware.maven:go-offline-maven-plugin:1.2.8:resolve-dependencies",
        "mvn install:install-file -Dfile=lib/x.jar -DgroupId=h", "mvn -f web/pom.xml -ntp "
        "--batch-mode dependency:go-offline", "mvn --file=web --settings s.xml dependency:resolve",
        "mvn -D x=y dependency:go-offline@all",
    ],
)  # fmt: skip
def test_downloads_are_recognised(recognise: Any, command: str) -> None:
    answer = recognise(maven, command)

    assert isinstance(answer, Install)
    assert (answer.ecosystem, answer.title) == ("mvn", command)


@pytest.mark.parametrize(
    "command",
    ["mvn package", "mvn dependency:go-offline package", "mvn dependency:tree", "mvn", "mvn -v",
     "mvn --help dependency:resolve", "mvn help:evaluate", "sh build.sh", "sh", "bash -c mvn",
     "gradle build", "mvn dependency:analyze", "./mvnw -B clean install"],
)  # fmt: skip
def test_other_commands_are_not_ours(recognise: Any, command: str) -> None:
    assert recognise(maven, command) is None


def test_an_unknown_option_is_an_obstacle(recognise: Any) -> None:
    answer = recognise(maven, "mvn --frobnicate dependency:resolve")

    assert (answer.code, "--frobnicate" in answer.reason) == ("unknown-install-flag", True)


@pytest.mark.parametrize(
    ("reason", "command", "files", "reads", "trees"),
    [
        ("one POM", GO, PLAIN, ["pom.xml"], []),
        ("modules", GO, TWO, ["lib/pom.xml", "pom.xml", "web/pom.xml"], []),
        ("the root alone", f"{GO} -N", TWO, ["pom.xml"], []),
        ("one module and its parent", f"{GO} -f web", TWO, ["pom.xml", "web/pom.xml"], []),
        ("modules of a profile, where they are there", GO,
         {"pom.xml": pom("root", f"<profiles><profile>{modules('x', 'y')}</profile></profiles>"),
          "x/pom.xml": child("x")}, ["pom.xml", "x/pom.xml"], []),
        ("a module may be named by its file", GO,
         {"pom.xml": pom("root", modules("x/other.xml")), "x/other.xml": child("x")},
         ["pom.xml", "x/other.xml"], []),
        ("a parent elsewhere", GO,
         {"pom.xml": child("app", relative="<relativePath>parent</relativePath>"),
          "parent/pom.xml": pom("root")}, ["parent/pom.xml", "pom.xml"], []),
        ("no parent above", GO, {"pom.xml": child("app", relative="<relativePath/>")},
         ["pom.xml"], []),
        ("another project above is read and left", f"{GO} -f web",
         {"pom.xml": pom("other", "<parent><relativePath>x.xml</relativePath></parent>"),
          "x.xml": "<broken", "web/pom.xml": child("web")}, ["pom.xml", "web/pom.xml"], []),
        ("settings of the project", f"{GO} -s conf/settings.xml",
         {**PLAIN, "conf/settings.xml": "<settings/>"}, ["conf/settings.xml", "pom.xml"], []),
        ("settings of the user", GO, {**PLAIN, "/root/.m2/settings.xml": "<settings/>"},
         ["/root/.m2/settings.xml", "pom.xml"], []),
        ("a system dependency", GO,
         {"pom.xml": pom("app", "<properties><at>lib</at></properties>", depends("x",
          "<scope>system</scope><systemPath>${project.basedir}/${at}/x.jar</systemPath>")),
          "lib/x.jar": "", "lib/y.jar": ""}, ["lib/x.jar", "pom.xml"], []),
        ("the JDK's tools", GO,
         {"pom.xml": pom("app", depends("tools",
          "<scope>system</scope><systemPath>${java.home}/../lib/tools.jar</systemPath>"))},
         ["pom.xml"], []),
        ("a repository in the project", GO,
         {"pom.xml": pom("app", "<repositories><repository><url>file://${project.basedir}/repo"
          "</url></repository></repositories>"), "repo/h/x/1/x-1.jar": ""}, ["pom.xml"], ["repo"]),
        ("a mirror in the project", f"{GO} -s s.xml",
         {**PLAIN, "s.xml": "<settings><mirrors><mirror><url>file:///app/m</url></mirror></mirrors>"
          "</settings>", "m/x.jar": ""}, ["pom.xml", "s.xml"], ["m"]),
        ("a file that turns a profile on", GO,
         {"pom.xml": pom("app", "<profiles><profile><activation><file><exists>${basedir}/on"
          "</exists></file></activation></profile><profile><activation><file><missing>off</missing></file>"
          "</activation></profile></profiles>"), "on": ""}, ["on", "pom.xml"], []),
        ("the configuration of Maven", GO,
         {**PLAIN, ".mvn/maven.config": "-s\n.mvn/s.xml\n", ".mvn/s.xml": "<settings/>",
          ".mvn/jvm.config": "-Xmx1g"}, ["pom.xml"], [".mvn"]),
        ("the wrapper", "./mvnw dependency:resolve",
         {**PLAIN, "mvnw": "#!/bin/sh\n# Maven", ".mvn/wrapper/maven-wrapper.properties": ""},
         ["mvnw", "pom.xml"], [".mvn"]),
        ("an archive for the local repository",
         "mvn install:install-file -Dfile=lib/x.jar -DgroupId=h -DartifactId=x -Dversion=1",
         {"lib/x.jar": "", "src/A.java": ""}, ["lib/x.jar"], []),
        ("a harmless extension", GO,
         {"pom.xml": pom("app", "<build><extensions><extension><artifactId>os-maven-plugin"
          "</artifactId></extension></extensions></build>")}, ["pom.xml"], []),
    ],
)  # fmt: skip
def test_exactly_these_files_are_read(
    ask: Any, reason: str, command: str, files: dict[str, str], reads: list[str], trees: list[str]
) -> None:
    answer = ask(maven, command, files)

    assert isinstance(answer, Inputs), f"{reason}: {answer}"
    absolute = [path if path.startswith("/") else f"/app/{path}" for path in reads]
    assert sorted(answer.reads) == sorted(absolute), reason
    assert list(answer.trees) == [f"/app/{tree}" for tree in trees], reason


def test_an_extension_is_an_assumption_for_the_reviewer(ask: Any) -> None:
    extension = "<extension><artifactId>os-maven-plugin</artifactId></extension>"
    files = {"pom.xml": pom("app", f"<build><extensions>{extension}</extensions></build>")}

    (sentence,) = ask(maven, GO, files).assumes

    assert "os-maven-plugin" in sentence


@pytest.mark.parametrize(
    ("command", "env", "files", "written"),
    [
        (GO, {}, {}, {"/root/.m2/repository"}),
        (GO, {"HOME": "/home/me"}, {}, {"/root/.m2/repository", "/home/me/.m2/repository"}),
        (f"{GO} -Dmaven.repo.local=.m2", {}, {}, {"/app/.m2"}),
        (GO, {"MAVEN_OPTS": "-Xmx1g -Dmaven.repo.local=/m2"}, {}, {"/m2"}),
        (GO, {"MAVEN_ARGS": "-Dmaven.repo.local=/m2"}, {}, {"/m2"}),
        (f"{GO} -l out.log", {}, {}, {"/root/.m2/repository", "/app/out.log"}),
        ("mvn dependency:copy-dependencies", {}, {}, {"/root/.m2/repository", "/app/target"}),
        ("mvn dependency:copy-dependencies -DoutputDirectory=lib", {}, {},
         {"/root/.m2/repository", "/app/target", "/app/lib"}),
        (f"{GO} -s s.xml", {},
         {"s.xml": "<settings><localRepository>/r</localRepository></settings>"},
         {"/root/.m2/repository", "/r"}),
        ("./mvnw dependency:resolve", {}, {"mvnw": "# Maven", ".mvn/maven.config": ""},
         {"/root/.m2/repository", "/root/.m2/wrapper", "/app/.mvn/wrapper/maven-wrapper.jar"}),
    ],
)  # fmt: skip
def test_downloads_go_to_the_local_repository(
    ask: Any, command: str, env: dict[str, str], files: dict[str, str], written: set[str]
) -> None:
    assert set(ask(maven, command, {**PLAIN, **files}, env=env).writes) == written


@pytest.mark.parametrize(
    ("reason", "command", "files", "code", "place"),
    [
        ("no POM", GO, {"src/A.java": ""}, "manifest-outside-copy", ("/app/pom.xml", None)),
        ("truncated", GO, {"pom.xml": "<project>\n<parent>\n"}, "unreadable-manifest",
         ("/app/pom.xml", 3)),
        ("entities", GO, {"pom.xml": '<!DOCTYPE p [<!ENTITY x "y">]>\n<project/>'},
         "unreadable-manifest", ("/app/pom.xml", 1)),
        ("no POM at all", GO, {"pom.xml": "<html/>"}, "unreadable-manifest", ("/app/pom.xml", 1)),
        ("nested without end", GO, {"pom.xml": "<a>" * 5000}, "unreadable-manifest",
         ("/app/pom.xml", 1)),
        ("too large", GO, {"pom.xml": None}, "unreadable-manifest", ("/app/pom.xml", None)),
        ("inherits from itself", GO,
         {"pom.xml": child("root", relative="<relativePath>pom.xml</relativePath>")},
         "unreadable-manifest", ("/app/pom.xml", 2)),
        ("module not copied", GO, {"pom.xml": pom("root", modules("lib"))},
         "manifest-outside-copy", ("/app/pom.xml", 3)),
        ("module above", GO, {"pom.xml": pom("root", modules("../lib"))},
         "manifest-outside-copy", ("/app/pom.xml", 3)),
        ("wrapper not copied", "./mvnw dependency:resolve", PLAIN, "manifest-outside-copy",
         ("/app/mvnw", None)),
        ("somebody's own wrapper", "./mvnw dependency:resolve", {**PLAIN, "mvnw": "#!/bin/sh\nls"},
         "config-reads-source", ("/app/mvnw", None)),
        ("settings not copied", f"{GO} -s s.xml", PLAIN, "manifest-outside-copy",
         ("/app/s.xml", None)),
        ("broken settings", f"{GO} -s s.xml", {**PLAIN, "s.xml": "<settings>"},
         "unreadable-manifest", ("/app/s.xml", 1)),
        ("system dependency not copied", GO, {"pom.xml": pom("app", depends("x",
         "<scope>system</scope><systemPath>${basedir}/x.jar</systemPath>"))},
         "manifest-outside-copy", ("/app/pom.xml", 3)),
        ("system dependency somewhere", GO, {"pom.xml": pom("app", depends("x",
         "<scope>system</scope><systemPath>${where}/x.jar</systemPath>"))},
         "unresolved-variable", ("/app/pom.xml", 3)),
        ("property of itself", GO, {"pom.xml": pom("app",
         "<properties><a>${a}${a}</a></properties>", depends("x",
         "<scope>system</scope><systemPath>${a}</systemPath>"))},
         "unresolved-variable", ("/app/pom.xml", 4)),
        ("profile on sources", GO, {**PLAIN, "pom.xml": pom("app", "<profiles><profile><activation>"
         "<file><exists>src/main</exists></file></activation></profile></profiles>")},
         "install-reads-source", ("/app/pom.xml", 3)),
        ("git version", GO, {**PLAIN, ".mvn/extensions.xml": "<extensions><extension>\n<artifactId>"
         "jgitver-maven-plugin</artifactId></extension></extensions>"},
         "version-from-git", ("/app/.mvn/extensions.xml", 1)),
        ("unknown extension", GO, {"pom.xml": pom("app", "<build><plugins><plugin><artifactId>"
         "tycho-maven-plugin</artifactId><extensions>true</extensions></plugin></plugins></build>")},
         "config-reads-source", ("/app/pom.xml", 3)),
        ("agent", GO, {**PLAIN, ".mvn/jvm.config": "-javaagent:a.jar"}, "config-reads-source",
         ("/app/.mvn/jvm.config", None)),
        ("unknown option in maven.config", GO, {**PLAIN, ".mvn/maven.config": "--frob"},
         "unknown-install-flag", ("/app/.mvn/maven.config", None)),
        ("repository somewhere", GO, {"pom.xml": pom("app", "<repositories><repository><url>"
         "file://${env.REPO}</url></repository></repositories>")},
         "unresolved-variable", ("/app/pom.xml", 3)),
    ],
)  # fmt: skip
def test_obstacles_name_file_and_line(
    ask: Any, reason: str, command: str, files: dict[str, Any], code: str,
    place: tuple[str | None, int | None],
) -> None:  # fmt: skip
    answer = ask(maven, command, files)

    assert isinstance(answer, Obstacle), reason
    assert (answer.code, (answer.path, answer.line)) == (code, place), reason
    assert answer.reason.endswith(".")
    assert answer.unblock.endswith(".")


@pytest.mark.parametrize(
    ("command", "words"),
    [
        ("mvn package", "mvn"),
        ("mvn -B -Pprod clean verify -DskipTests", "mvn -B -Pprod -DskipTests"),
        ("mvn -q -f web/pom.xml install", "mvn -q -f web/pom.xml"),
        ("mvn -T 1C -l out.log -fae package", "mvn"),
        ("mvn compile assembly:single -q", "mvn -q"),
        ("mvn spring-boot:run", "mvn"),
        ("mvn dependency:go-offline package", "mvn"),
        ("./mvnw package", "sh ./mvnw"),
        ("sh mvnw package", "sh mvnw"),
    ],
)
def test_a_build_has_a_dependency_step(command: str, words: str) -> None:
    files = {**PLAIN, "mvnw": "#!/bin/sh\n# Maven", "web/pom.xml": pom("web")}

    answer = step(command, files)

    assert isinstance(answer, Install), answer
    goals = "dependency:resolve dependency:resolve-plugins"
    assert " ".join(answer.call.words) == f"{words} {goals}"
    assert isinstance(maven.inputs(answer, MemoryFiles({"/app/pom.xml": pom("a"), **{
        f"/app/{name}": text for name, text in files.items()}})), Inputs)  # fmt: skip


@pytest.mark.parametrize(
    "command",
    ["mvn -o package", "mvn --version", "mvn clean", "mvn validate", "mvn", "gradle build",
     "mvn versions:set -DnewVersion=1", "mvn help:effective-pom", "mvn wrapper:wrapper",
     GO, "mvn org.apache.maven.plugins:maven-dependency-plugin:3.6.1:tree"],
)  # fmt: skip
def test_other_commands_have_none(command: str) -> None:
    assert step(command, PLAIN) is None


@pytest.mark.parametrize(
    "web",
    [
        child("web", depends("lib")),
        child("web", depends("lib", "<version>${project.version}</version>", group="${g}")),
        child("web", f"<profiles><profile>{depends('lib')}</profile></profiles>"),
        child("web", f"<dependencyManagement>{depends('lib', '<scope>import</scope>')}"
                     "</dependencyManagement>"),
    ],
)  # fmt: skip
def test_modules_that_need_each_other_take_a_plugin_that_leaves_them_out(web: str) -> None:
    answer = step("mvn -B package", {**TWO, "web/pom.xml": web})

    assert isinstance(answer, Install)
    goal = "org.apache.maven.plugins:maven-dependency-plugin:3.6.1:go-offline"
    assert answer.call.words == ("mvn", "-B", goal)


def test_modules_that_stand_alone_take_the_plugin_of_the_project() -> None:
    other = child("web", depends("lib", group="org.other"))

    answer = step("mvn package", {**TWO, "web/pom.xml": other})

    assert isinstance(answer, Install)
    assert answer.title == "mvn dependency:resolve dependency:resolve-plugins"


@pytest.mark.parametrize(
    ("files", "code"),
    [
        ({**TWO, "web/pom.xml": child("web", "<build><plugins><plugin><groupId>h</groupId>"
          "<artifactId>lib</artifactId></plugin></plugins></build>")}, "modules-need-each-other"),
        ({**TWO, "web/pom.xml": child("web", depends("lib"), "<profiles><profile>", depends("x",
          "<exclusions><exclusion/></exclusions>"), "</profile></profiles>")},
         "modules-need-each-other"),
        ({**TWO, "lib/pom.xml": "<project>"}, "unreadable-manifest"),
        ({"src/A.java": ""}, "manifest-outside-copy"),
    ],
)  # fmt: skip
def test_a_step_that_would_not_be_right_is_an_obstacle(files: dict[str, str], code: str) -> None:
    answer = step("mvn package", files)

    assert isinstance(answer, Obstacle)
    assert answer.code == code


@pytest.mark.parametrize("script", ["#!/bin/sh\r\n# Maven", "# Maven", "#!/usr/bin/env fish\n"])
def test_a_script_that_no_shell_runs_is_an_obstacle(script: str) -> None:
    answer = step("./mvnw package", {**PLAIN, "mvnw": script})

    assert isinstance(answer, Obstacle)
    assert (answer.code, answer.path, answer.line) == ("unreadable-manifest", "/app/mvnw", 1)


def test_downloads_could_live_in_a_cache_mount() -> None:
    def caches(command: str, **env: str) -> list[str]:
        call = Call(tuple(command.split()), "/app", env)
        return [cache.path for cache in maven.download_caches(call)]

    assert caches("mvn package", HOME="/root") == ["/root/.m2/repository"]
    assert caches("./mvnw -Dmaven.repo.local=m2 test", HOME="/root") == ["/app/m2"]
    assert caches("mvn install", HOME="/root") == []
    assert caches("mvn package") == []
    assert caches("mvn -v", HOME="/root") == []
