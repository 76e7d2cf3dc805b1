"""Which scripts of package.json a command runs, and what they say.

Sources: npm's documentation (npm-run-script, npm-start, scripts: pre and post), yarn's, pnpm's and
bun's command references.
"""

from __future__ import annotations

import json
import posixpath
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from optimizer.knowledge.installs import Call, Files
from optimizer.knowledge.manifests import Held, resolve
from optimizer.knowledge.node.layout import packages_of

_OWN_WORDS: Final = frozenset(("start", "test", "stop", "restart"))
_RUN: Final = frozenset(("run", "run-script", "rum", "urn"))
_FOLDERS: Final = frozenset(("--prefix", "-C", "--cwd", "--dir"))
_ELSEWHERE: Final = frozenset(
    ("-w", "--workspace", "--workspaces", "-ws", "--filter", "-F", "-r", "--recursive", "workspace",
     "workspaces")
)  # fmt: skip
_EXEC: Final = frozenset(("exec", "x", "dlx", "node"))
_LARGEST: Final = 1 << 20


@dataclass(frozen=True, slots=True)
class PackageScript:
    """One script: its ``text`` goes to ``/bin/sh`` in ``directory``, with ``arguments`` behind."""

    path: str
    name: str
    text: str
    directory: str
    arguments: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Program:
    """A program that the package manager only finds (``npx next start``, ``yarn next start``)."""

    words: tuple[str, ...]
    directory: str


def scripts_run(call: Call, files: Files) -> tuple[PackageScript | Program, ...] | str | None:
    """Returns what ``call`` runs. None: it is no command of a package manager that runs scripts.
    A text says why what it runs is not known."""
    if call.program not in ("npm", "yarn", "yarnpkg", "pnpm", "bun"):
        return None
    inner = _in_member(call, files)
    if inner is not None:
        return scripts_run(inner, files)
    directory = call.directory
    rest = list(call.words[1:])
    while rest and rest[0].startswith("-"):
        option = rest.pop(0)
        name, equals, value = option.partition("=")
        if name in _FOLDERS and (equals or rest):
            directory = resolve(directory, value if equals else rest.pop(0))
        elif name in _ELSEWHERE:
            return f"`{' '.join(call.words)}` runs scripts of other packages"
    if not rest:
        return None
    verb = rest.pop(0)
    if verb in _ELSEWHERE or _ELSEWHERE & {*_options_behind(call, rest)}:
        return f"`{' '.join(call.words)}` runs scripts of other packages"
    if verb in _EXEC and verb != "node":
        return (Program(_without_options(rest), directory),) if rest else None
    return _named(call, verb, rest, directory, files)


def _in_member(call: Call, files: Files) -> Call | None:
    """Returns what ``call`` comes to in the one workspace member that it names, None where it names
    none, or not just one (npm's docs, config, workspace; yarn's, "workspace"; pnpm's, "Filtering").
    """
    words = list(call.words[1:])
    if call.program in ("yarn", "yarnpkg"):
        if words[:1] != ["workspace"] or len(words) < 3:
            return None
        named, rest = words[1], words[2:]
    else:
        options = ("-w", "--workspace") if call.program == "npm" else ("-F", "--filter")
        found = _taken_out(words, options, anywhere=call.program == "npm")
        if found is None or call.program == "bun":
            return None
        named, rest = found
    if {*rest} & _ELSEWHERE or any(word.partition("=")[0] in _FOLDERS for word in rest):
        return None
    directory = _member(call, named, files)
    return (
        None
        if directory is None
        else replace(call, words=(call.words[0], *rest), directory=directory)
    )


def _options_behind(call: Call, rest: Sequence[str]) -> Sequence[str]:
    """Returns the names of what may be options of the package manager behind its verb: npm reads
    them down to ``--``."""
    own = rest[: rest.index("--")] if "--" in rest else rest
    return [word.partition("=")[0] for word in (own if call.program == "npm" else rest[:2])]


def _taken_out(
    words: Sequence[str], options: Sequence[str], anywhere: bool
) -> tuple[str, list[str]] | None:
    """Returns the value of the one of ``options`` that stands in ``words``, and the other words;
    None where there is none. Unless they may stand ``anywhere``, what stands behind the first plain
    word belongs to the script, as does what stands behind ``--``."""
    for at, word in enumerate(words):
        name, equals, value = word.partition("=")
        if word == "--" or not (anywhere or word.startswith("-")):
            return None
        if name in options:
            if not equals and at + 1 == len(words):
                return None
            rest = [*words[:at], *words[at + (1 if equals else 2) :]]
            return (value if equals else words[at + 1]), rest
    return None


def _member(call: Call, named: str, files: Files) -> str | None:
    """Returns the directory of the only member that is called ``named``, which is its place for npm
    as well."""
    try:
        packages = packages_of(files, call.directory)
    except Held:
        return None
    at = resolve(call.directory, named) if call.program == "npm" else None
    members = packages if call.program == "pnpm" else packages[1:]
    found = [each.directory for each in members if each.name == named or each.directory == at]
    return found[0] if len(found) == 1 else None


def _named(
    call: Call, verb: str, rest: list[str], directory: str, files: Files
) -> tuple[PackageScript | Program, ...] | str | None:
    is_npm = call.program == "npm"
    if verb in _RUN:
        while rest and rest[0].startswith("-"):
            rest.pop(0)
        if not rest:
            return None
        name = rest.pop(0)
    elif verb in _OWN_WORDS or not is_npm:
        name = verb
    else:
        return None
    path = resolve(directory, "package.json")
    scripts = _scripts(path, files)
    arguments = _arguments(is_npm, rest)
    if scripts is None:
        # Without a script of that name these managers look for a file or a program.
        if not is_npm and verb not in _RUN and verb not in _OWN_WORDS:
            return (Program((verb, *rest), directory),)
        return f"`{' '.join(call.words)}` runs a script of {path}, which is not known"
    if name in scripts:
        return _with_hooks(path, name, scripts, directory, arguments)
    if is_npm and name == "start":
        return (Program(("node", "server.js"), directory),)
    if is_npm and name == "restart":
        return tuple(
            each
            for part in ("stop", "start")
            if part in scripts
            for each in _with_hooks(path, part, scripts, directory, ())
        )
    if is_npm:
        return f"`{' '.join(call.words)}` runs a script that {path} does not have"
    return (Program((name, *rest), directory),)


def _with_hooks(
    path: str, name: str, scripts: Mapping[str, str], directory: str, arguments: tuple[str, ...]
) -> tuple[PackageScript, ...]:
    """pnpm and Yarn 2 run no hooks unless told to; what may run counts."""
    return tuple(
        PackageScript(path, event, scripts[event], directory, arguments if event == name else ())
        for event in (f"pre{name}", name, f"post{name}")
        if event in scripts
    )


def _arguments(is_npm: bool, rest: Sequence[str]) -> tuple[str, ...]:
    if "--" in rest:
        return tuple(rest[rest.index("--") + 1 :])
    return () if is_npm else tuple(rest)


def _without_options(rest: Sequence[str]) -> tuple[str, ...]:
    words = list(rest)
    while words and words[0].startswith("-"):
        words.pop(0)
    return tuple(words)


def _scripts(path: str, files: Files) -> Mapping[str, str] | None:
    data = files.read(path)
    if data is None or len(data) > _LARGEST:
        return None
    try:
        manifest: Any = json.loads(data.decode("utf-8-sig", "replace"))
    except (ValueError, RecursionError):
        return None
    scripts = manifest.get("scripts") if isinstance(manifest, dict) else None
    found = scripts.items() if isinstance(scripts, dict) else ()
    return {name: text for name, text in found if isinstance(text, str)}


def manifest_folder(script: PackageScript) -> str:
    """Returns the folder of the package.json that has ``script``."""
    return posixpath.dirname(script.path)
