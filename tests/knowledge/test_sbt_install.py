"""sbt: which commands download dependencies, what they read and write, and their own step."""

from __future__ import annotations

from typing import Any

import pytest

from optimizer.knowledge.installs import Call, Inputs, Install, Obstacle
from optimizer.knowledge.jvm import sbt
from tests.knowledge.conftest import MemoryFiles

PLAIN = {
    "build.sbt": 'scalaVersion := "2.13.14"\n',
    "project/build.properties": "sbt.version=1.10.11\n",
    "src/main/scala/A.scala": "",
}


def step(command: str, files: dict[str, str]) -> Install | Obstacle | None:
    content = {f"/app/{name}": text for name, text in files.items()}
    return sbt.dependency_step(Call(tuple(command.split()), "/app", {}), MemoryFiles(content))


@pytest.mark.parametrize(
    "command",
    ["sbt update", "sbt -batch update", "sbt app/update", "sbt clean update", "sbt Test/update",
     "sbt -J-Xmx2g -Dsbt.ci=true update", "sbt -mem 2048 update", "/usr/bin/sbt update"],
)  # fmt: skip
def test_downloads_are_recognised(recognise: Any, command: str) -> None:
    answer = recognise(sbt, command)

    assert isinstance(answer, Install)
    assert (answer.ecosystem, answer.title) == ("sbt", command)


@pytest.mark.parametrize(
    "command", ["sbt compile", "sbt update assembly", "sbt", "sbt clean", "sbt sbtVersion"]
)
def test_other_commands_are_not_ours(recognise: Any, command: str) -> None:
    assert recognise(sbt, command) is None


@pytest.mark.parametrize(
    ("reason", "files", "reads"),
    [
        ("one build", PLAIN, ["build.sbt", "project/build.properties"]),
        ("plugins, and the build of the build",
         {**PLAIN, "project/plugins.sbt": 'addSbtPlugin("com.eed3si9n" % "sbt-assembly" % "2.1")',
          "project/Deps.scala": "object Deps", "project/project/x.sbt": "",
          "project/target/x.scala": "", "version.sbt": "", ".sbtopts": "-J-Xmx2G"},
         [".sbtopts", "build.sbt", "project/Deps.scala", "project/build.properties",
          "project/plugins.sbt", "project/project/x.sbt", "version.sbt"]),
        ("settings of a project",
         {**PLAIN, "web/build.sbt": "", "web/src/main/scala/W.scala": ""},
         ["build.sbt", "project/build.properties", "web/build.sbt"]),
        ("characters and symbols are no strings", {"build.sbt": "val a = 'q'; val b = 'q; '\"'\n"},
         ["build.sbt"]),
    ],
)  # fmt: skip
def test_exactly_these_files_are_read(
    ask: Any, reason: str, files: dict[str, str], reads: list[str]
) -> None:
    answer = ask(sbt, "sbt update", files)

    assert isinstance(answer, Inputs), f"{reason}: {answer}"
    assert list(answer.reads) == [f"/app/{path}" for path in reads], reason
    assert answer.trees == ()


def test_what_it_leaves_behind(ask: Any) -> None:
    written = set(ask(sbt, "sbt update", {**PLAIN, "web/build.sbt": ""}).writes)

    assert {"/app/target", "/app/project/target", "/app/web/target"} <= written
    assert {"/root/.cache", "/root/.ivy2", "/root/.sbt"} <= written


@pytest.mark.parametrize(
    ("reason", "files", "code", "place"),
    [
        ("no build", {"A.scala": ""}, "manifest-outside-copy", ("/app/build.sbt", None)),
        ("git", {**PLAIN, "project/p.sbt": 'addSbtPlugin("x" % "sbt-dynver" % "5")'},
         "version-from-git", ("/app/project/p.sbt", 1)),
        ("runs programs", {"build.sbt": '\nversion := Process("git describe").!!'},
         "config-reads-source", ("/app/build.sbt", 2)),
        ("reads a file", {"build.sbt": 'version := IO.readLines(file("VERSION")).head'},
         "config-reads-source", ("/app/build.sbt", 1)),
        ("local repository", {"build.sbt": 'resolvers += "x" at "file:repo"'},
         "local-dependency", ("/app/build.sbt", 1)),
        ("open string", {"build.sbt": 'version := "1\n'}, "unreadable-manifest",
         ("/app/build.sbt", 1)),
        ("agent", {**PLAIN, ".jvmopts": "-javaagent:a.jar"}, "config-reads-source",
         ("/app/.jvmopts", None)),
    ],
)  # fmt: skip
def test_obstacles_name_file_and_line(
    ask: Any, reason: str, files: dict[str, Any], code: str, place: tuple[str | None, int | None]
) -> None:
    answer = ask(sbt, "sbt update", files)

    assert isinstance(answer, Obstacle), reason
    assert (answer.code, (answer.path, answer.line)) == (code, place), reason
    assert answer.reason.endswith(".")
    assert answer.unblock.endswith(".")


@pytest.mark.parametrize(
    ("command", "words"),
    [
        ("sbt assembly", "sbt update"),
        ("sbt -batch clean assembly", "sbt -batch update"),
        ("sbt core/compile web/assembly", "sbt core/update web/update"),
        ("sbt Docker/stage", "sbt update"),
        ("sbt universal:packageBin", "sbt update"),
        ("sbt test:compile", "sbt update"),
    ],
)
def test_a_build_has_a_dependency_step(command: str, words: str) -> None:
    answer = step(command, PLAIN)

    assert isinstance(answer, Install), answer
    assert " ".join(answer.call.words) == words


@pytest.mark.parametrize(
    "command", ["sbt", "sbt clean", "sbt update", "sbt sbtVersion", "mvn test"]
)
def test_other_commands_have_none(command: str) -> None:
    assert step(command, PLAIN) is None


def test_commands_that_change_the_build_are_obstacles() -> None:
    for command in ("sbt ++2.13 compile", "sbt --frob compile"):
        answer = step(command, PLAIN)

        assert isinstance(answer, Obstacle)
        assert answer.code == "unknown-install-flag"


def test_downloads_could_live_in_a_cache_mount() -> None:
    (cache,) = sbt.download_caches(Call(("sbt", "update"), "/app", {"HOME": "/root"}))

    assert (cache.path, cache.is_locked) == ("/root/.cache/coursier/v1", True)
    assert sbt.download_caches(Call(("sbt", "update"), "/app", {})) == ()
