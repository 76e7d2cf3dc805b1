"""What Gradle leaves for the run time."""

from __future__ import annotations

from typing import Any

import pytest

from tests.knowledge.products import held, left

SETTINGS = "rootProject.name = 'shop'\n"
BUILD = "plugins { id 'java'\n id 'org.springframework.boot' version '3.2.0' }\nversion = '1.2'\n"
KOTLIN = 'plugins { kotlin("jvm") version "2.0.0"\n application }\nversion = "1.2"\n'


def project(build: str = BUILD, settings: str = SETTINGS, **more: str) -> dict[str, Any]:
    return {"build.gradle": build, "settings.gradle": settings, **more}


@pytest.mark.parametrize(
    ("command", "files", "keeps"),
    [
        ("gradle build", project(), "shop-1.2.jar"),
        ("./gradlew --no-daemon clean bootJar -x test", project(), "shop-1.2.jar"),
        ("gradle build", project(settings=""), "app-1.2.jar"),
        ("gradle build", {"build.gradle": BUILD}, "app-1.2.jar"),
        ("gradle build", project(BUILD.replace("version = '1.2'", "")), "shop.jar"),
        ("gradle build", project(BUILD.replace("version = '1.2'", "version '3'")), "shop-3.jar"),
        ("gradle build -Pversion=7", project(BUILD.replace("version = '1.2'", "")), "shop-7.jar"),
        ("gradle build", {**project(BUILD.replace("version = '1.2'", "")),
                          "gradle.properties": "version=2.0\n"}, "shop-2.0.jar"),
        ("gradle bootJar", project(BUILD + "bootJar { archiveFileName = 'app.jar' }"), "app.jar"),
        ("gradle bootJar", project(BUILD + 'tasks.bootJar { archiveFileName.set("a.jar") }'),
         "a.jar"),
        ("gradle shadowJar", project("plugins { id 'com.gradleup.shadow' version '8' }\n"
                                     "version = '1.2'"), "shop-1.2-all.jar"),
        ("gradle build", {"build.gradle.kts": KOTLIN, "settings.gradle.kts":
                          'rootProject.name = "shop"'}, "shop-1.2.jar"),
        ("gradle bootWar", project(), "shop-1.2.war"),
    ],
)  # fmt: skip
def test_archives_have_the_names_of_the_scripts(
    command: str, files: dict[str, Any], keeps: str
) -> None:
    assert left(command, files).keeps == (f"/app/build/libs/{keeps}",)


def test_an_installed_distribution_is_kept_whole() -> None:
    files = {"build.gradle.kts": KOTLIN, "settings.gradle.kts": 'rootProject.name = "shop"'}

    assert left("gradle installDist", files).keeps == ("/app/build/install/shop",)
    run = "/app/build/install/other/bin/other --x"
    assert left("gradle installDist", files, [run]).keeps == ("/app/build/install/other",)


MODULES = {
    "settings.gradle": "rootProject.name = 'root'\ninclude 'lib', 'services:web'\n",
    "build.gradle": "allprojects { version = '1.0' }\n",
    "lib/build.gradle": "plugins { id 'java-library' }\n",
    "services/web/build.gradle": "plugins { id 'org.springframework.boot' version '3.2.0' }\n",
}


def test_tasks_name_their_project() -> None:
    web = "/app/services/web/build/libs/web-1.0.jar"
    assert left("gradle :services:web:bootJar", MODULES).keeps == (web,)
    assert left("gradle bootJar", MODULES, [f"java -jar {web}"]).keeps == (web,)
    assert left("gradle bootJar", MODULES, directory="/app/services/web").keeps == (web,)


@pytest.mark.parametrize(
    "build",
    [
        BUILD.replace("'1.2'", "\"1.$number\""),
        BUILD.replace("'1.2'", "gitVersion()"),
        BUILD.replace("version = '1.2'", "version = file('V').text"),
        BUILD + "bootJar { archiveFileName = \"${name}.jar\" }",
        BUILD + "bootJar { archiveClassifier = 'exec' }",
        BUILD + "archivesBaseName = 'x'",
        BUILD + "buildDir = 'out'",
    ],
)  # fmt: skip
def test_a_name_that_is_computed_is_held_unless_the_container_names_it(build: str) -> None:
    assert held("gradle build", project(build)).code == "product-not-known"
    run = ["java -jar build/libs/it.jar"]
    assert left("gradle build", project(build), run).keeps == ("/app/build/libs/it.jar",)
    pattern = ["java -jar build/libs/*.jar"]
    assert held("gradle build", project(build), pattern).code == "product-not-known"


def test_a_command_that_names_another_archive_is_held() -> None:
    assert "shop-1.2.jar" in held("gradle build", project(), ["java -jar build/libs/x.jar"]).reason


def test_commands_that_build_nothing_leave_nothing() -> None:
    assert left("gradle dependencies", project(), env={"HOME": "/root"}).keeps == ()
    assert left("./gradlew --version", project()).keeps == ()
    assert held("gradle myTask", project()).code == "product-not-known"
    assert held("gradle build", project(), ["./gradlew bootRun"]).code == "runs-from-sources"


def test_what_is_packed_is_for_the_build_alone() -> None:
    files = {
        **project(), "src/main/java/A.java": "", "src/main/resources/application.yml": "",
        "gradlew": "", "gradle/wrapper/gradle-wrapper.jar": "", "gradle/libs.versions.toml": "",
        "config/app.yml": "", "build/libs/old.jar": "",
    }  # fmt: skip

    assert set(left("gradle build", files).build_only or ()) == {
        "/app/build.gradle", "/app/settings.gradle", "/app/src", "/app/gradlew", "/app/gradle",
        "/app/build",
    }  # fmt: skip
