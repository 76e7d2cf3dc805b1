"""Maven and Gradle themselves: they open no file of the project but those that dockopt names, and
load the same project from those alone.

Nothing here needs a repository: `mvn validate` loads a project and runs no plugin, and the
dependencies of the Gradle build are projects.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from optimizer.knowledge.installs import Call, Inputs, Install
from optimizer.knowledge.jvm import gradle, maven
from tests.knowledge.test_real_clients import DiskFiles, program

pytestmark = pytest.mark.clients

OPENED = re.compile(r'openat\([^"]*"(?P<path>[^"]+)", (?P<how>[A-Z_|]+).*= \d+$')


@dataclass(frozen=True)
class Loaded:
    """What a tool said of the project, whether it was content, and which files it opened."""

    said: str
    ok: bool
    opened: frozenset[str]


@dataclass(frozen=True)
class Project:
    """A project directory, and a tool that loads what lies there."""

    base: Path
    command: tuple[str, ...]
    spoken: re.Pattern[str]

    @property
    def app(self) -> Path:
        return self.base / "app"

    def load(self, files: Mapping[str, str], only: Iterable[str] | None = None) -> Loaded:
        """Runs the tool on ``files``, or on those of them that lie under one of ``only``."""
        shutil.rmtree(self.app, ignore_errors=True)
        keep = None if only is None else tuple(only)
        for name, text in files.items():
            path = self.app / name
            if keep is None or any(path == Path(k) or Path(k) in path.parents for k in keep):
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text(text)
        self.app.mkdir(exist_ok=True)
        log = self.base / "trace"
        traced = ("strace", "-f", "-e", "trace=openat", "-s", "4096", "-o", str(log))
        done = subprocess.run(
            [*traced, *self.command], cwd=self.app, timeout=300, capture_output=True, text=True,
            env={"PATH": os.environ["PATH"], "HOME": str(self.base / "home")}, check=False,
        )  # fmt: skip
        said = "\n".join(self.spoken.findall(done.stdout))
        return Loaded(said, done.returncode == 0, frozenset(self._opened(log)))

    def _opened(self, log: Path) -> Iterable[str]:
        for line in log.read_text(errors="replace").splitlines():
            match = OPENED.search(line)
            if match and "DIRECTORY" not in match["how"] and "O_RDONLY" in match["how"]:
                path = os.path.normpath(self.app / match["path"])
                if path.startswith(f"{self.app}/") and not Path(path).is_dir():
                    yield path

    def named(self, module: Any, command: str, files: Mapping[str, str]) -> Inputs:
        """Asks the module which of ``files`` the install ``command`` reads."""
        self.load(files, only=[str(self.app)])
        install = module.recognise(Call(tuple(command.split()), str(self.app), {}))
        assert isinstance(install, Install)
        answer = module.inputs(install, DiskFiles(str(self.app)))
        assert isinstance(answer, Inputs), answer
        return answer


def law(project: Project, answer: Inputs, files: Mapping[str, str]) -> Loaded:
    """The tool opens what is named and no more, and says the same of that alone."""
    whole = project.load(files)
    assert whole.ok, whole.said
    written = tuple(f"{path}/" for path in answer.writes)
    opened = {path for path in whole.opened if not path.startswith(written)}
    trees = tuple(f"{tree}/" for tree in answer.trees)
    assert {p for p in opened if not p.startswith(trees)} <= set(answer.reads)
    alone = project.load(files, only=(*answer.reads, *answer.trees))
    assert (alone.ok, alone.said) == (whole.ok, whole.said)
    return whole


NAMES = "<groupId>h</groupId><artifactId>{}</artifactId><version>1</version>"
MAVEN = {
    "pom.xml": f"""<project><modelVersion>4.0.0</modelVersion>
<parent>{NAMES.format("base")}<relativePath>config/parent</relativePath></parent>
<artifactId>root</artifactId><packaging>pom</packaging>
<modules><module>lib</module><module>web/pom-web.xml</module></modules>
<profiles><profile><id>tools</id><activation><file><exists>${{basedir}}/with-tools</exists></file></activation>
<modules><module>tools</module></modules></profile>
<profile><id>docs</id><activation><property><name>never</name></property></activation>
<modules><module>docs</module></modules></profile></profiles></project>""",
    "config/parent/pom.xml": f"""<project><modelVersion>4.0.0</modelVersion>{NAMES.format("base")}
<packaging>pom</packaging></project>""",
    "lib/pom.xml": f"""<project><modelVersion>4.0.0</modelVersion>
<parent>{NAMES.format("root")}</parent><artifactId>lib</artifactId></project>""",
    "web/pom-web.xml": f"""<project><modelVersion>4.0.0</modelVersion>
<parent>{NAMES.format("root")}</parent><artifactId>web</artifactId>
<dependencies><dependency>{NAMES.format("lib")}</dependency></dependencies></project>""",
    "tools/pom.xml": f"""<project><modelVersion>4.0.0</modelVersion>
<parent>{NAMES.format("root")}</parent><artifactId>tools</artifactId></project>""",
    "docs/pom.xml": f"""<project><modelVersion>4.0.0</modelVersion>
<parent>{NAMES.format("root")}</parent><artifactId>docs</artifactId></project>""",
    "with-tools": "",
    ".mvn/maven.config": "-s\n.mvn/settings.xml\n",
    ".mvn/settings.xml": "<settings/>",
    ".mvn/jvm.config": "-Xmx256m\n",
    "lib/src/main/java/L.java": "class L {}",
    "src/site/index.md": "",
    "README.md": "",
}


@pytest.fixture
def mvn(tmp_path: Path) -> Project:
    for name in ("mvn", "strace"):
        program(name)
    command = ("mvn", "-o", "-B", f"-Dmaven.repo.local={tmp_path}/m2", "validate")
    return Project(tmp_path, command, re.compile(r"(?m)^\[INFO\] (\S+) \.* (?:SUCCESS|FAILURE)"))


def test_maven_loads_the_same_modules_from_the_named_files(mvn: Project) -> None:
    answer = mvn.named(maven, "mvn dependency:go-offline", MAVEN)

    whole = law(mvn, answer, MAVEN)

    named = (*answer.reads, *answer.trees)
    for taken in ("config/parent/pom.xml", "with-tools", "web/pom-web.xml"):
        left = [path for path in named if path != str(mvn.app / taken)]
        assert len(left) < len(named)
        found = mvn.load(MAVEN, only=left)
        assert not found.ok or found.said != whole.said, taken


def test_maven_runs_in_a_module(mvn: Project) -> None:
    inside = Project(mvn.base, (*mvn.command, "-f", "lib"), mvn.spoken)

    law(inside, inside.named(maven, "mvn -f lib dependency:go-offline", MAVEN), MAVEN)


GRADLE = {
    "settings.gradle": "rootProject.name = 'shop'\ninclude 'api', ':libs:core'\n",
    "build.gradle": 'apply from: "$rootDir/shared/java.gradle"\n',
    "gradle.properties": "group=org.example\n",
    "shared/java.gradle": "allprojects { apply plugin: 'java' }\n",
    "shared/unused.gradle": "throw new Error()\n",
    "api/build.gradle": "dependencies { compile project(':libs:core') }\n",
    "api/src/main/java/A.java": "class A {}\n",
    "libs/core/build.gradle": "\n",
    "libs/core/src/main/java/C.java": "class C {}\n",
    "VERSION": "1.0\n",
}


def test_gradle_resolves_the_same_from_the_named_files(tmp_path: Path) -> None:
    for name in ("gradle", "strace"):
        program(name)
    command = ("gradle", "--offline", "--no-daemon", "-g", f"{tmp_path}/home", ":api:dependencies")
    project = Project(tmp_path, command, re.compile(r"(?m)^.*project :.*$"))

    answer = project.named(gradle, "gradle :api:dependencies", GRADLE)

    whole = law(project, answer, GRADLE)
    assert "project :libs:core" in whole.said
