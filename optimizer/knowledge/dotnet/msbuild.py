"""MSBuild projects: the files that are opened when a project is evaluated for a restore.

Properties are followed as far as their values are known without running MSBuild. Both sides of
a condition are followed; where a file is named by what is not known, the survey holds.

Sources: dotnet/msbuild, src/Build/Evaluation/{Evaluator,Expander,IntrinsicFunctions}.cs and
src/Tasks/Microsoft.Common.{props,targets}; the MSBuild reference ("Import element", "Reserved and
well-known properties", "Property functions", "Customize your build by folder"); NuGet's
documentation of central package management; dotnet/sdk, Sdk.props; trials with the SDK 2.2.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from posixpath import basename, dirname, splitext
from typing import NoReturn

from optimizer.knowledge.manifests import Survey, ancestors, hold, resolve
from optimizer.knowledge.patterns import is_pattern, matching
from optimizer.knowledge.xml_tree import Element

_MOST_FILES = 2000
_MOST_NESTED = 30
"""Property functions inside of one another that one value is put together from."""

_PROPERTY = re.compile(r"\$\(([A-Za-z_][\w.-]*)\)")
_ABOVE = re.compile(
    r"""\$\(\[MSBuild\]::(?P<what>GetPathOfFileAbove|GetDirectoryNameOfFileAbove)\(
        \s*(?P<first>'[^']*'|"[^"]*"|[^,()$]+|\$\([\w.]+\)[^,()]*)
        (?:\s*,\s*(?P<second>'[^']*'|"[^"]*"|[^,()$]*|\$\([\w.]+\)[^,()]*))?\s*\)\)""",
    re.VERBOSE | re.IGNORECASE,
)
_PATHS = re.compile(
    r"""\$\(\[(?:MSBuild\]::(?:NormalizePath|NormalizeDirectory|EnsureTrailingSlash)
        |System\.IO\.Path\]::(?:Combine|GetFullPath))\((?P<arguments>[^()$]*)\)\)""",
    re.VERBOSE | re.IGNORECASE,
)
_READS = re.compile(
    r"\$\(\[System\.IO\.File\]::(?P<what>ReadAllText|ReadAllLines|ReadAllBytes|Exists)"
    r"\((?P<path>[^()]*(?:\([^()]*\)[^()]*)*)\)",
    re.IGNORECASE,
)
_ACTS = re.compile(r"\[System\.IO\.(?:Directory|DirectoryInfo)\]|\$\(Registry:", re.IGNORECASE)
# Properties of MSBuild, the SDK and NuGet that name places outside of the project: the SDK, the
# tools, and packages that were restored.
_OUTSIDE = re.compile(
    r"\$\((?:MSBuildExtensionsPath(?:32|64)?|MSBuildToolsPath(?:32|64)?|MSBuildBinPath|VSToolsPath"
    r"|MSBuildSDKsPath|MSBuildSDKExtrasTargets|NuGetPackageRoot|MSBuildUserExtensionsPath"
    r"|VisualStudioVersion|Pkg\w+|NuGetPackageFolders|RestorePackagesPath|NetCoreTargetingPackRoot"
    r"|NetCoreRoot|DOTNET_HOST_PATH|FSharpTargetsPath|CSharpTargetsPath|LanguageTargets"
    r"|CustomAfter\w+|CustomBefore\w+|DevEnvDir|SystemRoot|windir|ProgramFiles\S*"
    r"|CodeAnalysisTargets|UserRootDir|APPDATA|LOCALAPPDATA|BundledNETCoreAppPackageVersion)\)",
    re.IGNORECASE,
)
# Targets of NuGet's restore; a target that is put before or behind one runs during it.
_RESTORE = re.compile(
    r"Restore|_?CollectPackageReferences|_GenerateRestore\w*|_GetRestore\w*|CollectPackage\w*"
    r"|_?GenerateProjectRestoreGraph\w*|_FilterRestoreGraph\w*|_LoadRestoreGraph\w*"
    r"|CollectFrameworkReferences|CollectCentralPackageVersions|GetAllRuntimeIdentifiers"
    r"|ProcessFrameworkReferences|_CheckForInvalidConfigurationAndPlatform|CollectPackageDownloads",
    re.IGNORECASE,
)


@dataclass(slots=True)
class Evaluation:
    """All projects that one command restores, while they are looked at.

    ``given`` are properties from the command line and the environment, in lower case.
    """

    survey: Survey
    given: Mapping[str, str]
    seen: dict[str, None] = field(default_factory=dict)
    conditions: set[str] = field(default_factory=set)
    """Names of properties, in lower case, that conditions ask for."""
    outputs: dict[str, None] = field(default_factory=dict)
    """Directories that a restore of the projects writes into."""

    def project(self, path: str) -> None:
        """Notes what evaluating the project at ``path`` and those it refers to opens."""
        queue = [path]
        while queue:
            path = queue.pop()
            if path in self.seen:
                continue
            self.seen[path] = None
            if len(self.seen) > _MOST_FILES:
                hold(
                    "unreadable-manifest",
                    f"{path} is one of more than {_MOST_FILES} projects and imported files.",
                    "Restore a smaller solution.",
                    path,
                )
            queue += _Project(self, path).look()


@dataclass(slots=True)
class _Project:
    """One project while it is looked at."""

    run: Evaluation
    path: str
    properties: dict[str, str | None] = field(default_factory=dict)
    references: list[str] = field(default_factory=list)
    files: dict[str, None] = field(default_factory=dict)

    def look(self) -> list[str]:
        """Returns the projects that this one refers to."""
        survey, folder = self.run.survey, dirname(self.path)
        self.properties.update({
            "msbuildprojectdirectory": folder,
            "msbuildprojectfullpath": self.path,
            "msbuildprojectfile": basename(self.path),
            "msbuildprojectname": splitext(basename(self.path))[0],
            "msbuildprojectextension": splitext(self.path)[1],
            "msbuildstartupdirectory": None,
            "configuration": None,
            "ostype": None,
        })  # fmt: skip
        self._above("Directory.Build.props")
        self._above("Directory.Packages.props")
        self._file(self.path, None, None)
        self._above("Directory.Build.targets")
        if survey.has_file(user := f"{self.path}.user"):
            self._file(user, None, None)
        for place in ancestors(folder):
            survey.read(resolve(place, "global.json"))
        rsp = next((p for a in ancestors(folder)
                    if survey.has_file(p := resolve(a, "Directory.Build.rsp"))), None)  # fmt: skip
        if rsp is not None:
            self._responses(rsp)
        self._lockfile(folder)
        self._outputs(folder)
        return self.references

    def _responses(self, path: str) -> None:
        """Directory.Build.rsp: options for every MSBuild below it."""
        text = self.run.survey.content(path).decode("utf-8-sig", "replace")
        for number, line in enumerate(text.splitlines(), 1):
            if re.search(r"[-/](?:p|property|t|target|restoreProperty)\b|@", line, re.IGNORECASE):
                hold(
                    "config-reads-source",
                    f"{path} gives MSBuild properties or targets.",
                    "Put the properties into Directory.Build.props.",
                    path,
                    number,
                )

    def _lockfile(self, folder: str) -> None:
        named = self.properties.get("nugetlockfilepath")
        if "nugetlockfilepath" not in self.properties:
            named = resolve(folder, "packages.lock.json")
        if named is None:
            self._hold_unknown(self.path, "NuGetLockFilePath", None)
        path = resolve(folder, named)
        if self.run.survey.read(path):
            if (self.properties.get("restorelockedmode") or "").lower() != "true":
                self.run.survey.rewrite(path)
        elif (self.properties.get("restorepackageswithlockfile") or "").lower() == "true":
            self.run.survey.write(path)

    def _outputs(self, folder: str) -> None:
        """Microsoft.Common.props: BaseIntermediateOutputPath and MSBuildProjectExtensionsPath;
        the SDK's artifacts output."""
        named = [
            self.properties[name]
            for name in ("baseintermediateoutputpath", "msbuildprojectextensionspath",
                         "artifactspath")
            if name in self.properties
        ]  # fmt: skip
        for value in named:
            if value is None:
                self._hold_unknown(self.path, "BaseIntermediateOutputPath", None)
            self.run.outputs[resolve(folder, value)] = None
        self.run.outputs[resolve(folder, "obj")] = None
        if (self.properties.get("useartifactsoutput") or "").lower() == "true":
            props = "Directory.Build.props"
            above = next((a for a in ancestors(folder)
                          if self.run.survey.has_file(resolve(a, props))), folder)  # fmt: skip
            self.run.outputs[resolve(above, "artifacts")] = None

    def _above(self, name: str) -> None:
        """ "Customize your build by folder": the nearest one above the project."""
        for place in ancestors(dirname(self.path)):
            path = resolve(place, name)
            if self.run.survey.has_file(path):
                self._file(path, None, None)
                return

    def _file(self, path: str, named_in: str | None, line: int | None) -> None:
        if path in self.files:
            return
        self.files[path] = None
        if len(self.files) > _MOST_FILES:
            self._hold_unknown(named_in or path, "an Import", line)
        root = self.run.survey.xml(path)
        place = dirname(path)
        around = {name: self.properties.get(name) for name in
                  ("msbuildthisfiledirectory", "msbuildthisfilefullpath", "msbuildthisfile",
                   "msbuildthisfilename")}  # fmt: skip
        self.properties.update({
            "msbuildthisfiledirectory": place.rstrip("/") + "/",
            "msbuildthisfilefullpath": path,
            "msbuildthisfile": basename(path),
            "msbuildthisfilename": splitext(basename(path))[0],
        })  # fmt: skip
        if root.get("InitialTargets"):
            hold(
                "install-script-reads-source",
                f"{path} has targets that run before any other.",
                "Take InitialTargets out of the file.",
                path,
                root.line,
            )
        for element in root:
            self._element(element, path)
        self.properties.update(around)

    def _element(self, element: Element, path: str) -> None:
        self._condition(element, path)
        match element.name:
            case "PropertyGroup":
                for child in element:
                    self._condition(child, path)
                    self._set(child, path, element)
            case "Import":
                self._import(element, path)
            case "ImportGroup" | "Choose" | "When" | "Otherwise":
                for child in element:
                    self._element(child, path)
            case "ItemGroup":
                for child in element:
                    self._item(child, path)
            case "Target":
                self._target(element, path)

    def _condition(self, element: Element, path: str) -> None:
        text = element.get("Condition") or ""
        self.run.conditions.update(name.lower() for name in _PROPERTY.findall(text))
        self._functions(text, path, element.line)

    def _set(self, child: Element, path: str, group: Element) -> None:
        name, text = child.name.lower(), child.text.strip()
        self._functions(text, path, child.line)
        if name in self.run.given:
            return
        value = self._expand(text)
        conditional = child.get("Condition") or group.get("Condition")
        if conditional and not _is_default(child.name, child.get("Condition")):
            known = self.properties.get(name)
            value = value if known == value and name in self.properties else None
        elif conditional and self.properties.get(name):
            return
        self.properties[name] = value

    def _functions(self, text: str, path: str, line: int) -> None:
        """Notes the files that property functions in ``text`` open."""
        if "$([" not in text and "$(Registry" not in text:
            return
        for match in _READS.finditer(text[:10_000]):
            named = self._expand(match["path"].strip().strip("'\""))
            if named is None:
                self._hold_unknown(path, match["what"], line)
            found = resolve(dirname(self.path), named.replace("\\", "/"))
            self.run.survey.read(found)
        if _ACTS.search(text):
            hold(
                "config-reads-source",
                f"{path} looks at directories while it is evaluated.",
                "Write the value down in the file.",
                path,
                line,
            )

    def _import(self, element: Element, path: str) -> None:
        written = element.get("Project") or ""
        if element.get("Sdk"):
            return
        if _OUTSIDE.search(written):
            return
        value = self._expand(written)
        optional = element.get("Condition") is not None
        if value is None:
            self._hold_unknown(path, f"Import of {written}", element.line)
        value = value.replace("\\", "/")
        if not value:
            return
        if is_pattern(value):
            for found in matching(self.run.survey, dirname(path), value, path, element.line):
                self._file(found, path, element.line)
            return
        found = resolve(dirname(path), value)
        if self.run.survey.has_file(found):
            self._file(found, path, element.line)
        elif not optional:
            self._hold_missing(path, found, element.line, "imports")

    def _item(self, item: Element, path: str) -> None:
        self._condition(item, path)
        include = item.get("Include")
        if include is not None:
            self._functions(include, path, item.line)
        if item.name != "ProjectReference" or include is None:
            return
        for part in include.split(";"):
            if part.strip():
                self._reference(part.strip(), item, path)

    def _reference(self, part: str, item: Element, path: str) -> None:
        value = self._expand(part)
        if value is None:
            self._hold_unknown(path, f"ProjectReference to {part}", item.line)
        value = value.replace("\\", "/")
        if is_pattern(value):
            base = dirname(self.path)
            self.references += matching(self.run.survey, base, value, path, item.line)
            return
        found = resolve(dirname(self.path), value)
        if self.run.survey.has_file(found):
            self.references.append(found)
        elif item.get("Condition") is None:
            self._hold_missing(path, found, item.line, "refers to")

    def _target(self, element: Element, path: str) -> None:
        """A target that only sets properties and items opens nothing; one with tasks may."""
        if all(child.name in ("PropertyGroup", "ItemGroup") for child in element):
            self._plain_target(element, path)
            return
        hooks = ";".join(element.get(name) or "" for name in ("BeforeTargets", "AfterTargets"))
        for hook in (*hooks.split(";"), element.get("Name") or ""):
            if hook.strip() and _RESTORE.fullmatch(hook.strip()):
                hold(
                    "install-script-reads-source",
                    f"{path} has a target that runs with {hook.strip()}, and what it reads "
                    "is not known.",
                    "Let the target run before the build instead.",
                    path,
                    element.line,
                )

    def _plain_target(self, element: Element, path: str) -> None:
        for part in element.walk():
            for text in (part.text, *part.attributes.values()):
                self._functions(text, path, part.line)

    def _expand(self, text: str) -> str | None:
        """Returns ``text`` with its properties put in, None where one is not known."""
        for _ in range(_MOST_NESTED):
            replaced = self._once(text)
            if replaced is None:
                return None
            if replaced == text:
                break
            text = replaced
            if len(text) > 20_000:
                return None
        return None if "$(" in text else text

    def _once(self, text: str) -> str | None:
        if (match := _ABOVE.search(text)) is not None:
            found = self._find_above(match)
        elif (match := _PATHS.search(text)) is not None:
            found = self._combined(match["arguments"])
        elif (match := _PROPERTY.search(text)) is not None:
            found = self._value(match[1])
        else:
            return text
        return None if found is None else text[: match.start()] + found + text[match.end() :]

    def _value(self, name: str) -> str | None:
        key = name.lower()
        if key in self.run.given:
            return self.run.given[key]
        # A property that nothing has set is empty; those of the SDK and of MSBuild are not.
        return self.properties.get(key, None)

    def _find_above(self, match: re.Match[str]) -> str | None:
        parts = [match["first"], match["second"] or ""]
        first, second = (self._expand(part.strip().strip("'\"")) for part in parts)
        if first is None or second is None:
            return None
        name, start = first, second
        if match["what"].lower().startswith("getdirectory"):
            name, start = second, first
        here = self.properties.get("msbuildthisfiledirectory") or dirname(self.path)
        start = resolve(here, start.replace("\\", "/") or ".")
        for place in ancestors(start):
            path = resolve(place, name.replace("\\", "/"))
            if self.run.survey.has_file(path):
                return place if name is second else path
        return ""

    def _combined(self, text: str) -> str | None:
        parts = [part.strip().strip("'\"").replace("\\", "/") for part in text.split(",")]
        found = resolve(dirname(self.path), "/".join(parts) if parts[1:] else parts[0])
        for part in parts[1:]:
            if part.startswith("/"):
                found = resolve("/", part)
        return found + ("/" if parts[-1].endswith("/") else "")

    def _hold_unknown(self, path: str, what: str, line: int | None) -> NoReturn:
        hold(
            "unresolved-variable",
            f"{path} has {what}, whose place a property decides that is not known.",
            "Write the path down, or with $(MSBuildThisFileDirectory).",
            path,
            line,
        )

    def _hold_missing(self, path: str, wanted: str, line: int, how: str) -> NoReturn:
        hold(
            "manifest-outside-copy",
            f"{path} {how} {wanted}, which is not among the copied files.",
            "Copy that file too, and see that .dockerignore does not leave it out.",
            path,
            line,
        )


def _is_default(name: str, condition: str | None) -> bool:
    """``<A Condition="'$(A)' == ''">``: the value counts where none is set."""
    text = "".join((condition or "").split()).lower()
    return text in (f"'$({name.lower()})'==''", f"''=='$({name.lower()})'")
