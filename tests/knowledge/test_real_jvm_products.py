"""Maven and Gradle themselves: the archives that dockopt says they make are those that they make.

Maven gets its plugins from where the user's settings say.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path

import pytest

from optimizer.knowledge.installs import Call
from optimizer.knowledge.producers import product
from optimizer.knowledge.products import Made, Product
from optimizer.knowledge.running import Running
from tests.knowledge.test_real_clients import DiskFiles, program

pytestmark = pytest.mark.clients

JAVA = "public class Main { public static void main(String[] a) { System.out.println(1); } }\n"


def pom(more: str, version: str = "1.2") -> str:
    return (
        "<project><modelVersion>4.0.0</modelVersion><groupId>h</groupId>"
        f"<artifactId>shop</artifactId><version>{version}</version>"
        f"<properties><maven.compiler.source>11</maven.compiler.source>"
        f"<maven.compiler.target>11</maven.compiler.target><n>x</n></properties>{more}</project>"
    )


def plugin(name: str, version: str, goal: str, settings: str = "") -> str:
    return (
        f"<build><plugins><plugin><artifactId>{name}</artifactId><version>{version}</version>"
        f"<executions><execution><phase>package</phase><goals><goal>{goal}</goal></goals>"
        f"<configuration>{settings}</configuration></execution></executions></plugin></plugins>"
        "</build>"
    )


FAT = "<descriptorRefs><descriptorRef>jar-with-dependencies</descriptorRef></descriptorRefs>"
POMS = {
    "plain": pom(""),
    "named": pom("<build><finalName>${project.artifactId}-${n}</finalName></build>"),
    "elsewhere": pom("<build><directory>${project.basedir}/out</directory></build>"),
    "snapshot": pom("", "1-SNAPSHOT"),
    "shaded": pom(plugin("maven-shade-plugin", "3.5.1", "shade")),
    "attached": pom(
        plugin("maven-shade-plugin", "3.5.1", "shade",
               "<shadedArtifactAttached>true</shadedArtifactAttached>")
    ),
    "assembled": pom(plugin("maven-assembly-plugin", "3.6.0", "single", FAT)),
    "bare": pom(plugin("maven-assembly-plugin", "3.6.0", "single",
                       FAT + "<appendAssemblyId>false</appendAssemblyId>")),
}  # fmt: skip


def asked(app: Path, *words: str) -> Product:
    found = product(
        Call(words, str(app), {"HOME": str(Path.home())}),
        Made(("maven", "3.8"), DiskFiles(str(app)), Running()),
    )
    assert isinstance(found, Product), found
    return found


def filled(app: Path, files: Mapping[str, str]) -> Path:
    for name, text in files.items():
        path = app / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return app


def built(app: Path, *words: str) -> set[str]:
    """Runs a build and returns the archives below ``app``, without what plugins put aside."""
    env = {"PATH": os.environ["PATH"], "HOME": str(Path.home())}
    done = subprocess.run(
        words, cwd=app, env=env, capture_output=True, text=True, timeout=600, check=False
    )
    if done.returncode and "Could not transfer" in done.stdout:
        pytest.skip("the plugins could not be had")
    assert done.returncode == 0, done.stdout + done.stderr
    archives = {path for end in ("jar", "war") for path in app.rglob(f"*.{end}")}
    return {
        str(path)
        for path in archives
        if not path.name.startswith("original-") and path.parent.name != "archive-tmp"
    }


@pytest.mark.parametrize("name", POMS)
def test_maven(tmp_path: Path, name: str) -> None:
    program("mvn")
    app = filled(tmp_path / "app", {"pom.xml": POMS[name], "src/main/java/Main.java": JAVA})
    words = ("mvn", "-B", "-q", "package")

    found = asked(app, *words)

    assert set(found.keeps) == built(app, *words)


GRADLE = {
    "named by the settings": {"settings.gradle": "rootProject.name = 'shop'\n",
                              "build.gradle": "apply plugin: 'java'\nversion = '1.2'\n"},
    "named by its directory": {"settings.gradle": "", "build.gradle": "apply plugin: 'java'\n"},
    "version of the properties": {"settings.gradle": "rootProject.name = 'shop'\n",
                                  "gradle.properties": "version=3\n",
                                  "build.gradle": "apply plugin: 'java'\n"},
    "a web archive": {"settings.gradle": "rootProject.name = 'shop'\n",
                      "build.gradle": "apply plugin: 'war'\nversion '1'\n"},
}  # fmt: skip


@pytest.mark.parametrize("name", GRADLE)
def test_gradle(tmp_path: Path, name: str) -> None:
    program("gradle")
    task = "war" if name == "a web archive" else "jar"
    words = ("gradle", "--no-daemon", "--offline", "-q", task)
    app = filled(tmp_path / "app", {**GRADLE[name], "src/main/java/Main.java": JAVA})

    found = asked(app, *words)

    assert set(found.keeps) == built(app, *words)


def test_gradle_installs_a_distribution(tmp_path: Path) -> None:
    program("gradle")
    build = "apply plugin: 'application'\nmainClassName = 'Main'\n"
    files = {"settings.gradle": "rootProject.name = 'shop'\n", "build.gradle": build}
    app = filled(tmp_path / "app", {**files, "src/main/java/Main.java": JAVA})
    words = ("gradle", "--no-daemon", "--offline", "-q", "installDist")

    found = asked(app, *words)
    built(app, *words)

    assert found.keeps == (f"{app}/build/install/shop",)
    assert {path.name for path in Path(found.keeps[0]).iterdir()} == {"bin", "lib"}
    shutil.rmtree(app)
