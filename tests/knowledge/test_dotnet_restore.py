"""dotnet: which commands restore packages, and what projects and solutions make them read."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from optimizer.knowledge.dotnet import restore
from optimizer.knowledge.installs import Call, Inputs, Install, Obstacle, Touch
from tests.knowledge.conftest import MemoryFiles


def project(body: str = "", sdk: str = ' Sdk="Microsoft.NET.Sdk"') -> str:
    return f"<Project{sdk}>\n{body}\n</Project>\n"


def reference(path: str, more: str = "") -> str:
    return f'<ItemGroup><ProjectReference Include="{path}"{more} /></ItemGroup>'


def group(text: str) -> str:
    return f"<PropertyGroup>{text}</PropertyGroup>"


CSHARP = "FAE04EC0-301F-11D3-BF4B-00C04F79EFBC"


def solution(*paths: str) -> str:
    rows = "".join(
        f'Project("{{{CSHARP}}}") = "x", "{path}", "{{1}}"\nEndProject\n' for path in paths
    )
    return f"\nMicrosoft Visual Studio Solution File, Format Version 12.00\n{rows}"


def step(command: str, files: Mapping[str, Any]) -> Install | Obstacle | None:
    content = {f"/app/{name}": text for name, text in files.items()}
    return restore.dependency_step(Call(tuple(command.split()), "/app"), MemoryFiles(content))


@pytest.mark.parametrize(
    "command",
    ["dotnet restore", "dotnet restore App.sln", "dotnet restore src/A/A.csproj -r linux-x64",
     "dotnet restore --locked-mode --no-cache /p:Configuration=Release", "dotnet tool restore",
     "dotnet restore A.csproj --configfile nuget.config -v minimal --use-current-runtime"],
)  # fmt: skip
def test_restores_are_recognised(recognise: Any, command: str) -> None:
    assert isinstance(recognise(restore, command), Install)


@pytest.mark.parametrize(
    "command",
    ["dotnet tool install --global dotnet-ef", "dotnet tool install -g x --version 1.0",
     "dotnet tool install --tool-path /tools x", "dotnet nuget locals all --clear",
     "dotnet nuget add source https://example.org/index.json -n x"],
)  # fmt: skip
def test_commands_beside_the_restore_are_touches(recognise: Any, command: str) -> None:
    assert isinstance(recognise(restore, command), Touch)


@pytest.mark.parametrize(
    "command",
    ["dotnet build", "dotnet publish -c Release", "dotnet --info", "dotnet app.dll", "dotnet",
     "dotnet tool install x", "dotnet ef database update", "dotnet new web"],
)  # fmt: skip
def test_other_commands_are_not_ours(recognise: Any, command: str) -> None:
    assert recognise(restore, command) is None


def test_an_option_that_is_not_known_is_an_obstacle(recognise: Any) -> None:
    assert recognise(restore, "dotnet restore --surprise").code == "unknown-install-flag"


ABOVE = "$([MSBuild]::GetPathOfFileAbove('{0}', '$(MSBuildThisFileDirectory)../'))"
DIRECTORY = "$([MSBuild]::GetDirectoryNameOfFileAbove($(MSBuildThisFileDirectory), 'global.json'))"
IMPORT = '<Import Project="{0}" />'


@pytest.mark.parametrize(
    ("reason", "files", "reads"),
    [
        ("plain", {"A.csproj": project(), "P.cs": ""}, ["A.csproj"]),
        (
            "projects refer to each other",
            {
                "A.csproj": project(reference(r"lib\B\B.csproj")),
                "lib/B/B.csproj": project(reference("../C/C.fsproj")),
                "lib/C/C.fsproj": project(reference(r"..\B\B.csproj")),
                "lib/D/D.csproj": "<",
            },
            ["A.csproj", "lib/B/B.csproj", "lib/C/C.fsproj"],
        ),
        (
            "files above the project",
            {
                "A.csproj": project(),
                "/Directory.Build.props": project(sdk=""),
                "/Directory.Build.targets": project(sdk=""),
                "/Directory.Packages.props": project(sdk=""),
                "/NuGet.Config": "<configuration />",
                "global.json": "{}",
                "packages.lock.json": "{}",
                "A.csproj.user": project(sdk=""),
            },
            ["A.csproj", "/Directory.Build.props", "/Directory.Build.targets",
             "/Directory.Packages.props", "/NuGet.Config", "global.json", "packages.lock.json",
             "A.csproj.user"],
        ),
        (
            "only the nearest of them, unless it imports the next",
            {
                "A.csproj": project(),
                "Directory.Build.props": project(
                    IMPORT.format(ABOVE.format("Directory.Build.props")), ""),
                "/Directory.Build.props": project(sdk=""),
                "Directory.Packages.props": project(sdk=""),
                "/Directory.Packages.props": "<",
            },
            ["A.csproj", "Directory.Build.props", "/Directory.Build.props",
             "Directory.Packages.props"],
        ),
        (
            "imports by properties",
            {
                "src/A/A.csproj": project(
                    group(r"<Shared>$(MSBuildThisFileDirectory)..\..\build\</Shared>")
                    + IMPORT.format("$(Shared)common.props")
                    + IMPORT.format("$(MSBuildExtensionsPath)\\x.targets")
                    + IMPORT.format(f"{DIRECTORY}/root.props")
                    + '<Import Project="gone.props" Condition="Exists(\'gone.props\')" />'
                ),
                "build/common.props": project(IMPORT.format("more/*.props"), ""),
                "build/more/x.props": project(sdk=""),
                "global.json": "{}",
                "root.props": project(sdk=""),
            },
            ["src/A/A.csproj", "build/common.props", "build/more/x.props", "global.json",
             "root.props"],
        ),
        (
            "references by pattern and by property",
            {
                "A.csproj": project(
                    group("<Libs>lib</Libs>") + reference(r"$(Libs)\**\*.csproj;other/X.csproj")
                    + reference("gone.csproj", ' Condition="false"')
                ),
                "lib/a/b/B.csproj": project(),
                "lib/C.csproj": project(),
                "other/X.csproj": project(),
            },
            ["A.csproj", "lib/a/b/B.csproj", "lib/C.csproj", "other/X.csproj"],
        ),
        (
            "a file that a property reads",
            {
                "A.csproj": project(group(
                    "<Version>$([System.IO.File]::ReadAllText('$(MSBuildThisFileDirectory)"
                    "VERSION').Trim())</Version>")),
                "VERSION": "1",
            },
            ["A.csproj", "VERSION"],
        ),
        (
            "a solution",
            {
                "S.sln": solution(r"src\A\A.csproj", r"src\B\B.vbproj"),
                "src/A/A.csproj": project(),
                "src/B/B.vbproj": project(),
                "src/C/C.csproj": "<",
                "Directory.Solution.props": project(sdk=""),
            },
            ["S.sln", "src/A/A.csproj", "src/B/B.vbproj", "Directory.Solution.props"],
        ),
        (
            "a target in the restore that only sets items",
            {"A.csproj": project('<Target Name="X" AfterTargets="ProcessFrameworkReferences">'
                                 '<ItemGroup><A Update="x" B="1" /></ItemGroup></Target>')},
            ["A.csproj"],
        ),
        (
            "a solution in XML",
            {
                "S.slnx": '<Solution><Folder Name="/x/"><Project Path="a/A.csproj" /></Folder>'
                          "</Solution>",
                "a/A.csproj": project(IMPORT.format("$(SolutionDir)x.props")),
                "x.props": project(sdk=""),
            },
            ["S.slnx", "a/A.csproj", "x.props"],
        ),
    ],
)  # fmt: skip
def test_files_that_the_restore_reads(
    ask: Any, reason: str, files: dict[str, Any], reads: list[str]
) -> None:
    named = "" if "src/A/A.csproj" not in files or "S.sln" in files else " src/A/A.csproj"

    answer = ask(restore, f"dotnet restore{named}", files)

    assert isinstance(answer, Inputs), (reason, answer)
    assert set(answer.reads) == {p if p.startswith("/") else f"/app/{p}" for p in reads}


def test_a_filter_takes_some_projects_of_its_solution(ask: Any) -> None:
    files = {
        "S.slnf": {"solution": {"path": "sub\\S.sln", "projects": ["a\\A.csproj"]}},
        "sub/S.sln": solution("a/A.csproj", "b/B.csproj"),
        "sub/a/A.csproj": project(),
        "sub/b/B.csproj": "<",
    }

    answer = ask(restore, "dotnet restore S.slnf", files)

    assert answer.reads == ("/app/S.slnf", "/app/sub/S.sln", "/app/sub/a/A.csproj")


def test_feeds_in_folders_are_read_whole(ask: Any) -> None:
    feeds = '<add key="a" value="../feed" /><add key="b" value="https://example.org/v3" />'
    config = f"<configuration><packageSources>{feeds}</packageSources></configuration>"
    files = {"A.csproj": project(), "nuget.config": config, "/feed/x.nupkg": ""}

    assert ask(restore, "dotnet restore", files).trees == ("/feed",)
    del files["/feed/x.nupkg"]
    assert ask(restore, "dotnet restore", files).code == "manifest-outside-copy"


def test_the_lockfile_may_be_rewritten_unless_it_is_locked(ask: Any) -> None:
    files = {"A.csproj": project(), "packages.lock.json": "{}"}

    assert ask(restore, "dotnet restore", files).rewrites == ("/app/packages.lock.json",)
    assert ask(restore, "dotnet restore --locked-mode", files).rewrites == ()
    locked = {**files, "A.csproj": project(group("<RestoreLockedMode>true</RestoreLockedMode>"))}
    assert ask(restore, "dotnet restore", locked).rewrites == ()


def test_outputs_lie_where_properties_say(ask: Any) -> None:
    files = {
        "a/A.csproj": project(reference("../b/B.csproj")),
        "b/B.csproj": project(
            group("<BaseIntermediateOutputPath>../tmp/$(MSBuildProjectName)/"
                  "</BaseIntermediateOutputPath>")
        ),
    }  # fmt: skip

    writes = ask(restore, "dotnet restore a", files).writes

    assert {"/app/a/obj", "/app/b/obj", "/app/tmp/B"} <= set(writes)


@pytest.mark.parametrize(
    ("reason", "files", "code"),
    [
        ("nothing", {"P.cs": ""}, "manifest-outside-copy"),
        ("two projects", {"A.csproj": project(), "B.csproj": project()}, "unreadable-manifest"),
        (
            "import by a variable",
            {"A.csproj": project(IMPORT.format("$(Shared)/x.props"))},
            "unresolved-variable",
        ),
        (
            "import whose property has conditions",
            {"A.csproj": project(
                group("<D Condition=\"'$(OS)' == 'x'\">a</D>") + IMPORT.format("$(D)/x.props"))},
            "unresolved-variable",
        ),
        (
            "reference by a variable",
            {"A.csproj": project(reference("$(Libs)/B.csproj"))},
            "unresolved-variable",
        ),
        ("gone", {"A.csproj": project(reference("B/B.csproj"))}, "manifest-outside-copy"),
        ("import gone", {"A.csproj": project(IMPORT.format("x.props"))}, "manifest-outside-copy"),
        (
            "target in the restore",
            {"A.csproj": project('<Target Name="X" BeforeTargets="A;Restore"><Exec Command="x" />'
                                 "</Target>")},
            "install-script-reads-source",
        ),
        (
            "initial targets",
            {"A.csproj": project(sdk=' InitialTargets="X"')},
            "install-script-reads-source",
        ),
        (
            "directories are listed",
            {"A.csproj": project(group("<X>$([System.IO.Directory]::GetFiles('.'))</X>"))},
            "config-reads-source",
        ),
        (
            "options for every MSBuild",
            {"A.csproj": project(), "Directory.Build.rsp": "-p:X=1\n"},
            "config-reads-source",
        ),
        ("truncated", {"A.csproj": "<Project>\n<ItemGroup>\n"}, "unreadable-manifest"),
        ("too large", {"A.csproj": None}, "unreadable-manifest"),
        (
            "entities",
            {"A.csproj": '<!DOCTYPE x [<!ENTITY a "b">]><Project>&a;</Project>'},
            "unreadable-manifest",
        ),
        ("deep", {"A.csproj": "<a>" * 5000 + "</a>" * 5000}, "unreadable-manifest"),
        ("no solution", {"S.sln": "x"}, "unreadable-manifest"),
        ("lists what is gone", {"S.sln": solution("a/A.csproj")}, "manifest-outside-copy"),
    ],
)  # fmt: skip
def test_restores_that_read_more_are_obstacles(
    ask: Any, reason: str, files: dict[str, Any], code: str
) -> None:
    answer = ask(restore, "dotnet restore", files)

    assert isinstance(answer, Obstacle), (reason, answer)
    assert answer.code == code
    if code == "unreadable-manifest" and reason not in ("two projects", "too large"):
        assert answer.line is not None


def test_tools_have_a_manifest(ask: Any) -> None:
    files = {".config/dotnet-tools.json": '{"version": 1}', "A.csproj": "<"}

    assert ask(restore, "dotnet tool restore", files).reads == ("/app/.config/dotnet-tools.json",)
    assert ask(restore, "dotnet tool restore", {}).code == "manifest-outside-copy"


@pytest.mark.parametrize(
    ("command", "title"),
    [
        ("dotnet publish", "dotnet restore"),
        ("dotnet publish A.csproj -c Release -o /out", "dotnet restore A.csproj"),
        (
            "dotnet publish A.csproj -r linux-musl-x64 --self-contained -p:PublishTrimmed=true "
            "-p:Version=1.2 -p:DebugType=none",
            "dotnet restore A.csproj --runtime linux-musl-x64 -p:PublishTrimmed=true "
            "-p:SelfContained=true",
        ),
        ("dotnet build --no-restore", None),
        ("dotnet publish --no-build", None),
        ("dotnet App.dll", None),
        ("dotnet restore", None),
    ],
)
def test_a_build_names_the_restore_that_it_begins_with(command: str, title: str | None) -> None:
    found = step(command, {"A.csproj": project(), "P.cs": ""})

    assert (found.title if isinstance(found, Install) else found) == title


def test_the_configuration_counts_where_a_condition_asks_for_it() -> None:
    text = project("<ItemGroup Condition=\"'$(Configuration)' == 'Debug'\"></ItemGroup>")

    found = step("dotnet publish -c Release", {"A.csproj": text})

    assert isinstance(found, Install)
    assert found.title == "dotnet restore -p:Configuration=Release"


def test_a_build_of_what_cannot_be_read_has_no_step() -> None:
    found = step("dotnet publish", {"A.csproj": "<Project>"})

    assert isinstance(found, Obstacle)
    assert found.code == "unreadable-manifest"
