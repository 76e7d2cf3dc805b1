"""What Maven leaves for the run time."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from tests.knowledge.products import held, left, running


def pom(more: str = "", name: str = "shop", version: str = "<version>1.2</version>") -> str:
    return (
        "<project><modelVersion>4.0.0</modelVersion><groupId>ex.com</groupId>"
        f"<artifactId>{name}</artifactId>{version}{more}</project>"
    )


def plugin(name: str, more: str = "") -> str:
    return (
        f"<build><plugins><plugin><artifactId>{name}</artifactId>{more}</plugin></plugins></build>"
    )


def configured(name: str, **values: str) -> str:
    text = "".join(f"<{key}>{value}</{key}>" for key, value in values.items())
    return plugin(name, f"<configuration>{text}</configuration>")


PARENT = (
    "<parent><groupId>org.springframework.boot</groupId>"
    "<artifactId>spring-boot-starter-parent</artifactId><version>3.2.0</version></parent>"
)
FAT = "<descriptorRefs><descriptorRef>jar-with-dependencies</descriptorRef></descriptorRefs>"


def project(text: str) -> dict[str, Any]:
    return {"pom.xml": text, "src/main/java/A.java": "class A {}"}


@pytest.mark.parametrize(
    ("text", "keeps"),
    [
        (pom(), "target/shop-1.2.jar"),
        (pom("<packaging>war</packaging>"), "target/shop-1.2.war"),
        (pom("<build><finalName>app</finalName></build>"), "target/app.jar"),
        (pom("<build><finalName>${project.artifactId}</finalName></build>"), "target/shop.jar"),
        (pom("<build><finalName>${n}-x</finalName></build><properties><n>a</n></properties>"),
         "target/a-x.jar"),
        (pom("<build><directory>out</directory></build>"), "out/shop-1.2.jar"),
        (pom(version="<version>${revision}</version>",
             more="<properties><revision>7</revision></properties>"), "target/shop-7.jar"),
        (pom(PARENT + plugin("spring-boot-maven-plugin"), version=""), "target/shop-3.2.0.jar"),
        (pom(configured("spring-boot-maven-plugin", classifier="exec")),
         "target/shop-1.2.jar target/shop-1.2-exec.jar"),
        (pom(plugin("maven-shade-plugin")), "target/shop-1.2.jar"),
        (pom(configured("maven-shade-plugin", shadedArtifactAttached="true")),
         "target/shop-1.2.jar target/shop-1.2-shaded.jar"),
        (pom(plugin("maven-assembly-plugin", f"<configuration>{FAT}</configuration>")),
         "target/shop-1.2.jar target/shop-1.2-jar-with-dependencies.jar"),
        (pom(plugin("quarkus-maven-plugin")), "target/quarkus-app"),
        (pom(plugin("quarkus-maven-plugin") + "<properties><quarkus.package.type>uber-jar"
             "</quarkus.package.type></properties>"), "target/shop-1.2-runner.jar"),
    ],
)  # fmt: skip
def test_archives_have_the_names_of_the_pom(text: str, keeps: str) -> None:
    found = left("mvn -B -DskipTests clean package", project(text))

    assert found.keeps == tuple(f"/app/{path}" for path in keeps.split())
    assert found.interpreter == "java"


@pytest.mark.parametrize(
    "more",
    [
        "<build><finalName>${buildNumber}</finalName></build>",
        configured("maven-jar-plugin", classifier="x"),
        configured("maven-jar-plugin", outputDirectory="/x"),
        configured("maven-shade-plugin", outputFile="x.jar"),
        plugin("maven-assembly-plugin"),
        "<profiles><profile><id>p</id><build><finalName>x</finalName></build></profile></profiles>",
        "<packaging>nar</packaging>",
    ],
)
def test_an_archive_whose_name_is_not_known_is_held(more: str) -> None:
    found = held("mvn package", project(pom(more)))

    assert found.code == "product-not-known"
    assert "finalName" in found.unblock


def test_the_container_may_say_which_archive_it_is() -> None:
    files = project(pom("<build><finalName>${buildNumber}</finalName></build>"))

    assert left("mvn package", files, ["java -jar target/x.jar"]).keeps == ("/app/target/x.jar",)
    assert held("mvn package", files, ["java -jar target/x-*.jar"]).code == "product-not-known"


def test_a_command_that_names_another_archive_is_held() -> None:
    found = held("mvn package", project(pom()), ["java -jar target/shop-1.0.jar"])

    assert "/app/target/shop-1.2.jar" in found.reason


@pytest.mark.parametrize(
    ("command", "keeps"),
    [
        ("java -jar target/shop-1.2.jar", ["/app/target/shop-1.2.jar"]),
        ("java -jar /app/target/*.jar", ["/app/target/shop-1.2.jar"]),
        ("java -cp target/classes:target/lib/* Main", ["/app/target/classes", "/app/target/lib"]),
        ("java -cp target/shop-1.2.jar:target/dependency/* Main",
         ["/app/target/shop-1.2.jar", "/app/target/dependency"]),
    ],
)  # fmt: skip
def test_what_the_container_runs_of_the_target_is_kept(command: str, keeps: list[str]) -> None:
    assert list(left("mvn package", project(pom()), [command]).keeps) == keeps


COPIES = (
    "<executions><execution><phase>package</phase><goals><goal>copy-dependencies</goal></goals>"
    "<configuration><outputDirectory>${project.build.directory}/lib</outputDirectory>"
    "</configuration></execution></executions>"
)
NEEDS = (
    "<dependencies><dependency><groupId>a</groupId><artifactId>b</artifactId>"
    "<version>1</version></dependency></dependencies>"
)


def test_copied_dependencies_are_kept() -> None:
    text = pom(NEEDS + plugin("maven-dependency-plugin", COPIES))
    found = left("mvn package", project(text), ["java -jar target/shop-1.2.jar"])

    assert found.keeps == ("/app/target/shop-1.2.jar", "/app/target/lib")
    assert found.packages == ("a:b",)
    words = "mvn package dependency:copy-dependencies"
    assert "/app/target/dependency" in left(words, project(pom(NEEDS))).keeps


MODULES = {
    "pom.xml": pom("<packaging>pom</packaging><modules><module>lib</module><module>web</module>"
                   "</modules>", "root"),
    "lib/pom.xml": "<project><parent><groupId>ex.com</groupId><artifactId>root</artifactId>"
                   "<version>1.2</version></parent><artifactId>lib</artifactId></project>",
    "web/pom.xml": "<project><parent><groupId>ex.com</groupId><artifactId>root</artifactId>"
                   "<version>1.2</version></parent><artifactId>web</artifactId><dependencies>"
                   "<dependency><groupId>ex.com</groupId><artifactId>lib</artifactId>"
                   "<version>1.2</version></dependency></dependencies></project>",
}  # fmt: skip


def test_modules_that_others_hold_are_left_out() -> None:
    assert left("mvn package", MODULES).keeps == ("/app/web/target/web-1.2.jar",)
    assert left("mvn package -pl lib", MODULES).keeps == ("/app/lib/target/lib-1.2.jar",)
    assert left("mvn package -pl :web -am", MODULES).keeps == ("/app/web/target/web-1.2.jar",)
    assert left("mvn package", MODULES, ["java -cp web/target/*:lib/target/* A"]).keeps == (
        "/app/web/target/web-1.2.jar", "/app/lib/target/lib-1.2.jar",
    )  # fmt: skip


def test_downloads_leave_nothing() -> None:
    found = left("mvn dependency:go-offline", project(pom()), env={"HOME": "/root"})

    assert found.keeps == ()
    assert found.drops == ("/root/.m2/repository",)


@pytest.mark.parametrize(
    ("command", "files", "runs", "code"),
    [
        ("mvn package", {}, [], "manifest-outside-copy"),
        ("mvn package", project("<project"), [], "unreadable-manifest"),
        ("mvn compile", project(pom()), [], "product-not-known"),
        ("mvn com.x:y-maven-plugin:1:do package", project(pom()), [], "product-not-known"),
        ("mvn package", project(pom()), ["mvn spring-boot:run"], "runs-from-sources"),
        ("./mvnw package", project(pom()), ["sh mvnw exec:java"], "runs-from-sources"),
    ],
)  # fmt: skip
def test_what_is_not_known_is_held(
    command: str, files: dict[str, Any], runs: list[str], code: str
) -> None:
    assert held(command, files, runs).code == code


SOURCES = {
    **project(pom()), "src/main/resources/application.yml": "", "src/test/java/T.java": "",
    "mvnw": "", ".mvn/jvm.config": "", "config/application-prod.yml": "", "target/old.jar": "",
    "Dockerfile": "", "data/seed.sql": "",
}  # fmt: skip


def test_what_is_packed_is_for_the_build_alone() -> None:
    found = left("mvn package", SOURCES)

    assert set(found.build_only or ()) == {
        "/app/pom.xml", "/app/src", "/app/mvnw", "/app/.mvn", "/app/target", "/app/Dockerfile",
    }  # fmt: skip


def test_resources_stay_where_a_source_names_their_folder() -> None:
    reads = {**SOURCES, "src/main/java/A.java": 'new File("src/main/resources/x")'}
    found = left("mvn package", reads)

    assert found.build_only is not None
    assert not any(path in ("/app/src", "/app/src/main") for path in found.build_only)
    assert "/app/src/main/java" in found.build_only


def test_resources_stay_where_settings_name_their_folder() -> None:
    named = {**SOURCES, "src/main/resources/application.yml": "x: file:src/main/resources/x"}
    container = running("java -jar target/shop-1.2.jar")
    calls = tuple(replace(c, env={"CONFIG": "src/main/resources/a"}) for c in container.calls)

    for files, runs in ((named, container), (SOURCES, replace(container, calls=calls))):
        assert "/app/src" not in (left("mvn package", files, runs).build_only or ())


def test_programs_that_only_a_jdk_has_are_named() -> None:
    found = left("mvn package", project(pom()), ["jcmd 1 VM.flags", "keytool -list"])

    assert found.assumes == ("The container runs jcmd, which a JRE does not have.",)
