"""What `dotnet publish` leaves for the run time: a folder with the program and what it needs.

Sources: the documentation of `dotnet publish` ("Output locations", `--self-contained`) and of
MSBuild's properties for .NET (AssemblyName, SelfContained, PublishAot, PublishSingleFile,
PublishDir, PublishRelease); dotnet/sdk, Microsoft.NET.Publish.targets; dotnet/dotnet-docker (which
image holds which shared framework).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from posixpath import dirname
from typing import Literal

from optimizer.knowledge.artefacts import named_paths, not_known, runs_sources
from optimizer.knowledge.build_only import Sources, only_for_building
from optimizer.knowledge.dotnet.restore import Command, candidates, read_command
from optimizer.knowledge.installs import HOLE, Call, Obstacle
from optimizer.knowledge.manifests import Held, Survey, ancestors, resolve, within
from optimizer.knowledge.products import Made, Product
from optimizer.knowledge.xml_tree import Element

_SOURCES = Sources(
    # MSBuild's and NuGet's own names ("Customize your build by folder", "packages.lock.json"),
    # the SDK's default items (Compile, EmbeddedResource), EditorConfig and StyleCop.
    re.compile(
        r".*\.(?:cs|fs|vb|csproj|fsproj|vbproj|sln|slnx|slnf|razor|cshtml|resx|xaml|user)"
        r"|directory\.(?:build|packages)\.(?:props|targets|rsp)|global\.json|nuget\.config"
        r"|packages\.lock\.json|stylecop\.json|launchsettings\.json|\.globalconfig",
        re.IGNORECASE,
    ),
    frozenset(("obj", "Properties")),
    re.compile(rb"CallerFilePath|MSBuild(?:Project|ThisFile)(?:Full|Directory)|ProjectDir"),
)
_LEAVES_NOTHING = frozenset(
    ("restore", "test", "tool", "nuget", "clean", "new", "format", "sln", "workload", "dev-certs",
     "--info", "--version", "list", "")
)  # fmt: skip
_WEB = frozenset(
    ("microsoft.net.sdk.web", "microsoft.net.sdk.blazorwebassembly", "microsoft.net.sdk.razor")
)
_ASP_NET = re.compile(
    r"Microsoft\.AspNetCore|Grpc\.AspNetCore|Swashbuckle|Yarp|Serilog\.AspNetCore", re.IGNORECASE
)
_READ_SOURCES = frozenset(("Microsoft.AspNetCore.Mvc.Razor.RuntimeCompilation",))
"""Packages that compile a project's pages when they are asked for (ASP.NET Core, "Razor file
compilation")."""
_MOST_PROJECTS = 500


def product(call: Call, made: Made) -> Product | Obstacle | None:
    """Says what a `dotnet` command leaves; see `optimizer.knowledge.products.Producer`."""
    if call.program != "dotnet":
        return None
    command = read_command(call.words[1:])
    blocked = _runs_sdk(call, made)
    if command.verb == "build" and blocked is None and not _uses_output(call, command, made):
        return Product((), drops=_packages(call), compiles=True)
    if command.verb in _LEAVES_NOTHING:
        return blocked or Product((), drops=_packages(call))
    if command.verb not in ("publish", "build"):
        return None
    if blocked is not None:
        return blocked
    if command.verb == "build":
        return not_known(
            call,
            "the container runs what `dotnet build` made, which finds its packages in the SDK",
            "Use `dotnet publish -o DIR`, and let CMD run what lies there.",
        )
    try:
        return _Publish(call, made, command).product()
    except Held as held:
        return held.obstacle


def _packages(call: Call) -> tuple[str, ...]:
    named = call.env.get("NUGET_PACKAGES")
    return (resolve("/", named or f"{call.env.get('HOME') or '/root'}/.nuget/packages"),)


def _runs_sdk(call: Call, made: Made) -> Obstacle | None:
    """`dotnet run`, `dotnet watch` and the like work on the project again."""
    for each in made.running.calls:
        verb = next((word for word in each.words[1:] if not word.startswith("-")), "")
        if each.program == "dotnet" and verb in ("run", "watch", "test", "build", "ef", "publish"):
            return runs_sources(call, made, "dotnet")
    return runs_sources(call, made, "dotnet-ef", "msbuild")


def _uses_output(call: Call, command: Command, made: Made) -> bool:
    """Tells whether the container runs what a build made: in a project's bin outside of its
    publish, or in the folder that the command names."""
    named = command.value("--output")
    place = None if named is None or HOLE in named else resolve(call.directory, named)
    return (named is not None and place is None) or any(
        (re.search(r"/bin/(?:Debug|Release)/", path) and "/publish/" not in path)
        or (place is not None and within(path, place))
        for path in named_paths(made.running)
    )


@dataclass(slots=True)
class _Publish:
    """One `dotnet publish` while it is looked at."""

    call: Call
    made: Made
    command: Command
    survey: Survey = field(init=False)

    def product(self) -> Product | Obstacle:
        """Returns the folder; raises `Held` where the project cannot be read."""
        self.survey = Survey(self.made.files)
        project = self._project()
        trees = dict(self._trees(project)) if project else {}
        place = self._place(project, trees)
        if place is None:
            return not_known(
                self.call,
                "the folder depends on the project's settings",
                "Name the folder: `dotnet publish -o DIR`.",
            )
        contained = self._is_contained(trees)
        packages = self._named_packages(trees)
        root = dirname(project) if project else self.call.directory
        outputs = tuple(resolve(dirname(path), name) for path in trees for name in ("bin", "obj"))
        return Product(
            (place,),
            drops=_packages(self.call),
            interpreter=None if contained else "dotnet",
            linking="dynamic" if contained else "unknown",
            ecosystem="nuget",
            packages=tuple(sorted(packages)),
            compiles=True,
            build_only=None
            if packages & _READ_SOURCES
            else only_for_building(self.made.files, root, _SOURCES, self.made.running, outputs),
            framework=None if contained else self._framework(trees),
        )

    def _project(self) -> str | None:
        operand = self.command.value("--project") or next(iter(self.command.operands), ".")
        if HOLE in operand or HOLE in self.call.directory:
            return None
        path = resolve(self.call.directory, operand.replace("\\", "/"))
        if self.made.files.kind(path) == "file":
            return path
        found = [resolve(path, name) for name in candidates(self.survey, path)]
        return found[0] if len(found) == 1 else None

    def _trees(self, project: str) -> Iterator[tuple[str, Element]]:
        """Yields the project, what counts for all below a folder, and the projects that it refers
        to, each with its path."""
        waiting = [project]
        for place in ancestors(dirname(project)):
            path = resolve(place, "Directory.Build.props")
            if self.survey.has_file(path):
                waiting.append(path)
                break
        seen: set[str] = set()
        while waiting and len(seen) < _MOST_PROJECTS:
            path = waiting.pop(0)
            if path in seen or not self.survey.has_file(path) or path.endswith((".sln", ".slnx")):
                continue
            seen.add(path)
            root = self.survey.xml(path)
            yield path, root
            for item in root.all("ItemGroup", "ProjectReference"):
                included = (item.get("Include") or "").replace("\\", "/")
                if "$(" not in included:
                    waiting.append(resolve(dirname(path), included))

    def _property(self, trees: Mapping[str, Element], name: str) -> str | None:
        """Returns a property of the command, of the project itself or of what stands above it;
        None where it is computed or depends on a condition."""
        for key, value in self.command.properties.items():
            if key.lower() == name.lower():
                return value
        for path, root in trees.items():
            own = path == next(iter(trees)) or path.endswith("Directory.Build.props")
            for group in root.all("PropertyGroup"):
                for child in group:
                    if own and child.name.lower() == name.lower():
                        is_plain = not (group.get("Condition") or child.get("Condition"))
                        return child.text if is_plain and "$(" not in child.text else None
        return ""

    def _place(self, project: str | None, trees: Mapping[str, Element]) -> str | None:
        named = self.command.value("--output") or self._property(trees, "PublishDir")
        if named:
            return None if HOLE in named else resolve(self.call.directory, named.replace("\\", "/"))
        if named is None or project is None or project.endswith((".sln", ".slnx")):
            return None
        if self.command.options.keys() & {"--artifacts-path"} or any(
            self._property(trees, name) != ""
            for name in ("UseArtifactsOutput", "BaseOutputPath", "OutputPath",
                         "AppendTargetFrameworkToOutputPath")
        ):  # fmt: skip
            return None
        framework = self.command.value("--framework") or self._property(trees, "TargetFramework")
        configuration = self.command.value("--configuration") or self.command.properties.get(
            "Configuration", self._default_configuration(framework or "")
        )
        runtime = self.command.value("--runtime") or self._property(trees, "RuntimeIdentifier")
        if not framework or not configuration or runtime is None or self.command.value("--os"):
            return None
        if HOLE in framework + configuration + runtime or self.command.value("--arch"):
            return None
        parts = ("bin", configuration, framework, *([runtime] if runtime else []), "publish")
        return resolve(dirname(project), "/".join(parts))

    def _default_configuration(self, framework: str) -> str:
        """`dotnet publish`: Release for projects of .NET 8 and newer, Debug for others; an SDK
        older than 8 has neither the rule nor such projects."""
        match = re.match(r"net(\d+)\.\d+", framework)
        return "Release" if match and int(match[1]) >= 8 else "Debug"

    def _is_contained(self, trees: Mapping[str, Element]) -> bool:
        """Tells whether the folder holds the runtime itself. Before .NET 6 a runtime identifier
        alone asked for that ("Breaking changes in .NET 6", SDK)."""
        if "--no-self-contained" in self.command.options:
            return False
        told = self.command.options.get("--self-contained")
        if told:
            return told[-1].lower() != "false"
        names = ("SelfContained", "PublishAot", "PublishTrimmed")
        return any((self._property(trees, name) or "").lower() == "true" for name in names)

    def _framework(self, trees: Mapping[str, Element]) -> Literal["aspnet", "runtime"]:
        """The framework of web servers holds the plain one, so it is said where either may be
        meant."""
        if not trees:
            return "aspnet"
        for root in trees.values():
            if (root.get("Sdk") or "").lower() in _WEB:
                return "aspnet"
            for group in root.all("ItemGroup"):
                for item in group:
                    named = item.get("Include") or ""
                    if item.name in ("FrameworkReference", "PackageReference") and (
                        _ASP_NET.match(named) or "$(" in named
                    ):
                        return "aspnet"
        return "runtime"

    def _named_packages(self, trees: Mapping[str, Element]) -> set[str]:
        return {
            item.get("Include") or ""
            for root in trees.values()
            for item in root.all("ItemGroup", "PackageReference")
        } - {""}
