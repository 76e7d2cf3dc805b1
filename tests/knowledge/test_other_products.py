"""What sbt, the JDK's tools, the .NET SDK and Mix leave for the run time."""

from __future__ import annotations

from typing import Any

import pytest

from tests.knowledge.products import held, left


def test_sbt_stages_into_a_folder() -> None:
    files = {"build.sbt": "", "project/plugins.sbt": "", "src/main/scala/A.scala": "", "conf/a": ""}
    found = left("sbt clean stage", files)

    assert found.keeps == ("/app/target/universal/stage",)
    assert set(found.build_only or ()) == {"/app/build.sbt", "/app/project", "/app/src"}


def test_sbt_assembles_what_the_container_names() -> None:
    jar = "/app/target/scala-2.13/shop.jar"
    assert left("sbt assembly", {}, [f"java -jar {jar}"]).keeps == (jar,)
    run = "web/target/universal/stage/bin/web"
    assert left("sbt web/stage", {}, [run]).keeps == ("/app/web/target/universal/stage",)
    assert held("sbt assembly", {}).code == "product-not-known"
    assert left("sbt update", {}).keeps == ()
    assert held("sbt stage", {}, ["sbt run"]).code == "runs-from-sources"


@pytest.mark.parametrize(
    ("command", "keeps"),
    [
        ("javac -d out src/A.java", ["/app/out"]),
        ("javac src/A.java src/b/B.java", ["/app/src", "/app/src/b"]),
        ("javac *.java", ["/app"]),
        ("jar cfe app.jar Main -C out .", ["/app/app.jar"]),
        ("jar cvmf manifest.txt app.jar x", ["/app/app.jar"]),
        ("jar --create --file=app.jar x", ["/app/app.jar"]),
        ("javac -version", []),
    ],
)
def test_the_tools_of_the_jdk(command: str, keeps: list[str]) -> None:
    assert list(left(command, {"src/A.java": ""}).keeps) == keeps


def csproj(properties: str = "", items: str = "", sdk: str = "Microsoft.NET.Sdk") -> str:
    return (
        f'<Project Sdk="{sdk}"><PropertyGroup><TargetFramework>net8.0</TargetFramework>'
        f"{properties}</PropertyGroup><ItemGroup>{items}</ItemGroup></Project>"
    )


WEB = {"Shop.csproj": csproj(sdk="Microsoft.NET.Sdk.Web"), "Program.cs": "",
       "wwwroot/app.js": "", "appsettings.json": ""}  # fmt: skip


@pytest.mark.parametrize(
    ("command", "files", "keeps"),
    [
        ("dotnet publish -c Release -o /out", WEB, "/out"),
        ("dotnet publish Shop.csproj --output out --no-restore", WEB, "/app/out"),
        ("dotnet publish", WEB, "/app/bin/Release/net8.0/publish"),
        ("dotnet publish -c Debug", WEB, "/app/bin/Debug/net8.0/publish"),
        ("dotnet publish -r linux-x64", WEB, "/app/bin/Release/net8.0/linux-x64/publish"),
        ("dotnet publish -f net9.0", WEB, "/app/bin/Release/net9.0/publish"),
        ("dotnet publish src/Shop", {f"src/Shop/{k}": v for k, v in WEB.items()},
         "/app/src/Shop/bin/Release/net8.0/publish"),
        ("dotnet publish", {"A.csproj": csproj().replace("net8.0", "net6.0")},
         "/app/bin/Debug/net6.0/publish"),
        ("dotnet publish -p:PublishDir=/p", WEB, "/p"),
    ],
)  # fmt: skip
def test_publish_fills_a_folder(command: str, files: dict[str, Any], keeps: str) -> None:
    found = left(command, files)

    assert found.keeps == (keeps,)
    assert found.interpreter == "dotnet"


@pytest.mark.parametrize(
    ("files", "framework"),
    [
        (WEB, "aspnet"),
        ({"A.csproj": csproj()}, "runtime"),
        ({"A.csproj": csproj(sdk="Microsoft.NET.Sdk.Worker")}, "runtime"),
        ({"A.csproj": csproj(items='<FrameworkReference Include="Microsoft.AspNetCore.App" />')},
         "aspnet"),
        ({"A.csproj": csproj(items='<ProjectReference Include="..\\\\B\\\\B.csproj" />'.replace(
            "\\\\", "\\")), "/B/B.csproj": csproj(sdk="Microsoft.NET.Sdk.Web")}, "aspnet"),
        ({}, "aspnet"),
    ],
)  # fmt: skip
def test_the_framework_is_told_from_the_projects(files: dict[str, Any], framework: str) -> None:
    assert left("dotnet publish -o /out", files).framework == framework


@pytest.mark.parametrize(
    ("command", "properties"),
    [
        ("dotnet publish -o /out --self-contained", ""),
        ("dotnet publish -o /out --self-contained true -r linux-x64", ""),
        ("dotnet publish -o /out", "<SelfContained>true</SelfContained>"),
        ("dotnet publish -o /out", "<PublishAot>true</PublishAot>"),
    ],
)
def test_a_program_that_brings_its_runtime_has_no_interpreter(
    command: str, properties: str
) -> None:
    found = left(command, {"A.csproj": csproj(properties)})

    assert (found.interpreter, found.framework, found.linking) == (None, None, "dynamic")


@pytest.mark.parametrize(
    ("command", "files", "runs", "code"),
    [
        ("dotnet publish -o HOLE", WEB, [], "product-not-known"),
        ("dotnet publish", {"A.sln": "", "B.csproj": csproj()}, [], "product-not-known"),
        ("dotnet publish", {"A.csproj": csproj("<OutputPath>x</OutputPath>")}, [],
         "product-not-known"),
        ("dotnet publish", {"A.csproj": "<Project"}, [], "unreadable-manifest"),
        ("dotnet publish -o /out", WEB, ["dotnet run"], "runs-from-sources"),
        ("dotnet restore", WEB, ["dotnet watch run"], "runs-from-sources"),
        ("dotnet build -c Release", WEB, ["dotnet bin/Release/net8.0/Shop.dll"],
         "product-not-known"),
        ("dotnet build -o /o", WEB, ["dotnet /o/Shop.dll"], "product-not-known"),
    ],
)  # fmt: skip
def test_what_is_not_known_is_held(
    command: str, files: dict[str, Any], runs: list[str], code: str
) -> None:
    assert held(command, files, runs).code == code


def test_a_build_before_a_publish_leaves_nothing() -> None:
    assert left("dotnet build -c Release -o /b", WEB, ["dotnet Shop.dll"]).keeps == ()
    assert left("dotnet restore", WEB, ["dotnet Shop.dll"]).keeps == ()


def test_content_of_a_project_stays() -> None:
    found = left("dotnet publish -o /out", {**WEB, "obj/x.json": "", "bin/Debug/x": ""})

    assert set(found.build_only or ()) == {
        "/app/Shop.csproj", "/app/Program.cs", "/app/obj", "/app/bin",
    }  # fmt: skip


def test_pages_that_are_compiled_when_asked_for_stay() -> None:
    item = '<PackageReference Include="Microsoft.AspNetCore.Mvc.Razor.RuntimeCompilation" />'
    files = {"A.csproj": csproj(items=item), "Views/Index.cshtml": ""}

    assert left("dotnet publish -o /out", files).build_only is None


MIX = 'def project do\n[\n  app: :shop, # app: :other\n  version: "1"\n]\nend\n'


@pytest.mark.parametrize(
    ("command", "mix", "keeps"),
    [
        ("mix release", MIX, "/app/_build/prod/rel/shop"),
        ("mix release web --overwrite", MIX, "/app/_build/prod/rel/web"),
        (
            "mix release",
            MIX.replace("version", "releases: [web: []],\nversion"),
            "/app/_build/prod/rel/web",
        ),
        ("mix release --path /out", MIX, "/out"),
    ],
)
def test_releases_lie_below_the_build(command: str, mix: str, keeps: str) -> None:
    found = left(
        command, {"mix.exs": mix, "lib/a.ex": "", "assets/a.js": ""}, env={"MIX_ENV": "prod"}
    )

    assert found.keeps == (keeps,)
    assert "/app/lib" in (found.build_only or ())
    assert "/app/assets" not in (found.build_only or ())


def test_a_release_that_is_not_known_is_held() -> None:
    for text in ("", "releases: releases()", 'app: :shop, releases: [a: [path: "x"]]'):
        assert held("mix release", {"mix.exs": text}).code == "product-not-known"
    assert held("mix release", {"mix.exs": MIX}, ["mix phx.server"]).code == "runs-from-sources"
    assert left("mix deps.get --only prod", {}).keeps == ()
