"""The ``dotnet`` command: which of its commands restore packages, and what these read and write.

Sources: dotnet/sdk, src/Cli (the commands restore, build, publish and tool restore and their
options); the documentation of `dotnet restore` and `global.json`; dotnet/msbuild,
Microsoft.Common.props; trials with the SDK 2.2.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence, Set
from dataclasses import dataclass, replace
from posixpath import dirname

from optimizer.knowledge.arguments import changes_per_build
from optimizer.knowledge.dotnet import solution
from optimizer.knowledge.dotnet.msbuild import Evaluation
from optimizer.knowledge.dotnet.nuget import survey_settings
from optimizer.knowledge.installs import (
    HOLE,
    Call,
    DownloadCache,
    Files,
    Inputs,
    Install,
    Obstacle,
    Touch,
)
from optimizer.knowledge.manifests import Survey, ancestors, answer, hold, homes, resolve
from optimizer.knowledge.variables import CERTIFICATES, PROXIES

NAME = "dotnet"

# `dotnet restore -h`, `dotnet publish -h`, `dotnet build -h` (SDK 6 to 10).
_PLAIN = frozenset(
    ("--no-cache", "--no-dependencies", "--force", "--ignore-failed-sources", "--interactive",
     "--use-lock-file", "--locked-mode", "--force-evaluate", "--disable-parallel", "--no-restore",
     "--no-build", "--no-self-contained", "--nologo", "-nologo", "--no-incremental", "--debug",
     "--disable-build-servers", "--use-current-runtime", "--ucr", "--no-http-cache", "/nologo",
     "--no-logo", "-m", "/m", "-maxcpucount", "--tl", "--include-symbols", "--include-source",
     "--serviceable", "--no-launch-profile", "-restore", "/restore", "-nodereuse:false",
     "/nodereuse:false", "-nr:false")
)  # fmt: skip
_VALUED = frozenset(
    ("-s", "--source", "--packages", "--configfile", "--lock-file-path", "-r", "--runtime", "-a",
     "--arch", "--os", "-v", "--verbosity", "-o", "--output", "-c", "--configuration", "-f",
     "--framework", "--version-suffix", "--manifest", "--artifacts-path", "--project", "--filter",
     "-l", "--logger", "--results-directory", "--settings", "--tool-manifest")
)  # fmt: skip
_OPTIONAL = frozenset(("--self-contained", "--sc", "--tl", "-bl", "/bl"))
_NAMES: Mapping[str, str] = {
    "-s": "--source", "-r": "--runtime", "-a": "--arch", "-c": "--configuration",
    "-f": "--framework", "-o": "--output", "-v": "--verbosity", "--sc": "--self-contained",
}  # fmt: skip
_PROPERTY = re.compile(r"(?:--?|/)(?:p|property)[:=](?P<pairs>.+)", re.IGNORECASE)
_SWITCH = re.compile(r"(?:--?|/)[A-Za-z]+:.*")
_BUILDS = frozenset(("build", "publish", "pack", "test", "run"))
_PROJECTS = re.compile(r"\.\w+proj$")
_SKIPPED = (".shproj", ".vcxproj", ".wapproj", ".sfproj", ".dcproj")
"""Projects that `dotnet restore` takes from a solution without restoring packages."""
_VARIABLES = ("DOTNET_*", "NUGET_*", "MSBuild*", "MSBUILD*", *PROXIES, *CERTIFICATES)
_PLACES = ("NUGET_PACKAGES", "NUGET_HTTP_CACHE_PATH", "DOTNET_CLI_HOME", "NUGET_SCRATCH",
           "NUGET_PLUGINS_CACHE_PATH")  # fmt: skip
# Properties of the command line that decide which packages are restored (NuGet's targets;
# Microsoft.NET.Sdk, ProcessFrameworkReferences).
_COUNTS = re.compile(
    r"Restore\w*|RuntimeIdentifiers?|SelfContained|PublishReadyToRun|PublishTrimmed|PublishAot"
    r"|PublishSingleFile|TargetFrameworks?|UseAppHost|ManagePackageVersionsCentrally",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Command:
    """``dotnet VERB OPERAND ... OPTION ...``; ``properties`` are those of ``-p:NAME=VALUE``."""

    verb: str
    operands: tuple[str, ...]
    options: Mapping[str, tuple[str, ...]]
    properties: Mapping[str, str]
    unknown: str | None

    def value(self, name: str) -> str | None:
        """Returns the last value of an option, None where it is not given."""
        found = self.options.get(name)
        return found[-1] if found else None


def read_command(words: Sequence[str]) -> Command:
    """Reads the words behind `dotnet`; ``unknown`` is the first that no row knows."""
    operands: list[str] = []
    options: dict[str, list[str]] = {}
    properties: dict[str, str] = {}
    unknown = None
    queue = list(reversed(words))
    while queue:
        word = queue.pop()
        name, equals, value = word.partition("=" if word.startswith("--") else ":")
        if word == "--":
            break
        if (match := _PROPERTY.fullmatch(word)) is not None:
            _add_properties(properties, match["pairs"])
        elif word in ("-p", "--property") and queue:
            _add_properties(properties, queue.pop())
        elif not word.startswith("-") and not (word.startswith("/") and _SWITCH.fullmatch(word)):
            if word in _PLAIN:
                continue
            operands.append(word)
        elif name in _VALUED or (name in _OPTIONAL and equals):
            value = value if equals else queue.pop() if queue else ""
            options.setdefault(_NAMES.get(name, name), []).append(value)
        elif word in _PLAIN or name in _OPTIONAL:
            if name in _OPTIONAL and queue and queue[-1].lower() in ("true", "false"):
                value = queue.pop()
            options.setdefault(_NAMES.get(name, name), []).append(value)
        elif re.fullmatch(
            r"(?:--?|/)(?:v|verbosity|m|maxcpucount|clp|bl|flp|warnaserror|nr|tl)(?::.*)?", word
        ):
            continue
        else:
            unknown = unknown or word
    verb = operands[0] if operands else ""
    return Command(
        verb, tuple(operands[1:]), {k: tuple(v) for k, v in options.items()}, properties, unknown
    )


def _add_properties(found: dict[str, str], text: str) -> None:
    for pair in text.split(";"):
        name, _, value = pair.partition("=")
        found[name.strip()] = value.strip().strip('"')


def recognise(call: Call) -> Install | Touch | Obstacle | None:
    """Says what ``call`` is; see `optimizer.knowledge.installs.Ecosystem`."""
    if call.program != "dotnet":
        return None
    words = call.words[1:]
    command = read_command(words)
    title = " ".join(("dotnet", *words))
    match command.verb, command.operands:
        case "restore", operands:
            if command.unknown is not None or len(operands) > 1:
                odd = command.unknown or operands[1]
                return Obstacle(
                    "unknown-install-flag",
                    f"`{title}` has {odd}, which dockopt does not know.",
                    "Leave the word out if it changes nothing.",
                )
            return Install(NAME, title, call)
        case "tool", ("restore",):
            return Install(NAME, title, call)
        case "tool", ("install" | "update", *_) if _is_global(words):
            return _tool(call, words)
        case "nuget", ("locals", *_):
            own = _caches(call)
            return Touch(own, own, _VARIABLES, repeatable=True)
        case "nuget", (("add" | "remove" | "update" | "enable" | "disable"), "source", *_):
            return _sources(call, words)
    return None


def _is_global(words: Sequence[str]) -> bool:
    return any(word in ("-g", "--global") or word.startswith("--tool-path") for word in words)


def _tool(call: Call, words: Sequence[str]) -> Touch | None:
    """`dotnet tool install -g NAME`: below ~/.dotnet/tools, or --tool-path."""
    if any(word.startswith(("--add-source", "--configfile")) for word in words):
        return None
    named = [words[i + 1] for i, word in enumerate(words[:-1]) if word == "--tool-path"]
    named += [word.partition("=")[2] for word in words if word.startswith("--tool-path=")]
    places = tuple(resolve(call.directory, path) for path in named)
    settings = tuple(
        resolve(place, name) for place in ancestors(call.directory)
        for name in ("nuget.config", "NuGet.config", "NuGet.Config", "global.json")
    )  # fmt: skip
    own = (*_caches(call), *places)
    return Touch((*settings, *own), (*own, "/tmp"), _VARIABLES, network=True)


def _sources(call: Call, words: Sequence[str]) -> Touch:
    """`dotnet nuget add source`: the nearest file of settings, else the user's."""
    named = [words[i + 1] for i, word in enumerate(words[:-1]) if word == "--configfile"]
    settings = [resolve(call.directory, path) for path in named] or [
        resolve(place, name) for place in ancestors(call.directory)
        for name in ("nuget.config", "NuGet.config", "NuGet.Config")
    ]  # fmt: skip
    own = (*settings, *_caches(call))
    return Touch(own, (*own, "/tmp"), _VARIABLES)


def _caches(call: Call, *known: str) -> tuple[str, ...]:
    """NuGet's documentation, "Managing the global packages, cache, and temp folders"."""
    named = [call.env[name] for name in _PLACES if call.env.get(name)]
    home = call.env.get("HOME")
    places = known or ((home,) if home else ("/root",))
    parts = (".nuget", ".dotnet", ".local/share/NuGet", ".local/share/Microsoft", ".aspnet",
             ".templateengine", ".config/NuGet")  # fmt: skip
    return (
        *(resolve("/", path) for path in named),
        *(f"{place}/{part}" for place in places for part in parts),
    )


def dependency_step(call: Call, files: Files) -> Install | Obstacle | None:
    """Returns the `dotnet restore` that a build or publish begins with; see
    `optimizer.knowledge.installs.Ecosystem`.

    It has the options that decide which packages there are. The author's command restores
    again, finds the packages, and fetches those that its own options add.
    """
    if call.program != "dotnet":
        return None
    command = read_command(call.words[1:])
    if command.verb not in _BUILDS or command.options.keys() & {"--no-restore", "--no-build"}:
        return None
    if command.unknown is not None:
        return Obstacle(
            "unknown-install-flag",
            f"`dotnet {command.verb}` has {command.unknown}, which may change what it restores.",
            "Put `dotnet restore` with the options that count into a step of its own.",
        )
    operand = command.value("--project") or next(iter(command.operands), None)
    if operand is not None and HOLE in operand:
        return Obstacle(
            "unresolved-variable",
            f"`dotnet {command.verb}` builds a project whose name is not known before the build.",
            "Write the path of the project down in the Dockerfile.",
        )
    plain = _step(call, command, operand, frozenset())
    seen: set[str] = set()
    found = answer(lambda: _survey(plain, Survey(files), seen))
    if isinstance(found, Obstacle):
        return found
    return _step(call, command, operand, seen)


def _step(call: Call, command: Command, operand: str | None, asked: Set[str]) -> Install:
    """Returns the restore for ``command``; ``asked`` are the properties that conditions ask for."""
    words = ["dotnet", "restore", *([operand] if operand else [])]
    for name in ("--runtime", "--arch", "--os", "--source", "--configfile", "--packages"):
        for value in command.options.get(name, ()):
            if HOLE not in value:
                words += [name, value]
    words += [name for name in ("--use-current-runtime", "--ucr") if name in command.options]
    properties = dict(command.properties)
    contained = command.options.get("--self-contained")
    if contained:
        properties.setdefault("SelfContained", contained[-1].lower() or "true")
    configuration = command.value("--configuration")
    if configuration:
        properties.setdefault("Configuration", configuration)
    words += [
        f"-p:{name}={value}"
        for name, value in properties.items()
        if HOLE not in value
        and not changes_per_build(name, None)
        and (_COUNTS.fullmatch(name) or name.lower() in asked)
    ]
    return Install(NAME, " ".join(words), replace(call, words=tuple(words)))


def download_caches(call: Call) -> tuple[DownloadCache, ...]:
    """Returns NuGet's cache of answers and packages over HTTP; see
    `optimizer.knowledge.installs.Ecosystem`.

    The folder of unpacked packages is none: the build reads packages from there, so they have to
    be in the image of the stage. NuGet locks each file that it writes (ConcurrencyUtilities.cs).
    """
    if call.program != "dotnet":
        return ()
    named, home = call.env.get("NUGET_HTTP_CACHE_PATH"), call.env.get("HOME")
    path = named or (f"{home}/.local/share/NuGet/http-cache" if home else None)
    return (DownloadCache(resolve("/", path), is_locked=True),) if path else ()


def inputs(install: Install, files: Files) -> Inputs | Obstacle:
    """Returns what ``install`` reads among ``files``, or why that is not known."""
    return answer(lambda: _survey(install, Survey(files), set()))


def _survey(install: Install, survey: Survey, conditions: set[str]) -> Inputs:
    """Looks at one command; ``conditions`` gets the properties that conditions ask for."""
    call = install.call
    command = read_command(call.words[1:])
    for place in ancestors(call.directory):
        survey.read(resolve(place, "global.json"))
    if command.verb == "tool":
        _tools(survey, call)
        survey_settings(survey, call, call.directory, None)
    else:
        _projects(survey, install, command, conditions)
    survey.write(*_caches(call, *homes(call, survey.files)), "/tmp")
    return survey.inputs()


def _tools(survey: Survey, call: Call) -> None:
    """dotnet/sdk, ToolManifestFinder: the manifests here and above."""
    found = False
    for place in ancestors(call.directory):
        for name in (".config/dotnet-tools.json", "dotnet-tools.json"):
            if survey.has_file(path := resolve(place, name)):
                survey.json(path)
                found = True
    if not found:
        path = resolve(call.directory, ".config/dotnet-tools.json")
        hold(
            "manifest-outside-copy",
            f"{path} is not among the files copied from the build context.",
            "Copy it above the command, and see that .dockerignore does not leave it out.",
            path,
        )


def _projects(survey: Survey, install: Install, command: Command, conditions: set[str]) -> None:
    call = install.call
    target = _target(survey, install, command)
    config = command.value("--configfile")
    named = resolve(call.directory, config) if config else None
    given = {name.lower(): value for name, value in (*call.env.items(), *command.properties.items())
             if HOLE not in value}  # fmt: skip
    is_solution = target.endswith(solution.SUFFIXES)
    if is_solution:
        given["solutiondir"] = dirname(target).rstrip("/") + "/"
    run = Evaluation(survey, given)
    kept = survey_settings(survey, call, dirname(target), named)
    for path, line in solution.projects(survey, target) if is_solution else [(target, None)]:
        if not survey.has_file(path):
            _hold_missing(target, path, line)
        if path.endswith(_SKIPPED) and is_solution:
            survey.read(path)
            continue
        if named is None:
            kept += survey_settings(survey, call, dirname(path), None)
        run.project(path)
    if is_solution:
        for name in ("Directory.Solution.props", "Directory.Solution.targets"):
            if survey.read(resolve(dirname(target), name)):
                run.project(resolve(dirname(target), name))
        survey.read(f"{target}.targets")
    conditions.update(run.conditions)
    packages = command.value("--packages")
    survey.write(*run.outputs, *kept, *([resolve(call.directory, packages)] if packages else ()))
    _feeds(survey, call, command)
    if survey.rewrites and "--locked-mode" in command.options:
        survey.rewrites.clear()
    if survey.rewrites:
        survey.assume(
            "NuGet brings packages.lock.json up to date where it does not fit the project, "
            "and the later copy puts the committed one back."
        )


def _feeds(survey: Survey, call: Call, command: Command) -> None:
    for value in command.options.get("--source", ()):
        place = resolve(call.directory, value)
        if not re.match(r"https?:", value) and survey.has_dir(place):
            survey.tree(place)


def _target(survey: Survey, install: Install, command: Command) -> str:
    """MSBuild's command line: a project, a solution, or a folder that holds one of them."""
    call = install.call
    operand = next(iter(command.operands), ".")
    if HOLE in operand:
        hold(
            "unresolved-variable",
            f"`{install.title}` restores a project whose name is not known before the build.",
            "Write the path of the project down in the Dockerfile.",
        )
    path = resolve(call.directory, operand.replace("\\", "/"))
    if survey.has_file(path):
        return path
    found = [resolve(path, name) for name in candidates(survey, path)]
    if len(found) != 1:
        hold(
            "unreadable-manifest" if found else "manifest-outside-copy",
            f"`{install.title}` needs one project or solution in {path}, and "
            f"{len(found) or 'none'} of the copied files is one.",
            "Name the project in the command, and copy it from the build context.",
            path,
        )
    return found[0]


def candidates(survey: Survey, folder: str) -> Iterator[str]:
    """Yields the projects and solutions that stand in a folder by themselves.

    MSBuild, XMake.cs (ProcessProjectSwitch): a solution and a project of one name count as
    one, and the solution is taken."""
    names = survey.files.children(folder)
    solutions = [name for name in names if name.endswith((".sln", ".slnx"))]
    projects = [name for name in names if _PROJECTS.search(name)]
    named_alike = {name.rpartition(".")[0] for name in (*solutions, *projects)}
    if len(solutions) == len(projects) == len(named_alike) == 1:
        projects = []
    yield from (*solutions, *projects)


def _hold_missing(target: str, path: str, line: int | None) -> None:
    hold(
        "manifest-outside-copy",
        f"{target} lists {path}, which is not among the copied files.",
        "Copy that project too, take it out of the solution, or restore a project alone.",
        target,
        line,
    )
